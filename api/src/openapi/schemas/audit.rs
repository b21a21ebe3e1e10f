//! Shapes of the audit trail.

use serde_json::{Value, json};

use super::{closed, nullable, object, secret_type, time, time_or_null};

/// Its schemas.
pub(super) fn all() -> Value {
    json!({
        "AuditEntry": entry(),
        "AuditLogs": logs(&[], &json!({})),
        "SecretTrail": logs(&["path", "summary"], &json!({"path": {"type": "string"}, "summary": trail("unique_identities")})),
        "IdentityTrail": logs(
            &["identity_id", "summary"],
            &json!({"identity_id": {"type": "string"}, "summary": trail("secrets_touched")}),
        ),
        "AuditSummary": summary(),
        "BlastRadius": blast_radius(),
        "ReplayAudit": replay_question(),
        "AuditReplay": replay_answer(),
        "AuditReindex": object(
            &["status", "applied_position", "log_position", "started_at", "completed_at", "error"],
            json!({
                "status": {"type": "string", "enum": ["none", "running", "completed", "failed"]},
                "applied_position": nullable("integer"), "log_position": nullable("integer"),
                "started_at": time_or_null(), "completed_at": time_or_null(), "error": nullable("string"),
            }),
        ),
    })
}

fn entry() -> Value {
    object(
        &[
            "id",
            "timestamp",
            "action",
            "identity_type",
            "identity_id",
            "tenant_id",
            "acting_tenant_id",
            "secret_path",
            "resource",
            "secret_version",
            "source_ip",
            "user_agent",
            "success",
            "error_code",
            "duration_ms",
            "request_id",
            "position",
            "extra_data",
        ],
        json!({
            "id": {"type": "string"}, "timestamp": time(), "action": {"type": "string"}, "identity_type": nullable("string"),
            "identity_id": nullable("string"), "tenant_id": nullable("string"), "acting_tenant_id": nullable("string"),
            "secret_path": nullable("string"), "resource": nullable("string"), "secret_version": nullable("integer"),
            "source_ip": nullable("string"), "user_agent": nullable("string"), "success": {"type": "boolean"},
            "error_code": nullable("string"), "duration_ms": {"type": "integer"}, "request_id": {"type": "string"},
            "position": {"type": "integer"}, "extra_data": {"type": "object"},
        }),
    )
}

fn logs(more: &[&str], properties: &Value) -> Value {
    let mut members = json!({
        "logs": {"type": "array", "items": {"$ref": "#/components/schemas/AuditEntry"}},
        "cursor": nullable("string"), "has_more": {"type": "boolean"},
    });
    if let (Some(members), Some(more)) = (members.as_object_mut(), properties.as_object()) {
        members.extend(more.clone());
    }
    object(&[&["logs", "cursor", "has_more"], more].concat(), members)
}

fn trail(distinct: &str) -> Value {
    let mut members = json!({
        "period_days": {"type": "integer"}, "reads": {"type": "integer"}, "writes": {"type": "integer"},
        "rotations": {"type": "integer"}, "denied": {"type": "integer"}, "last_access": time_or_null(),
    });
    if let Some(members) = members.as_object_mut() {
        members.insert(distinct.into(), json!({"type": "integer"}));
    }
    object(&["period_days", "reads", "writes", "rotations", "denied", distinct, "last_access"], members)
}

fn summary() -> Value {
    let counted =
        |name: &str| object(&[name, "count"], json!({name: {"type": "string"}, "count": {"type": "integer"}}));
    object(
        &[
            "from",
            "to",
            "total_events",
            "successful_events",
            "failed_events",
            "unique_identities",
            "unique_secrets",
            "by_action",
            "by_day",
            "top_identities",
            "top_secrets",
        ],
        json!({
            "from": time(), "to": time(), "total_events": {"type": "integer"}, "successful_events": {"type": "integer"},
            "failed_events": {"type": "integer"}, "unique_identities": {"type": "integer"}, "unique_secrets": {"type": "integer"},
            "by_action": {"type": "object", "additionalProperties": {"type": "integer"}},
            "by_day": {"type": "array", "items": counted("date")},
            "top_identities": {"type": "array", "items": counted("identity_id")},
            "top_secrets": {"type": "array", "items": counted("path")},
        }),
    )
}

fn blast_radius() -> Value {
    let count = || json!({"type": "integer"});
    let version = object(
        &["version", "is_current", "readable", "first_read_at", "last_read_at", "read_count"],
        json!({
            "version": count(), "is_current": {"type": "boolean"}, "readable": {"type": "boolean"},
            "first_read_at": time(), "last_read_at": time(), "read_count": count(),
        }),
    );
    let other = object(
        &["identity_id", "identity_type", "version", "read_count", "last_read_at"],
        json!({
            "identity_id": {"type": "string"}, "identity_type": nullable("string"), "version": count(),
            "read_count": count(), "last_read_at": time(),
        }),
    );
    let secret = object(
        &["path", "secret_scope", "current_version", "still_current", "deleted", "versions", "others", "others_count"],
        json!({
            "path": {"type": "string"}, "secret_scope": {"type": "string", "enum": ["tenant", "partner"]},
            "current_version": nullable("integer"), "still_current": {"type": "boolean"}, "deleted": {"type": "boolean"},
            "versions": {"type": "array", "items": version}, "others": {"type": "array", "items": other}, "others_count": count(),
        }),
    );
    let rotation = object(
        &["path", "secret_scope", "rotation_policy_id", "needs_value"],
        json!({
            "path": {"type": "string"}, "secret_scope": {"type": "string", "enum": ["tenant", "partner"]},
            "rotation_policy_id": nullable("string"), "needs_value": {"type": "boolean"},
        }),
    );
    let counts = ["secrets", "versions", "still_current", "certificates", "leases", "rotations"];
    let summary = counts.iter().map(|name| ((*name).to_owned(), count())).collect::<serde_json::Map<_, _>>();
    object(
        &[
            "identity_id",
            "token_id",
            "from",
            "to",
            "summary",
            "secrets",
            "certificates",
            "leases",
            "rotations",
            "cursor",
            "has_more",
        ],
        json!({
            "identity_id": nullable("string"), "token_id": nullable("string"), "from": time_or_null(), "to": time(),
            "summary": object(&counts, Value::Object(summary)), "secrets": {"type": "array", "items": secret},
            "certificates": {"type": "array", "items": {"type": "object"}}, "leases": {"type": "array", "items": {"type": "object"}},
            "rotations": {"type": "array", "items": rotation}, "cursor": nullable("string"), "has_more": {"type": "boolean"},
        }),
    )
}

fn replay_question() -> Value {
    closed(
        &["what"],
        json!({
            "at": time_or_null(), "position": {"type": ["integer", "null"], "minimum": 1},
            "what": {"type": "string", "enum": ["policies", "secrets", "access"]},
            "path": nullable("string"), "identity_id": nullable("string"),
            "permission": {"type": ["string", "null"], "enum": ["read", "write", "delete", "list", "rotate", "admin", null]},
            "path_prefix": nullable("string"),
            "limit": {"type": ["integer", "null"], "minimum": 1, "maximum": 200}, "cursor": nullable("string"),
        }),
    )
}

fn replay_answer() -> Value {
    let secret = object(
        &["path", "secret_type", "version", "metadata", "expires_at", "created_at", "updated_at", "deleted_at"],
        json!({
            "path": {"type": "string"}, "secret_type": secret_type(), "version": nullable("integer"),
            "metadata": {"type": "object"}, "rotation_policy_id": nullable("string"), "expires_at": time_or_null(),
            "created_at": time(), "updated_at": time(), "deleted_at": time_or_null(),
        }),
    );
    let access = object(
        &["identity_id", "identity_type", "path", "permission", "policy_id", "policy_name", "binding_id", "rule_index"],
        json!({
            "identity_id": {"type": "string"}, "identity_type": {"type": "string"}, "path": {"type": "string"},
            "permission": {"type": "string"}, "policy_id": nullable("string"), "policy_name": nullable("string"),
            "binding_id": nullable("string"), "rule_index": nullable("integer"), "via_group": nullable("string"),
            "role": nullable("string"), "conditions": {"type": "object"},
        }),
    );
    object(
        &["at", "position", "what", "cursor", "has_more"],
        json!({
            "at": time(), "position": {"type": "integer"}, "what": {"type": "string"},
            "policies": {"type": "array", "items": {"$ref": "#/components/schemas/PolicyShown"}},
            "secrets": {"type": "array", "items": secret}, "identities": {"type": "array", "items": access},
            "cursor": nullable("string"), "has_more": {"type": "boolean"},
        }),
    )
}
