//! `If-Match` and `If-None-Match`, narrowed to one version number or `*`.

use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName};
use scaivault_domain::Rejection;
use scaivault_domain::secret::Condition;
use scaivault_domain::secret::condition::Tag;

use crate::headers::single;
use crate::json::invalid;

/// Both conditions of a request.
pub fn of(headers: &HeaderMap) -> Result<Condition, Rejection> {
    Ok(Condition { if_match: tag(headers, &IF_MATCH)?, if_none_match: tag(headers, &IF_NONE_MATCH)? })
}

fn tag(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tag>, Rejection> {
    let Some(text) = single(headers, name)? else { return Ok(None) };
    let parsed = match text.trim() {
        "*" => Some(Tag::Any),
        quoted => version(quoted).map(Tag::Version),
    };
    parsed.map(Some).ok_or_else(|| {
        invalid(format!("The header {name} must be * or a version number in double quotes, such as \"3\""))
            .detail("header", name.as_str())
    })
}

fn version(quoted: &str) -> Option<u32> {
    let digits = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    // A number beyond any that can be written matches none, as the highest does.
    plain.then(|| digits.parse().unwrap_or(u32::MAX))
}
