//! Shapes of access policies.

use serde_json::{Value, json};

use super::{closed, duration, nullable, object, page, time, time_or_null};

pub(super) fn all() -> Value {
    json!({
        "Policy": policy(&["name", "rules"], true),
        "PolicyChange": policy(&[], false),
        "PolicyShown": object(
            &["id", "name", "description", "scope", "revision", "rules", "bindings", "is_active", "created_at", "updated_at"],
            json!({
                "id": {"type": "string"}, "name": {"type": "string"}, "description": nullable("string"), "scope": scope(),
                "revision": {"type": "integer", "minimum": 1}, "rules": {"type": "array", "items": rule()},
                "bindings": {"type": "array", "items": {"$ref": "#/components/schemas/PolicyBinding"}},
                "is_active": {"type": "boolean"}, "created_at": time(), "updated_at": time(),
            }),
        ),
        "PolicyList": page("policies", object(
            &["id", "name", "scope", "revision", "rule_count", "binding_count", "is_active", "created_at", "updated_at"],
            json!({
                "id": {"type": "string"}, "name": {"type": "string"}, "scope": scope(), "revision": {"type": "integer", "minimum": 1},
                "rule_count": {"type": "integer"}, "binding_count": {"type": "integer"}, "is_active": {"type": "boolean"},
                "created_at": time(), "updated_at": time(),
            }),
        )),
        "BindPolicy": binding(),
        "PolicyBinding": object(
            &["id", "policy_id", "identity_type", "identity_id", "expires_at", "created_at", "created_by"],
            json!({
                "id": {"type": "string"}, "policy_id": {"type": "string"}, "identity_type": identity_type(),
                "identity_id": {"type": "string"}, "expires_at": time_or_null(), "created_at": time(), "created_by": {"type": "string"},
            }),
        ),
        "PolicyBindingList": page("bindings", json!({"$ref": "#/components/schemas/PolicyBinding"})),
        "TestPolicies": closed(&["path", "permission"], json!({
            "identity_id": nullable("string"), "path": {"type": "string", "minLength": 1, "maxLength": 512}, "permission": permission(),
            "context": closed(&[], json!({
                "source_ip": nullable("string"), "mfa_verified": {"type": ["boolean", "null"]}, "timestamp": time_or_null(),
            })),
        })),
        "PolicyVerdict": object(&["allowed"], json!({
            "allowed": {"type": "boolean"}, "policy_id": nullable("string"), "rule": {"type": "object"}, "reason": {"type": "string"},
            "failed_condition": nullable("string"), "evaluated": {"type": "array", "items": evaluated()},
        })),
        "Decisions": decisions(),
    })
}

fn policy(required: &[&str], whole: bool) -> Value {
    closed(required, policy_properties(whole))
}

pub(super) fn policy_properties(whole: bool) -> Value {
    let mut properties = json!({
        "name": {"type": "string", "minLength": 1, "maxLength": 128},
        "description": {"type": ["string", "null"], "maxLength": 1024},
        "rules": {"type": "array", "minItems": 1, "maxItems": 100, "items": rule()},
        "is_active": {"type": "boolean"},
    });
    if let (true, Some(properties)) = (whole, properties.as_object_mut()) {
        properties.insert("scope".into(), scope());
    }
    properties
}

pub(super) fn binding() -> Value {
    closed(
        &["identity_type", "identity_id"],
        json!({
            "identity_type": identity_type(), "identity_id": {"type": "string"}, "expires_at": time_or_null(),
        }),
    )
}

pub(super) fn rule() -> Value {
    let window = closed(
        &["start", "end"],
        json!({
            "days": {"type": "array", "minItems": 1, "items": {"type": "string", "enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}},
            "start": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
            "end": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
            "timezone": {"type": "string", "examples": ["Europe/Amsterdam"]},
        }),
    );
    closed(
        &["path_pattern", "permissions"],
        json!({
            "path_pattern": {"type": "string", "minLength": 1, "maxLength": 512},
            "permissions": {"type": "array", "minItems": 1, "items": permission()},
            "conditions": closed(&[], json!({
                "ip_ranges": {"type": "array", "minItems": 1, "maxItems": 200, "items": {"type": "string", "examples": ["10.0.0.0/8"]}},
                "require_mfa": {"type": "boolean"}, "mfa_max_age": duration(), "time_window": window, "expires_at": time(),
            })),
        }),
    )
}

fn decisions() -> Value {
    let smallest = json!({
        "type": ["object", "null"],
        "properties": {"rule": rule(), "identity_type": nullable("string"), "identity_id": nullable("string"),
                       "dropped_conditions": {"type": "array", "items": {"type": "string"}}},
    });
    let decision = object(
        &[
            "entry_id",
            "timestamp",
            "identity_type",
            "identity_id",
            "verdict",
            "code",
            "reason",
            "failed_condition",
            "permission",
            "path",
            "policy_id",
            "policy_revision",
            "rule_index",
            "role",
            "evaluated",
            "smallest_change",
        ],
        json!({
            "entry_id": {"type": "string"}, "timestamp": time(), "identity_type": nullable("string"), "identity_id": nullable("string"),
            "verdict": {"type": "string", "enum": ["allowed", "denied"]}, "code": nullable("string"), "reason": nullable("string"),
            "failed_condition": nullable("string"), "permission": nullable("string"), "path": nullable("string"),
            "policy_id": nullable("string"), "policy_revision": nullable("integer"), "rule_index": nullable("integer"),
            "role": nullable("string"), "evaluated": {"type": "array", "items": evaluated()}, "smallest_change": smallest,
        }),
    );
    object(
        &["request_id", "decisions", "cursor", "has_more"],
        json!({
            "request_id": {"type": "string"}, "decisions": {"type": "array", "items": decision},
            "cursor": nullable("string"), "has_more": {"type": "boolean"},
        }),
    )
}

fn evaluated() -> Value {
    object(
        &["policy_id", "name", "rule_index", "path_matched", "permission_matched", "failed_condition"],
        json!({
            "policy_id": {"type": "string"}, "policy_revision": {"type": "integer"}, "name": {"type": "string"},
            "rule_index": {"type": "integer"}, "path_matched": {"type": "boolean"}, "permission_matched": {"type": "boolean"},
            "failed_condition": nullable("string"),
        }),
    )
}

fn scope() -> Value {
    json!({"type": "string", "enum": ["tenant", "partner"]})
}

pub(super) fn identity_type() -> Value {
    json!({"type": "string", "enum": ["user", "service_account", "group", "system"]})
}

pub(super) fn permission() -> Value {
    json!({"type": "string", "enum": ["read", "write", "delete", "list", "rotate", "admin"]})
}
