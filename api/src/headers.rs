//! Single-valued request headers, and those of our own.

use axum::http::{HeaderMap, HeaderName};
use scaivault_domain::Rejection;

use crate::json::invalid;

/// Tenant that a request names.
pub const TENANT: HeaderName = HeaderName::from_static("x-tenant-id");
/// Partner that a request names.
pub const PARTNER: HeaderName = HeaderName::from_static("x-partner-id");
/// Log position that a request must see, or has reached.
pub const POSITION: HeaderName = HeaderName::from_static("x-scaivault-position");
/// Key of safe repetition.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The one value of a header; `invalid_request` if it is repeated or not visible ASCII.
pub fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Rejection> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(invalid(format!("The header {name} must be given once")).detail("header", name.as_str()));
    }
    let text = first
        .to_str()
        .map_err(|_| invalid(format!("The header {name} must be printable ASCII")).detail("header", name.as_str()))?;
    Ok(Some(text))
}
