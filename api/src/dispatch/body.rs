//! Reading a body: bounded, of a known content type.

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;
use scaivault_domain::{ErrorCode, Rejection};
use serde_json::{Map, Value};

use crate::json::{Members, invalid};
use crate::operation;

/// Longest body, in bytes.
pub(crate) const MAX_BODY: usize = 1_048_576;
/// A longer body is read on up to here, so that the client gets to see the refusal.
const MAX_DRAINED: usize = 16 * MAX_BODY;

/// Reads and checks the body of an operation; always a sound JSON object, or empty.
pub(super) async fn read(headers: &HeaderMap, body: Body, kind: operation::Body) -> Result<Bytes, Rejection> {
    let bytes = collect(headers, body).await?;
    if bytes.is_empty() {
        return Ok(bytes);
    }
    let bytes = match media_type(headers).as_deref() {
        Some("application/json") => bytes,
        Some("application/merge-patch+json") if matches!(kind, operation::Body::MergePatch(_)) => bytes,
        Some("application/x-www-form-urlencoded") if matches!(kind, operation::Body::JsonOrForm(_)) => form(&bytes)?,
        Some(_) | None => {
            let accepted = match kind {
                operation::Body::MergePatch(_) => "application/json or application/merge-patch+json",
                operation::Body::JsonOrForm(_) => "application/json or application/x-www-form-urlencoded",
                operation::Body::None | operation::Body::Json(_) => "application/json",
            };
            return Err(Rejection::new(
                ErrorCode::UnsupportedMediaType,
                format!("Send the body as {accepted}, in UTF-8"),
            ));
        }
    };
    Members::of_body(&bytes)?;
    Ok(bytes)
}

async fn collect(headers: &HeaderMap, mut body: Body) -> Result<Bytes, Rejection> {
    let too_large =
        || Rejection::new(ErrorCode::PayloadTooLarge, "The body is larger than 1 MiB").detail("limit", MAX_BODY);
    let announced =
        headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_DRAINED) {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(announced.unwrap_or_default().min(MAX_BODY));
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| invalid("The body ended early"))?;
        let Some(data) = frame.data_ref() else { continue };
        length += data.len();
        if length <= MAX_BODY {
            bytes.extend_from_slice(data);
        } else if length > MAX_DRAINED {
            break;
        }
    }
    if length > MAX_BODY { Err(too_large()) } else { Ok(bytes.into()) }
}

/// Type without parameters; `None` if missing, repeated, or in another charset than UTF-8.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let mut parts = value.split(';').map(str::trim);
    let media_type = parts.next()?.to_ascii_lowercase();
    let charset = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("charset"));
    let utf_8 = charset.is_none_or(|(_, charset)| charset.trim_matches('"').eq_ignore_ascii_case("utf-8"));
    utf_8.then_some(media_type)
}

/// A form as the JSON object it stands for.
fn form(bytes: &[u8]) -> Result<Bytes, Rejection> {
    let malformed = || invalid("The form is not valid percent-encoded UTF-8");
    let text = std::str::from_utf8(bytes).map_err(|_| malformed())?;
    let mut object = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = |text: &str| {
            let spaced = text.replace('+', " ");
            percent_decode_str(&spaced).decode_utf8().map(|text| text.into_owned()).map_err(|_| malformed())
        };
        if object.insert(decoded(name)?, Value::String(decoded(value)?)).is_some() {
            return Err(invalid("The form has a duplicate field"));
        }
    }
    Ok(Value::Object(object).to_string().into_bytes().into())
}
