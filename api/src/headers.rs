//! Single-valued request headers.

use axum::http::{HeaderMap, HeaderName};
use scaivault_domain::Rejection;

use crate::json::invalid;

/// The one value of a header; `invalid_request` if it is repeated or not visible ASCII.
pub fn single<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Rejection> {
    let mut values = headers.get_all(HeaderName::from_static(name)).iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(invalid(format!("The header {name} must be given once")).detail("header", name));
    }
    let text = first
        .to_str()
        .map_err(|_| invalid(format!("The header {name} must be printable ASCII")).detail("header", name))?;
    Ok(Some(text))
}
