//! ArcSight Common Event Format: a header of fields between bars, then `key=value` pairs. Bars and backslashes are
//! escaped in the header, equals signs, backslashes and line ends in values.

use super::Entry;
use crate::ErrorCode;

const SUCCESS: u8 = 3;
const FAILURE: u8 = 6;
const SUSPICIOUS: u8 = 8;

pub(super) fn write(entry: &Entry<'_>, out: &mut String) {
    out.push_str("CEF:0|ScaiLabs|ScaiVault|");
    for field in [env!("CARGO_PKG_VERSION"), &entry.action, &entry.action, &severity(entry).to_string()] {
        push_header(field, out);
        out.push('|');
    }
    let text = |text: Option<&str>| text.map(str::to_owned);
    let outcome = if entry.success { "success" } else { "failure" };
    let version = entry.secret_version.map(|version| version.to_string());
    let pairs = [
        ("rt", Some(entry.millis().to_string())),
        ("externalId", text(Some(&entry.id))),
        ("suser", text(entry.identity_id.as_deref())),
        ("src", text(entry.source_ip.as_deref())),
        ("requestClientApplication", text(entry.user_agent.as_deref())),
        ("outcome", text(Some(outcome))),
        ("reason", text(entry.error_code.as_deref())),
        ("request", text(entry.concerned())),
        ("cs1Label", entry.tenant_id.as_ref().map(|_| "tenant".to_owned())),
        ("cs1", text(entry.tenant_id.as_deref())),
        ("cs2Label", text(Some("requestId"))),
        ("cs2", text(Some(&entry.request_id))),
        ("cn1Label", version.as_ref().map(|_| "version".to_owned())),
        ("cn1", version),
        ("cn2Label", text(Some("position"))),
        ("cn2", Some(entry.position.to_string())),
    ];
    let given = pairs.into_iter().filter_map(|(key, value)| Some((key, value?)));
    for (index, (key, value)) in given.enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(key);
        out.push('=');
        push_value(&value, out);
    }
}

fn severity(entry: &Entry<'_>) -> u8 {
    let is_denied = |code: &str| ErrorCode::parse(code).is_some_and(|code| code.status() == 403);
    match &entry.error_code {
        _ if entry.action == "auth_failure" => SUSPICIOUS,
        Some(code) if is_denied(code) => SUSPICIOUS,
        _ if entry.success => SUCCESS,
        Some(_) | None => FAILURE,
    }
}

fn push_header(field: &str, out: &mut String) {
    for character in field.chars() {
        match character {
            '|' | '\\' => out.extend(['\\', character]),
            // A header has no way to write line ends.
            '\r' | '\n' => out.push(' '),
            other => out.push(other),
        }
    }
}

fn push_value(value: &str, out: &mut String) {
    for character in value.chars() {
        match character {
            '=' | '\\' => out.extend(['\\', character]),
            '\r' => out.push_str("\\r"),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}
