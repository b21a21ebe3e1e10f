//! OCSF 1.3 API Activity (class 6003). What has no value is left out.

use serde_json::{Map, Value, json};

use super::Entry;

const CATEGORY: u32 = 6;
const CLASS: u32 = 6_003;
const CREATE: u32 = 1;
const READ: u32 = 2;
const UPDATE: u32 = 3;
const DELETE: u32 = 4;
const OTHER: u32 = 99;

pub(super) fn line(entry: &Entry<'_>) -> Result<String, serde_json::Error> {
    let activity = activity(&entry.action, entry.secret_version);
    let mut line = object([
        ("category_uid", Some(json!(CATEGORY))),
        ("class_uid", Some(json!(CLASS))),
        ("activity_id", Some(json!(activity))),
        ("type_uid", Some(json!(CLASS * 100 + activity))),
        ("time", Some(json!(entry.millis()))),
        ("status_id", Some(json!(if entry.success { 1 } else { 2 }))),
        ("status_code", entry.error_code.as_ref().map(|code| json!(code))),
        ("severity_id", Some(json!(if entry.success { 1 } else { 3 }))),
        ("api", Some(json!({"operation": entry.action, "request": {"uid": entry.request_id}}))),
    ]);
    let user = object([
        ("uid", entry.identity_id.as_ref().map(|id| json!(id))),
        ("type", entry.identity_type.as_ref().map(|kind| json!(kind))),
    ]);
    let metadata = object([
        ("uid", Some(json!(entry.id))),
        ("sequence", Some(json!(entry.position))),
        ("tenant_uid", entry.tenant_id.as_ref().map(|id| json!(id))),
        ("product", Some(json!({"name": "ScaiVault", "vendor_name": "ScaiLabs"}))),
        ("version", Some(json!("1.3.0"))),
    ]);
    let resource = entry.concerned().map(|name| {
        object([
            ("name", Some(json!(name))),
            ("version", entry.secret_version.map(|version| json!(version.to_string()))),
        ])
    });
    let more = object([
        ("actor", Some(json!({"user": user}))),
        ("src_endpoint", entry.source_ip.as_ref().map(|address| json!({"ip": address}))),
        ("http_request", entry.user_agent.as_ref().map(|agent| json!({"user_agent": agent}))),
        ("resources", resource.map(|resource| json!([resource]))),
        ("metadata", Some(Value::Object(metadata))),
        ("unmapped", Some(serde_json::from_str(entry.extra_data.get())?)),
    ]);
    line.extend(more);
    serde_json::to_string(&line)
}

fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Map<String, Value> {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// What was done, as OCSF sees it. A `write` that made version 1 made a secret.
fn activity(action: &str, version: Option<u32>) -> u32 {
    match action {
        "write" if version == Some(1) => CREATE,
        "read" | "list" => READ,
        "write"
        | "metadata_update"
        | "rotate"
        | "restore"
        | "policy_bind"
        | "policy_unbind"
        | "dynamic_renew"
        | "key_rotate"
        | "federation_resolve"
        | "rotation_policy_enable"
        | "rotation_policy_disable"
        | "rotation_policy_attach"
        | "rotation_policy_detach" => UPDATE,
        "delete" | "pki_revoke" | "dynamic_revoke" | "token_revoke" => DELETE,
        "pki_issue" | "pki_sign" | "dynamic_generate" | "secret_policy_generate" | "export_created" => CREATE,
        other if other.ends_with("_create") => CREATE,
        other if other.ends_with("_update") => UPDATE,
        other if other.ends_with("_delete") => DELETE,
        _ => OTHER,
    }
}
