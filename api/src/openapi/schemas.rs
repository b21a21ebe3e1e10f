//! Shapes of bodies and answers.

mod audit;
mod exports;
mod identities;
mod issuers;
mod policies;
mod replays;
mod rotation;
mod secret_policies;
mod subscriptions;
mod tree;
mod webhooks;

use serde_json::{Map, Value, json};

/// Every schema by name.
pub(super) fn all() -> Value {
    let mut schemas = Map::new();
    for group in [
        requests(),
        secrets(),
        lists(),
        identity(),
        identities::all(),
        policies::all(),
        replays::all(),
        issuers::all(),
        audit::all(),
        tree::all(),
        exports::all(),
        secret_policies::all(),
        rotation::all(),
        webhooks::all(),
        subscriptions::all(),
        system(),
    ] {
        if let Value::Object(group) = group {
            schemas.extend(group);
        }
    }
    Value::Object(schemas)
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn time_or_null() -> Value {
    json!({"type": ["string", "null"], "format": "date-time"})
}

fn nullable(kind: &str) -> Value {
    json!({"type": [kind, "null"]})
}

fn duration() -> Value {
    json!({"type": "string", "pattern": "^([0-9]+[smhdw])+$", "examples": ["90d", "1h30m"]})
}

fn secret_type() -> Value {
    json!({"type": "string", "enum": ["kv", "json", "certificate", "ssh_key", "api_key"]})
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties})
}

fn closed(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

fn requests() -> Value {
    let options = |patching: bool| {
        let integer = if patching { json!(["integer", "null"]) } else { json!("integer") };
        closed(
            &[],
            json!({
                "max_versions": {"type": integer, "minimum": 1, "maximum": 100},
                "expires_in": {"type": ["string", "null"], "pattern": "^([0-9]+[smhdw])+$"},
                "expires_at": time_or_null(),
                "rotation_policy_id": nullable("string"),
                "secret_policy_id": nullable("string"),
                "notify_before": {"type": ["string", "null"], "examples": ["30d,7d,1d"]},
            }),
        )
    };
    let metadata = json!({
        "type": "object",
        "properties": {
            "description": {"type": ["string", "null"], "maxLength": 2048},
            "tags": {"type": ["array", "null"], "maxItems": 50, "items": {"type": "string", "minLength": 1, "maxLength": 64}},
            "owner": {"type": ["string", "null"], "maxLength": 256},
        },
        "propertyNames": {"pattern": "^[A-Za-z0-9_.-]{1,64}$"},
        "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
    });
    let paths = json!({"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "string"}});
    json!({
        "WriteSecret": closed(&["data"], json!({
            "data": {"type": "object"}, "secret_type": secret_type(), "metadata": metadata, "options": options(false),
        })),
        "UpdateSecret": closed(&[], json!({"metadata": metadata, "options": options(true)})),
        "RotateSecret": closed(&[], json!({
            "new_value": {"type": "object"}, "reason": {"type": ["string", "null"], "maxLength": 1024}, "grace_period": duration(),
        })),
        "BatchRead": closed(&["paths"], json!({
            "paths": paths,
            "options": closed(&[], json!({
                "include_metadata": {"type": "boolean"}, "fail_fast": {"type": "boolean"}, "version": {"type": "integer", "minimum": 1},
            })),
        })),
        "BatchMetadata": closed(&["paths"], json!({
            "paths": paths,
            "options": closed(&[], json!({"expand_wildcards": {"type": "boolean"}, "fail_fast": {"type": "boolean"}})),
        })),
        "CreateToken": closed(&["name", "scopes"], json!({
            "name": {"type": "string", "minLength": 1, "maxLength": 128},
            "scopes": {"type": "array", "minItems": 1, "items": {"type": "string"}},
            "expires_in": duration(),
            "allowed_paths": {"type": ["array", "null"], "minItems": 1, "maxItems": 50, "items": {"type": "string"}},
            "allowed_ips": {"type": ["array", "null"], "minItems": 1, "maxItems": 50, "items": {"type": "string"}},
        })),
        "RevokeToken": closed(&["token"], json!({"token": {"type": "string"}, "token_type_hint": {"type": "string"}})),
        "MoveClock": closed(&[], json!({"advance": duration(), "set": time()})),
    })
}

fn secrets() -> Value {
    json!({
        "Secret": object(&["path", "secret_type", "version", "data", "metadata", "created_at", "updated_at"], json!({
            "path": {"type": "string"}, "secret_type": secret_type(), "version": {"type": "integer"}, "data": {"type": "object"},
            "metadata": {"type": "object"}, "created_at": time(), "updated_at": time(), "expires_at": time(),
            "rotation_policy_id": {"type": "string"}, "secret_policy_id": {"type": "string"}, "as_of": time(),
        })),
        "SecretCreated": object(&["path", "secret_type", "version", "created", "created_at"], json!({
            "path": {"type": "string"}, "secret_type": secret_type(), "version": {"type": "integer"},
            "created": {"type": "boolean"}, "created_at": time(), "expires_at": time(),
        })),
        "SecretUpdated": object(&["path", "version", "created", "previous_version", "updated_at"], json!({
            "path": {"type": "string"}, "version": {"type": "integer"}, "created": {"type": "boolean"},
            "previous_version": nullable("integer"), "updated_at": time(), "expires_at": time(),
        })),
        "SecretMetadata": object(
            &["path", "secret_type", "current_version", "version_count", "metadata", "options", "created_at", "updated_at",
              "expires_at", "rotation_policy", "secret_policy_id"],
            json!({
                "path": {"type": "string"}, "secret_type": secret_type(), "current_version": nullable("integer"),
                "version_count": {"type": "integer"}, "metadata": {"type": "object"},
                "options": object(&["max_versions", "expires_in", "notify_before"], json!({
                    "max_versions": {"type": "integer"}, "expires_in": nullable("string"), "notify_before": nullable("string"),
                })),
                "created_at": time(), "updated_at": time(), "expires_at": time_or_null(),
                "rotation_policy": nullable("object"), "secret_policy_id": nullable("string"),
                "last_accessed_at": time_or_null(), "access_count_30d": {"type": "integer"},
            }),
        ),
        "SecretDeleted": object(&["path", "deleted_at", "recoverable_until"], json!({
            "path": {"type": "string"}, "deleted_at": time(), "recoverable_until": time(),
            "version": {"type": "integer"}, "current_version": nullable("integer"), "secret_deleted": {"type": "boolean"},
        })),
        "SecretRestored": object(&["path", "version", "restored", "restored_at"], json!({
            "path": {"type": "string"}, "version": nullable("integer"), "restored": {"type": "boolean"}, "restored_at": time_or_null(),
        })),
        "SecretRotated": object(&["path", "version", "previous_version", "rotated_at", "grace_period_ends", "rotation_policy_id"], json!({
            "path": {"type": "string"}, "version": {"type": "integer"}, "previous_version": nullable("integer"),
            "rotated_at": time(), "grace_period_ends": time(), "rotation_policy_id": nullable("string"),
        })),
        "BatchReadAnswer": object(&["secrets", "errors"], json!({
            "secrets": {"type": "object", "additionalProperties": object(&["data", "version", "secret_type"], json!({
                "data": {"type": "object"}, "version": {"type": "integer"}, "secret_type": secret_type(), "metadata": {"type": "object"},
            }))},
            "errors": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/ErrorContent"}},
        })),
        "BatchMetadataAnswer": object(&["metadata", "errors"], json!({
            "metadata": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/SecretMetadata"}},
            "errors": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/ErrorContent"}},
        })),
    })
}

fn page(key: &str, row: Value) -> Value {
    object(
        &[key, "cursor", "has_more"],
        json!({
            key: {"type": "array", "items": row}, "cursor": nullable("string"), "has_more": {"type": "boolean"},
            "path": {"type": "string"}, "total_count": {"type": "integer"},
            "current_version": nullable("integer"), "from": time(), "to": time(),
        }),
    )
}

fn lists() -> Value {
    json!({
        "SecretList": page("secrets", object(&["path", "secret_type", "version", "updated_at", "expires_at", "tags"], json!({
            "path": {"type": "string"}, "secret_type": secret_type(), "version": nullable("integer"), "updated_at": time(),
            "expires_at": time_or_null(), "tags": {"type": "array", "items": {"type": "string"}},
            "metadata": {"type": "object"}, "created_at": time(), "rotation_policy_id": nullable("string"),
            "secret_policy_id": nullable("string"), "deleted_at": time(), "recoverable_until": time(),
        }))),
        "ExpiringSecrets": page("secrets", object(&["path", "expires_at", "days_remaining"], json!({
            "path": {"type": "string"}, "expires_at": time(), "days_remaining": {"type": "integer"},
        }))),
        "SecretVersions": page("versions", object(&["version", "created_at", "created_by", "is_current", "state", "grace_ends_at"], json!({
            "version": {"type": "integer"}, "created_at": time(), "created_by": {"type": "string"}, "is_current": {"type": "boolean"},
            "state": {"type": "string", "enum": ["current", "previous", "grace", "deleted", "destroyed"]}, "grace_ends_at": time_or_null(),
        }))),
        "SecretConsumers": page("consumers", object(
            &["identity_id", "identity_type", "moved", "last_version", "last_read_at", "read_count", "versions"],
            json!({
                "identity_id": {"type": "string"}, "identity_type": nullable("string"), "moved": {"type": "boolean"},
                "last_version": {"type": "integer"}, "last_read_at": time(), "read_count": {"type": "integer"},
                "versions": {"type": "array", "items": object(&["version", "read_count", "last_read_at"], json!({
                    "version": {"type": "integer"}, "read_count": {"type": "integer"}, "last_read_at": time(),
                }))},
            }),
        )),
        "TokenList": page("tokens", json!({"$ref": "#/components/schemas/Token"})),
    })
}

fn identity() -> Value {
    let token = |more: &[&str]| {
        let required = [
            "id",
            "name",
            "prefix",
            "identity_id",
            "scopes",
            "allowed_paths",
            "allowed_ips",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
        ];
        object(
            &[&required, more].concat(),
            json!({
                "id": {"type": "string"}, "name": {"type": "string"}, "token": {"type": "string"}, "prefix": {"type": "string"},
                "identity_id": {"type": "string"}, "scopes": {"type": "array", "items": {"type": "string"}},
                "allowed_paths": nullable("array"), "allowed_ips": nullable("array"), "created_at": time(), "expires_at": time_or_null(),
                "last_used_at": time_or_null(), "revoked_at": time_or_null(),
            }),
        )
    };
    json!({
        "Token": token(&[]),
        "TokenCreated": token(&["token"]),
        "TokenRevoked": object(&["revoked"], json!({"revoked": {"type": "boolean"}})),
        "Whoami": object(
            &["identity_id", "identity_type", "display_name", "tenant_id", "partner_id", "scopes", "groups", "roles",
              "mfa_verified_at", "token_expires_at"],
            json!({
                "identity_id": {"type": "string"}, "identity_type": {"type": "string"}, "display_name": {"type": "string"},
                "tenant_id": nullable("string"), "partner_id": nullable("string"),
                "scopes": {"type": "array", "items": {"type": "string"}}, "groups": {"type": "array", "items": {"type": "string"}},
                "roles": {"type": "array", "items": {"type": "string"}}, "mfa_verified_at": time_or_null(), "token_expires_at": time_or_null(),
            }),
        ),
    })
}

fn system() -> Value {
    json!({
        "ErrorContent": object(&["code", "message"], json!({
            "code": {"type": "string"}, "message": {"type": "string"}, "details": {"type": "object"}, "request_id": {"type": "string"},
        })),
        "Error": object(&["error"], json!({"error": {"$ref": "#/components/schemas/ErrorContent"}})),
        "Health": object(&["status", "timestamp"], json!({"status": {"type": "string"}, "timestamp": time()})),
        "Ready": object(&["status", "checks"], json!({
            "status": {"type": "string", "enum": ["ready", "not_ready"]}, "checks": {"type": "object"}, "errors": {"type": "object"},
        })),
        "HealthDetailed": object(&["status", "version", "node_id", "uptime_seconds", "timestamp", "checks"], json!({
            "status": {"type": "string", "enum": ["healthy", "degraded", "unhealthy"]}, "version": {"type": "string"},
            "node_id": {"type": "string"}, "uptime_seconds": {"type": "integer"}, "timestamp": time(), "checks": {"type": "object"},
        })),
        "Version": object(&["version", "api_version", "commit", "build_date"], json!({
            "version": {"type": "string"}, "api_version": {"type": "string"}, "commit": {"type": "string"}, "build_date": {"type": "string"},
        })),
        "Clock": object(&["now", "offset_seconds"], json!({"now": time(), "offset_seconds": {"type": "integer"}})),
        "OpenApi": {"type": "object"},
    })
}
