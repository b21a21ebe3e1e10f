//! What a request for exchange says. It may come from any OAuth client, so faults are `invalid_request` and
//! parameters that are not known are passed over.

use std::sync::Arc;

use scaivault_domain::{Pattern, Rejection, Scope, Scopes};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::authentication::jwt::Jwt;
use crate::call::Call;
use crate::fields::Fields;
use crate::json::invalid;

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// What is given.
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Most patterns of a narrowing.
const MAX_PATHS: usize = 50;

/// A request for exchange.
pub(super) struct Asked {
    pub(super) subject_token: Zeroizing<String>,
    /// `sub` of it, if it has one; not verified.
    pub(super) subject: Arc<str>,
    pub(super) audience: Option<String>,
    pub(super) scopes: Option<Scopes>,
    pub(super) allowed_paths: Option<Vec<Pattern>>,
    pub(super) role: Option<String>,
}

/// Reads the body.
pub(super) fn asked(call: &mut Call) -> Result<Asked, Rejection> {
    call.query.finish()?;
    let mut fields = call.fields();
    fixed(&mut fields, "grant_type", TOKEN_EXCHANGE, true)?;
    fixed(&mut fields, "subject_token_type", JWT, true)?;
    fixed(&mut fields, "requested_token_type", ACCESS_TOKEN, false)?;
    let subject_token = text(&mut fields, "subject_token")?.ok_or_else(|| missing("subject_token"))?;
    let subject_token = Zeroizing::new(subject_token);
    let subject = Jwt::parse(&subject_token).map(|jwt| jwt.claims.subject().into()).unwrap_or_default();
    Ok(Asked {
        subject_token,
        subject,
        audience: text(&mut fields, "audience")?,
        scopes: text(&mut fields, "scope")?.map(|text| scopes(&text)).transpose()?,
        allowed_paths: paths(&mut fields)?,
        role: text(&mut fields, "role")?,
    })
}

fn missing(field: &str) -> Rejection {
    invalid(format!("The parameter {field} is required")).detail("field", field)
}

/// A text; an empty one counts as not given (RFC 6749, section 3.1).
fn text(fields: &mut Fields<'_>, field: &str) -> Result<Option<String>, Rejection> {
    let Some(raw) = fields.raw(field) else { return Ok(None) };
    let text: Option<String> = serde_json::from_str(raw.get())
        .map_err(|_| invalid(format!("The parameter {field} must be a string")).detail("field", field))?;
    Ok(text.filter(|text| !text.is_empty()))
}

fn fixed(fields: &mut Fields<'_>, field: &str, value: &str, is_required: bool) -> Result<(), Rejection> {
    match text(fields, field)? {
        Some(given) if given == value => Ok(()),
        Some(_) => Err(invalid(format!("The parameter {field} must be {value}")).detail("field", field)),
        None if is_required => Err(missing(field)),
        None => Ok(()),
    }
}

fn scopes(text: &str) -> Result<Scopes, Rejection> {
    let known = |word| Scope::parse(word).ok_or_else(|| invalid("The parameter scope holds a word that is no scope"));
    text.split_ascii_whitespace()
        .map(known)
        .collect::<Result<Scopes, _>>()
        .map_err(|fault| fault.detail("field", "scope"))
}

/// An array, or patterns separated by spaces in a form.
fn paths(fields: &mut Fields<'_>) -> Result<Option<Vec<Pattern>>, Rejection> {
    let fault = || invalid("The parameter allowed_paths must hold 1 to 50 patterns").detail("field", "allowed_paths");
    let Some(raw) = fields.raw("allowed_paths") else { return Ok(None) };
    let given: Option<Value> = serde_json::from_str(raw.get()).map_err(|_| fault())?;
    let Some(given) = given else { return Ok(None) };
    let texts: Vec<String> = match given.as_str() {
        Some(text) => text.split_ascii_whitespace().map(str::to_owned).collect(),
        None => serde_json::from_value(given).map_err(|_| fault())?,
    };
    if !(1..=MAX_PATHS).contains(&texts.len()) {
        return Err(fault());
    }
    texts.iter().map(|text| Pattern::parse(text)).collect::<Result<_, _>>().map(Some)
}
