//! Shapes of replays of decisions.

use serde_json::{Value, json};

use super::policies::{binding, identity_type, permission, policy_properties, rule};
use super::{closed, nullable, object, time, time_or_null};

/// Its schemas.
pub(super) fn all() -> Value {
    json!({
        "ReplayPolicies": question(),
        "PolicyReplayAccepted": object(
            &["id", "status", "created_at", "status_url"],
            json!({
                "id": {"type": "string"}, "status": {"type": "string"}, "created_at": time(), "status_url": {"type": "string"},
            }),
        ),
        "PolicyReplay": answer(),
    })
}

fn question() -> Value {
    let bindings = json!({"type": ["array", "null"], "maxItems": 1000, "items": binding()});
    let mut added = policy_properties(true);
    if let Some(added) = added.as_object_mut() {
        added.insert("bindings".into(), bindings.clone());
    }
    let replaced = closed(
        &["id"],
        json!({
            "id": {"type": "string"}, "rules": {"type": "array", "minItems": 1, "maxItems": 100, "items": rule()},
            "is_active": {"type": ["boolean", "null"]}, "bindings": bindings,
        }),
    );
    let proposal = closed(
        &[],
        json!({
            "add": {"type": ["array", "null"], "items": closed(&["name", "rules"], added)},
            "replace": {"type": ["array", "null"], "items": replaced},
            "remove": {"type": ["array", "null"], "items": {"type": "string"}},
        }),
    );
    let filters = closed(
        &[],
        json!({
            "identity_id": nullable("string"), "identity_type": identity_type(), "path_prefix": nullable("string"),
            "permission": permission(), "verdict": {"type": "string", "enum": ["allowed", "denied"]},
        }),
    );
    closed(
        &["from", "to"],
        json!({
            "policies": proposal, "base": {"type": "string", "enum": ["recorded", "current"]}, "from": time(), "to": time(),
            "filters": filters,
        }),
    )
}

fn answer() -> Value {
    let outcome = object(
        &["verdict", "code", "failed_condition", "policy_id", "policy_revision", "rule_index", "role"],
        json!({
            "verdict": {"type": "string", "enum": ["allowed", "denied"]}, "code": nullable("string"),
            "failed_condition": nullable("string"), "policy_id": nullable("string"), "policy_revision": nullable("integer"),
            "rule_index": nullable("integer"), "role": nullable("string"),
        }),
    );
    let change = object(
        &[
            "entry_id",
            "request_id",
            "timestamp",
            "identity_type",
            "identity_id",
            "permission",
            "path",
            "before",
            "after",
        ],
        json!({
            "entry_id": {"type": "string"}, "request_id": nullable("string"), "timestamp": time(),
            "identity_type": nullable("string"), "identity_id": nullable("string"), "permission": nullable("string"),
            "path": nullable("string"), "before": outcome, "after": outcome,
        }),
    );
    let changed = object(
        &["allowed_to_denied", "denied_to_allowed"],
        json!({"allowed_to_denied": {"type": "integer"}, "denied_to_allowed": {"type": "integer"}}),
    );
    let error = json!({
        "type": ["object", "null"], "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
    });
    object(
        &["id", "status", "base", "from", "to", "filters", "changed", "changes", "cursor", "has_more"],
        json!({
            "id": {"type": "string"}, "status": {"type": "string", "enum": ["pending", "running", "completed", "failed"]},
            "base": {"type": "string"}, "from": time(), "to": time(), "filters": {"type": "object"},
            "decisions_total": {"type": "integer"}, "decisions_evaluated": {"type": "integer"}, "changed": changed,
            "error": error, "created_at": time(), "created_by": {"type": "string"}, "completed_at": time_or_null(),
            "changes": {"type": "array", "items": change}, "cursor": nullable("string"), "has_more": {"type": "boolean"},
        }),
    )
}
