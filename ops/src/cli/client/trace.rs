//! What `--debug` shows on standard error: every request and response, with everything secret taken out.

use std::time::Duration;

use http::{HeaderMap, HeaderName, Method};

use crate::cli::json::Json;
use crate::cli::output::complain;

const REDACTED: &str = "[redacted]";

/// Members whose values, or the values inside them, are secret wherever they appear.
const SECRET_MEMBERS: [&str; 17] = [
    "data",
    "new_value",
    "token",
    "access_token",
    "refresh_token",
    "subject_token",
    "client_secret",
    "secret",
    "key",
    "key_pem",
    "private_key",
    "private_key_pem",
    "passphrase",
    "unseal_keys",
    "credentials",
    "value",
    "values",
];

/// Shows a request.
pub(super) fn request(method: &Method, url: &str, headers: &HeaderMap, body: Option<&str>) {
    complain(&format!("> {method} {url}"));
    show_headers('>', headers);
    if let Some(body) = body {
        complain(&format!("> {}", redacted(body)));
    }
}

/// Shows a response.
pub(super) fn response(status: u16, time: Duration, headers: &HeaderMap, body: &str) {
    complain(&format!("< {status} ({} ms)", time.as_millis()));
    show_headers('<', headers);
    if !body.is_empty() {
        complain(&format!("< {}", redacted(body)));
    }
}

/// Shows why there is no response.
pub(super) fn trouble(reason: &str) {
    complain(&format!("< no answer: {reason}"));
}

fn show_headers(direction: char, headers: &HeaderMap) {
    for (name, value) in headers {
        let shown = match value.to_str() {
            Ok(_) if is_secret_header(name) => REDACTED,
            Ok(text) => text,
            Err(_) => "[not text]",
        };
        let scheme = if name == http::header::AUTHORIZATION { "Bearer " } else { "" };
        complain(&format!("{direction} {name}: {scheme}{shown}"));
    }
}

fn is_secret_header(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "authorization" | "proxy-authorization" | "cookie" | "set-cookie" | "x-scaivault-passphrase"
    )
}

/// The body with every secret value replaced; one that is not JSON is not shown at all.
fn redacted(body: &str) -> String {
    match Json::parse(body) {
        Ok(document) => without_secrets(&document).compact().to_string(),
        Err(_) => format!("[{} bytes]", body.len()),
    }
}

fn without_secrets(value: &Json) -> Json {
    match value {
        Json::Object(members) => Json::Object(
            members
                .iter()
                .map(|(name, inner)| {
                    let secret = SECRET_MEMBERS.contains(&name.as_str()) || name.starts_with("private_key");
                    (name.clone(), if secret { blanked(inner) } else { without_secrets(inner) })
                })
                .collect(),
        ),
        Json::List(items) => Json::List(items.iter().map(without_secrets).collect()),
        Json::Text(text) if text.contains("PRIVATE KEY-----") => Json::text(REDACTED),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) => value.clone(),
    }
}

/// Names stay, values go.
fn blanked(value: &Json) -> Json {
    match value {
        Json::Object(members) => {
            Json::Object(members.iter().map(|(name, inner)| (name.clone(), blanked(inner))).collect())
        }
        Json::Null => Json::Null,
        Json::List(_) | Json::Bool(_) | Json::Number(_) | Json::Text(_) => Json::text(REDACTED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_and_names_stay() {
        let body = r#"{"path":"a","data":{"k":"v","n":{"m":1},"l":[1]},"metadata":{"owner":"me"}}"#;
        let expected = r#"{"path":"a","data":{"k":"[redacted]","n":{"m":"[redacted]"},"l":"[redacted]"},"metadata":{"owner":"me"}}"#;
        assert_eq!(redacted(body), expected);
    }

    #[test]
    fn every_kind_of_secret_is_found() {
        for body in [
            r#"{"token":"hidden"}"#,
            r#"{"secrets":{"app/db":{"data":{"k":"hidden"}}}}"#,
            r#"{"new_value":{"k":"hidden"}}"#,
            r#"{"private_key_pem":"hidden"}"#,
            r#"{"pem":"-----BEGIN PRIVATE KEY-----hidden"}"#,
            r#"{"passphrase":"hidden"}"#,
            r#"{"unseal_keys":["hidden"]}"#,
            "client_secret=hidden",
        ] {
            assert!(!redacted(body).contains("hidden"), "{body}");
        }
    }
}
