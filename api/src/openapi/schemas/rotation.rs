//! Shapes of rotation policies.

use serde_json::{Value, json};

use super::{closed, duration, nullable, object, page, time, time_or_null};

/// Its schemas.
pub(super) fn all() -> Value {
    json!({
        "RotationPolicy": closed(&["name", "interval"], properties(false)),
        "RotationPolicyChange": closed(&[], properties(true)),
        "RotationPolicyShown": shown(),
        "RotationPolicyList": page("data", row()),
        "AttachSecret": closed(&["secret_path"], json!({"secret_path": path()})),
        "RotationAssignment": assignment(),
        "RotationAssignmentList": page("secrets", json!({"$ref": "#/components/schemas/RotationAssignment"})),
        "RotateSecrets": closed(&[], json!({
            "secret_paths": {"type": ["array", "null"], "items": path(), "minItems": 1, "maxItems": 100},
        })),
        "RotationItems": {"type": "array", "items": item()},
        "RotationHistory": page("history", item()),
        "DueRotations": page("secrets", due()),
    })
}

fn path() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 512})
}

fn properties(patching: bool) -> Value {
    let or_null = |kind: &str| if patching { json!([kind, "null"]) } else { json!(kind) };
    let nullable_object = |object: Value| json!({"anyOf": [object, {"type": "null"}]});
    // In a change, what is left out stays.
    let (of_window, of_distance): (&[&str], &[&str]) =
        if patching { (&[], &[]) } else { (&["start", "end"], &["path", "duration"]) };
    let window = closed(
        of_window,
        json!({
            "days": {"type": ["array", "null"], "items": {"type": "string", "enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}},
            "start": {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"},
            "end": {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"},
            "timezone": nullable("string"),
        }),
    );
    let distance = closed(of_distance, json!({"path": path(), "duration": {"type": "string"}}));
    let mut properties = json!({
        "name": {"type": "string", "minLength": 1, "maxLength": 100},
        "description": {"type": or_null("string"), "maxLength": 1000},
        "interval": duration(),
        "grace_period": {"type": or_null("string")},
        "warn_before": {"type": or_null("string")},
        "auto_generate": {"type": or_null("boolean")},
        "secret_policy_id": nullable("string"),
        "window": nullable_object(window),
        "min_distance": nullable_object(distance),
        "finish_when_moved": {"type": or_null("boolean")},
        "webhook_ids": {"type": or_null("array"), "items": {"type": "string"}, "maxItems": 20},
    });
    if let (true, Some(properties)) = (patching, properties.as_object_mut()) {
        properties.insert("is_active".into(), json!({"type": ["boolean", "null"]}));
    }
    properties
}

fn shown() -> Value {
    let window = object(
        &["days", "start", "end", "timezone"],
        json!({
            "days": {"type": "array", "items": {"type": "string"}}, "start": {"type": "string"}, "end": {"type": "string"},
            "timezone": {"type": "string"},
        }),
    );
    let distance = object(&["path", "duration"], json!({"path": {"type": "string"}, "duration": {"type": "string"}}));
    object(
        &[
            "id",
            "name",
            "description",
            "interval",
            "interval_seconds",
            "grace_period",
            "warn_before",
            "auto_generate",
            "secret_policy_id",
            "window",
            "min_distance",
            "finish_when_moved",
            "webhook_ids",
            "secrets_count",
            "is_active",
            "created_at",
            "updated_at",
        ],
        json!({
            "id": {"type": "string", "pattern": "^rot_[a-z0-9_]+$"}, "name": {"type": "string"}, "description": {"type": "string"},
            "interval": {"type": "string"}, "interval_seconds": {"type": "integer"}, "grace_period": {"type": "string"},
            "warn_before": {"type": "string"}, "auto_generate": {"type": "boolean"}, "secret_policy_id": nullable("string"),
            "window": {"anyOf": [window, {"type": "null"}]}, "min_distance": {"anyOf": [distance, {"type": "null"}]},
            "finish_when_moved": {"type": "boolean"}, "webhook_ids": {"type": "array", "items": {"type": "string"}},
            "secrets_count": {"type": "integer"}, "is_active": {"type": "boolean"}, "created_at": time(), "updated_at": time(),
        }),
    )
}

fn row() -> Value {
    object(
        &["id", "name", "interval", "interval_seconds", "grace_period", "auto_generate", "is_active", "secrets_count"],
        json!({
            "id": {"type": "string"}, "name": {"type": "string"}, "interval": {"type": "string"},
            "interval_seconds": {"type": "integer"}, "grace_period": {"type": "string"}, "auto_generate": {"type": "boolean"},
            "is_active": {"type": "boolean"}, "secrets_count": {"type": "integer"},
        }),
    )
}

fn assignment() -> Value {
    object(
        &[
            "rotation_policy_id",
            "secret_path",
            "assigned_at",
            "assigned_by",
            "last_rotated_at",
            "next_rotation",
            "status",
        ],
        json!({
            "rotation_policy_id": {"type": "string"}, "secret_path": {"type": "string"}, "assigned_at": time(),
            "assigned_by": {"type": "string"}, "last_rotated_at": time_or_null(), "next_rotation": time_or_null(),
            "status": {"type": "string", "enum": ["scheduled", "warning", "due", "overdue", "failed", "paused"]},
        }),
    )
}

fn item() -> Value {
    let error = object(&["code", "message"], json!({"code": {"type": "string"}, "message": {"type": "string"}}));
    object(
        &[
            "event_id",
            "rotation_policy_id",
            "secret_path",
            "status",
            "trigger",
            "old_version",
            "new_version",
            "auto_generated",
            "initiated_by",
            "started_at",
            "completed_at",
            "duration_ms",
            "grace_period_ends",
            "attempt",
            "error",
        ],
        json!({
            "event_id": nullable("string"), "rotation_policy_id": {"type": "string"}, "secret_path": {"type": "string"},
            "status": {"type": "string", "enum": ["success", "failed", "pending"]},
            "trigger": {"type": "string", "enum": ["schedule", "manual", "write"]},
            "old_version": nullable("integer"), "new_version": nullable("integer"), "auto_generated": {"type": "boolean"},
            "initiated_by": {"type": "string"}, "started_at": time(), "completed_at": time_or_null(),
            "duration_ms": nullable("integer"), "grace_period_ends": time_or_null(), "attempt": {"type": "integer"},
            "error": {"anyOf": [error, {"type": "null"}]},
        }),
    )
}

fn due() -> Value {
    object(
        &["path", "rotation_policy_id", "rotation_policy_name", "due_at", "status", "auto_generate", "last_rotated_at"],
        json!({
            "path": {"type": "string"}, "rotation_policy_id": {"type": "string"}, "rotation_policy_name": {"type": "string"},
            "due_at": time(), "status": {"type": "string", "enum": ["scheduled", "warning", "due", "overdue", "failed"]},
            "auto_generate": {"type": "boolean"}, "last_rotated_at": time_or_null(),
        }),
    )
}
