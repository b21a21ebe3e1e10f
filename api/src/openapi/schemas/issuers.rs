//! Shapes of trusted issuers, rules of exchange, exchange and introspection.

use serde_json::{Value, json};

use super::{closed, duration, nullable, object, page, time, time_or_null};

pub(super) fn all() -> Value {
    json!({
        "Issuer": issuer(true),
        "IssuerChange": issuer(false),
        "IssuerShown": issuer_shown(),
        "IssuerList": page("issuers", json!({"$ref": "#/components/schemas/IssuerShown"})),
        "ExchangeRule": exchange_rule(true),
        "ExchangeRuleChange": exchange_rule(false),
        "ExchangeRuleShown": exchange_rule_shown(),
        "ExchangeRuleList": page("exchange_rules", json!({"$ref": "#/components/schemas/ExchangeRuleShown"})),
        "ExchangeToken": object(&["grant_type", "subject_token", "subject_token_type"], json!({
            "grant_type": {"type": "string", "const": "urn:ietf:params:oauth:grant-type:token-exchange"},
            "subject_token": {"type": "string"},
            "subject_token_type": {"type": "string", "const": "urn:ietf:params:oauth:token-type:jwt"},
            "requested_token_type": {"type": "string", "const": "urn:ietf:params:oauth:token-type:access_token"},
            "audience": {"type": "string"}, "scope": {"type": "string"}, "role": {"type": "string"},
            "allowed_paths": {"oneOf": [{"type": "array", "minItems": 1, "maxItems": 50, "items": {"type": "string"}}, {"type": "string"}]},
        })),
        "TokenExchanged": object(&["access_token", "issued_token_type", "token_type", "expires_in", "scope"], json!({
            "access_token": {"type": "string"}, "issued_token_type": {"type": "string"}, "token_type": {"type": "string"},
            "expires_in": {"type": "integer"}, "scope": {"type": "string"},
        })),
        "IntrospectToken": closed(&["token"], json!({"token": {"type": "string"}})),
        "TokenIntrospected": object(&["active"], json!({
            "active": {"type": "boolean"}, "identity_id": {"type": "string"}, "identity_type": {"type": "string"},
            "tenant_id": nullable("string"), "scopes": texts(), "expires_at": time_or_null(), "issued_at": time_or_null(),
        })),
    })
}

fn texts() -> Value {
    json!({"type": "array", "items": {"type": "string"}})
}

fn algorithms(kind: Value) -> Value {
    json!({"type": kind, "minItems": 1, "items": {"type": "string", "enum": ["RS256", "PS256", "ES256", "ES384", "EdDSA"]}})
}

fn claim_mapping(kind: Value) -> Value {
    let claim = json!({"type": ["string", "null"], "minLength": 1, "maxLength": 256});
    json!({"type": kind, "additionalProperties": false, "properties": {
        "identity": claim, "tenant": claim, "groups": claim, "roles": claim, "scopes": claim, "mfa_time": claim,
    }})
}

fn issuer(whole: bool) -> Value {
    let list = json!(["array", "null"]);
    let mut properties = json!({
        "name": {"type": "string", "minLength": 1, "maxLength": 128},
        "jwks_url": nullable("string"), "jwks": nullable("object"), "ca_pem": nullable("string"),
        "audiences": {"type": "array", "minItems": 1, "maxItems": 20, "items": {"type": "string", "minLength": 1, "maxLength": 256}},
        "algorithms": algorithms(list.clone()), "claim_mapping": claim_mapping(json!(["object", "null"])),
        "identity_type": {"type": ["string", "null"], "enum": ["user", "service_account", null]},
        "bound_subjects": {"type": list, "minItems": 1, "maxItems": 50, "items": {"type": "string", "minLength": 1, "maxLength": 512}},
        "default_scopes": {"type": list, "items": {"type": "string"}},
        "allowed_roles": {"type": list, "items": {"type": "string"}},
        "is_active": nullable("boolean"),
    });
    if whole && let Some(object) = properties.as_object_mut() {
        object.insert("issuer".into(), json!({"type": "string", "format": "uri"}));
        object.insert("tenant_id".into(), nullable("string"));
    }
    closed(if whole { &["name", "issuer", "audiences"] } else { &[] }, properties)
}

fn issuer_shown() -> Value {
    object(
        &[
            "id",
            "name",
            "issuer",
            "tenant_id",
            "builtin",
            "jwks_url",
            "jwks",
            "ca_pem",
            "audiences",
            "algorithms",
            "claim_mapping",
            "identity_type",
            "bound_subjects",
            "default_scopes",
            "allowed_roles",
            "is_active",
            "keys_refreshed_at",
            "last_error",
            "created_at",
            "updated_at",
        ],
        json!({
            "id": {"type": "string"}, "name": {"type": "string"}, "issuer": {"type": "string"}, "tenant_id": nullable("string"),
            "builtin": {"type": "boolean"}, "jwks_url": nullable("string"), "jwks": nullable("object"), "ca_pem": nullable("string"),
            "audiences": texts(), "algorithms": algorithms(json!("array")), "claim_mapping": claim_mapping(json!("object")),
            "identity_type": {"type": "string", "enum": ["user", "service_account"]}, "bound_subjects": texts(),
            "default_scopes": texts(), "allowed_roles": texts(), "is_active": {"type": "boolean"},
            "keys_refreshed_at": time_or_null(), "last_error": nullable("string"), "created_at": time(), "updated_at": time(),
        }),
    )
}

fn exchange_rule(whole: bool) -> Value {
    let claim = json!(["string", "number", "boolean", "array", "null"]);
    let properties = json!({
        "name": {"type": "string", "minLength": 1, "maxLength": 128}, "issuer_id": {"type": "string"},
        "subject": {"type": "string", "minLength": 1, "maxLength": 512},
        "claims": {"type": ["object", "null"], "additionalProperties": {"type": claim}},
        "identity_id": {"type": "string"}, "scopes": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        "ttl": duration(), "is_active": nullable("boolean"),
    });
    closed(if whole { &["name", "issuer_id", "subject", "identity_id", "scopes"] } else { &[] }, properties)
}

fn exchange_rule_shown() -> Value {
    object(
        &[
            "id",
            "name",
            "issuer_id",
            "subject",
            "claims",
            "identity_id",
            "scopes",
            "ttl",
            "is_active",
            "last_used_at",
            "created_at",
            "updated_at",
        ],
        json!({
            "id": {"type": "string"}, "name": {"type": "string"}, "issuer_id": {"type": "string"}, "subject": {"type": "string"},
            "claims": {"type": "object"}, "identity_id": {"type": "string"}, "scopes": texts(), "ttl": duration(),
            "is_active": {"type": "boolean"}, "last_used_at": time_or_null(), "created_at": time(), "updated_at": time(),
        }),
    )
}
