//! `GET /v1/audit/checkpoint`: a signed statement of what the log is now.

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, Method};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scaivault_commands::audit_tree::signed_at;
use scaivault_domain::audit::Action;
use scaivault_domain::{Scope, Timestamp};
use serde::Serialize;

use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static CHECKPOINT: Operation = Operation {
    method: Method::GET,
    path: "/v1/audit/checkpoint",
    id: "read_audit_checkpoint",
    summary: "Signs the tree over everything recorded so far: a C2SP checkpoint as text, or with its parts as JSON.",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::TenantIfAny,
    category: Category::AuditQuery,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("AuditCheckpoint"))],
    errors: &[],
    handler: |call| Box::pin(checkpoint(call)),
};

#[derive(Serialize)]
struct Shown<'a> {
    origin: &'a str,
    tree_size: u64,
    root_hash: String,
    timestamp: Timestamp,
    note: &'a str,
}

async fn checkpoint(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let signed = call.app.tree.checkpoint().await?;
    if !wants_json(&call.headers) {
        return Ok(Done::Text { content_type: "text/plain; charset=utf-8".into(), body: signed.note });
    }
    Ok(Done::json(&Shown {
        origin: &signed.checkpoint.origin,
        tree_size: signed.checkpoint.tree_size,
        root_hash: STANDARD.encode(signed.checkpoint.root),
        timestamp: signed_at(&signed),
        note: &signed.note,
    })?)
}

/// Whether JSON is preferred to text: by weight, and if that is the same, by being named.
fn wants_json(headers: &HeaderMap) -> bool {
    let mut json = (0, 0);
    let mut text = (0, 0);
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
        // How exactly the range names the type, which decides between ranges too.
        let (of_json, of_text) = match name.as_str() {
            "application/json" => (3, 0),
            "text/plain" => (0, 3),
            "application/*" => (2, 0),
            "text/*" => (0, 2),
            "*/*" => (1, 1),
            _ => (0, 0),
        };
        for (best, exactness) in [(&mut json, of_json), (&mut text, of_text)] {
            if exactness > best.0 {
                *best = (exactness, weight);
            }
        }
    }
    json.1 > 0 && (json.1, json.0) > (text.1, text.0)
}

/// A weight of up to three decimals; anything else weighs nothing.
fn thousandths(weight: &str) -> u32 {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = format!("{whole}{decimals:0<3}");
    digits.parse().ok().filter(|weight| *weight <= 1000 && decimals.len() <= 3).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn text_is_given_unless_json_is_preferred() {
        for (accept, json) in [
            (None, false),
            (Some("*/*"), false),
            (Some("application/json"), true),
            (Some("Application/JSON; q=0.9"), true),
            (Some("application/json, */*"), true),
            (Some("application/json, text/plain, */*"), false),
            (Some("application/json;q=0.5, text/plain"), false),
            (Some("text/plain;q=0.5, application/json"), true),
            (Some("application/json;q=0"), false),
            (Some("text/html, application/*;q=0.8, */*;q=0.1"), true),
            (Some("text/html"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(accept.map(|accept| (ACCEPT, accept.parse().unwrap())));
            assert_eq!(wants_json(&headers), json, "{accept:?}");
        }
    }
}
