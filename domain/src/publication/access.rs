//! Events that are told of by audit entries alone: values that were read, requests that were denied on a path.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{ACCESSED, VIOLATION};
use crate::{IdentityId, SecretPath, Timestamp};

/// What an audit entry publishes.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// [`ACCESSED`] or [`VIOLATION`].
    pub event_type: &'static str,
    /// When the request arrived.
    pub at: Timestamp,
    /// Who asked.
    pub actor: IdentityId,
    /// On which path.
    pub path: SecretPath,
    /// Whether that is one of the partner's.
    pub of_partner: bool,
    /// By the catalogue.
    pub data: Value,
    /// Of the request.
    pub request_id: String,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    identity_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    request_id: Cow<'a, str>,
    #[serde(borrow)]
    secret_path: Option<Cow<'a, str>>,
    secret_version: Option<u32>,
    #[serde(borrow)]
    source_ip: Option<Cow<'a, str>>,
    success: bool,
    timestamp: Timestamp,
    #[serde(borrow)]
    extra_data: Extra<'a>,
}

#[derive(Deserialize)]
struct Extra<'a> {
    #[serde(default)]
    batch: bool,
    #[serde(borrow)]
    failed_condition: Option<Cow<'a, str>>,
    #[serde(borrow)]
    permission: Option<Cow<'a, str>>,
    /// There if it was permitted, if only as null.
    #[serde(default, deserialize_with = "present")]
    policy_id: bool,
    #[serde(borrow)]
    secret_scope: Option<Cow<'a, str>>,
}

/// What is kept beside an entry.
#[derive(Default, Deserialize)]
struct Kept<'a> {
    #[serde(borrow)]
    denial: Option<Cow<'a, str>>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// What an entry publishes, with what is kept beside it; most publish nothing.
pub fn told(json: &str, detail: Option<&str>) -> Option<Told> {
    let entry: Entry<'_> = serde_json::from_str(json).ok()?;
    let path = SecretPath::parse(entry.secret_path.as_deref()?).ok()?;
    let actor = IdentityId::parse(entry.identity_id.as_deref()?)?;
    let (event_type, data) = accessed(&entry).or_else(|| violation(&entry, detail))?;
    Some(Told {
        event_type,
        at: entry.timestamp,
        actor,
        path,
        of_partner: entry.extra_data.secret_scope.is_some(),
        data,
        request_id: entry.request_id.into_owned(),
    })
}

fn accessed(entry: &Entry<'_>) -> Option<(&'static str, Value)> {
    let version = entry.secret_version.filter(|_| entry.success && entry.action == "read")?;
    let access = if entry.extra_data.batch { "batch" } else { "read" };
    Some((ACCESSED, json!({"version": version, "access": access})))
}

fn violation(entry: &Entry<'_>, detail: Option<&str>) -> Option<(&'static str, Value)> {
    let extra = &entry.extra_data;
    let permission = extra.permission.as_deref().filter(|_| !entry.success && !extra.policy_id)?;
    let kept: Kept<'_> = detail.and_then(|detail| serde_json::from_str(detail).ok()).unwrap_or_default();
    let reason = match (kept.denial.as_deref(), &extra.failed_condition) {
        (Some("token_path_restriction"), _) => "token_path_restriction",
        (_, Some(_)) => "condition_failed",
        (_, None) => "no_matching_rule",
    };
    let data = json!({"permission": permission, "reason": reason, "failed_condition": extra.failed_condition,
                      "source_ip": entry.source_ip});
    Some((VIOLATION, data))
}
