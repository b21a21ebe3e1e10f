//! Shapes of secret policies.

use scaivault_domain::secret_policy::generator::NAMES;
use scaivault_domain::secret_policy::{Charset, PolicyType};
use serde_json::{Value, json};

use super::{closed, nullable, object, page, secret_type, time};

/// Its schemas.
pub(super) fn all() -> Value {
    json!({
        "SecretPolicy": closed(&["name", "fields"], properties()),
        "SecretPolicyChange": closed(&[], properties()),
        "SecretPolicyShown": object(
            &["id", "name", "description", "policy_type", "fields", "is_active", "created_at", "updated_at"],
            json!({
                "id": {"type": "string", "pattern": "^sp_[a-z0-9_]+$"}, "name": {"type": "string"}, "description": {"type": "string"},
                "policy_type": policy_type(), "fields": {"type": "array", "items": field()}, "is_active": {"type": "boolean"},
                "created_at": time(), "updated_at": time(),
            }),
        ),
        "SecretPolicyList": page("secret_policies", json!({"$ref": "#/components/schemas/SecretPolicyShown"})),
        "SecretPolicyTypes": types(),
        "GenerateSecretValues": closed(&[], json!({
            "store_path": {"type": ["string", "null"], "minLength": 1, "maxLength": 512}, "secret_type": secret_type(),
        })),
        "GeneratedSecretValues": {"anyOf": [
            object(&["secret_policy_id", "values", "generated_at"], json!({
                "secret_policy_id": {"type": "string"}, "values": {"type": "object", "additionalProperties": {"type": "string"}},
                "generated_at": time(),
            })),
            {"$ref": "#/components/schemas/SecretUpdated"},
        ]},
    })
}

fn policy_type() -> Value {
    json!({"type": "string", "enum": PolicyType::ALL.map(PolicyType::as_str)})
}

fn properties() -> Value {
    json!({
        "name": {"type": "string", "minLength": 1, "maxLength": 100},
        "description": {"type": ["string", "null"], "maxLength": 1000},
        "policy_type": {"anyOf": [policy_type(), {"type": "null"}]},
        "fields": {"type": "array", "minItems": 1, "maxItems": 20, "items": field()},
        "is_active": nullable("boolean"),
    })
}

fn field() -> Value {
    closed(
        &["name", "generator"],
        json!({
            "name": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_.-]{0,63}$"},
            "generator": {"type": "string", "enum": NAMES},
            "config": {"type": "object"},
        }),
    )
}

fn types() -> Value {
    let setting = object(
        &["name", "type", "default", "min", "max", "values"],
        json!({
            "name": {"type": "string"}, "type": {"type": "string", "enum": ["integer", "string", "boolean"]},
            "default": {"type": ["integer", "string", "boolean", "null"]}, "min": nullable("integer"), "max": nullable("integer"),
            "values": {"type": ["array", "null"], "items": {"type": ["integer", "string"]}},
        }),
    );
    let strings = json!({"type": "array", "items": {"type": "string"}});
    object(
        &["policy_types", "generators", "charsets"],
        json!({
            "policy_types": {"type": "array", "items": object(&["name", "fields"], json!({"name": policy_type(), "fields": strings}))},
            "generators": {"type": "array", "items": object(&["name", "description", "config", "outputs"], json!({
                "name": {"type": "string", "enum": NAMES}, "description": {"type": "string"},
                "config": {"type": "array", "items": setting}, "outputs": strings,
            }))},
            "charsets": {"type": "array", "items": object(&["name", "characters", "size"], json!({
                "name": {"type": "string", "enum": Charset::ALL.map(Charset::as_str)}, "characters": nullable("string"),
                "size": nullable("integer"),
            }))},
        }),
    )
}
