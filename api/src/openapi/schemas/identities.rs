//! Shapes of identities.

use serde_json::{Map, Value, json};

use super::{closed, duration, nullable, object, time, time_or_null};

/// Every schema of this group by name.
pub(super) fn all() -> Value {
    let mut schemas = Map::new();
    for group in [service_accounts(), tenancy()] {
        if let Value::Object(group) = group {
            schemas.extend(group);
        }
    }
    Value::Object(schemas)
}

fn texts() -> Value {
    json!({"type": "array", "items": {"type": "string"}})
}

fn texts_or_null() -> Value {
    json!({"type": ["array", "null"], "items": {"type": "string"}})
}

/// A page of rows of one schema, with their total.
fn page(key: &str, schema: &str) -> Value {
    let rows = json!({"type": "array", "items": {"$ref": format!("#/components/schemas/{schema}")}});
    object(&[key, "total"], json!({key: rows, "total": {"type": "integer"}}))
}

fn service_accounts() -> Value {
    let key = |more: &[&str]| {
        let required = [
            "id",
            "service_account_id",
            "name",
            "prefix",
            "stored_in",
            "stored_version",
            "created_at",
            "created_by",
            "expires_at",
            "last_used_at",
        ];
        object(
            &[&required, more].concat(),
            json!({
                "id": {"type": "string"}, "service_account_id": {"type": "string"}, "name": {"type": "string"},
                "prefix": {"type": "string"}, "key": nullable("string"), "stored_in": nullable("string"),
                "stored_version": nullable("integer"), "created_at": time(), "created_by": {"type": "string"},
                "expires_at": time_or_null(), "last_used_at": time_or_null(),
            }),
        )
    };
    json!({
        "CreateServiceAccount": closed(&["name"], json!({
            "name": {"type": "string", "minLength": 1, "maxLength": 64},
            "description": {"type": ["string", "null"], "maxLength": 1024},
            "roles": texts_or_null(), "scopes": texts_or_null(),
        })),
        "UpdateServiceAccount": closed(&[], json!({
            "description": {"type": ["string", "null"], "maxLength": 1024},
            "roles": texts_or_null(), "scopes": texts_or_null(), "is_active": nullable("boolean"),
        })),
        "ServiceAccount": object(
            &["id", "identity_id", "tenant_id", "name", "description", "roles", "scopes", "is_active", "key_count",
              "created_at", "created_by", "updated_at", "last_used_at"],
            json!({
                "id": {"type": "string"}, "identity_id": {"type": "string"}, "tenant_id": {"type": "string"},
                "name": {"type": "string"}, "description": nullable("string"), "roles": texts(), "scopes": texts(),
                "is_active": {"type": "boolean"}, "key_count": {"type": "integer"}, "created_at": time(),
                "created_by": {"type": "string"}, "updated_at": time(), "last_used_at": time_or_null(),
            }),
        ),
        "ServiceAccountList": page("service_accounts", "ServiceAccount"),
        "CreateServiceAccountKey": closed(&["name"], json!({
            "name": {"type": "string", "minLength": 1, "maxLength": 128},
            "expires_in": {"anyOf": [duration(), {"type": "null"}]},
            "store_in": {"type": "string"},
        })),
        "ServiceAccountKey": key(&[]),
        "ServiceAccountKeyCreated": key(&["key"]),
        "ServiceAccountKeyList": page("keys", "ServiceAccountKey"),
    })
}

fn status() -> Value {
    json!({"type": "string", "enum": ["ACTIVE", "SUSPENDED", "DELETED"]})
}

fn source() -> Value {
    json!({"type": "string", "enum": ["scaikey", "local", "token"]})
}

fn tenancy() -> Value {
    let name = json!({"type": "string", "minLength": 1, "maxLength": 128});
    let slug = json!({"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"});
    let region = json!({"type": ["string", "null"], "minLength": 1, "maxLength": 64});
    let patch = closed(
        &[],
        json!({
            "name": name, "region": region, "status": {"type": "string", "enum": ["ACTIVE", "SUSPENDED"]},
        }),
    );
    json!({
        "CreatePartner": closed(&["name"], json!({"name": name, "slug": slug, "region": region})),
        "UpdatePartner": patch,
        "IdentityPartner": object(
            &["id", "name", "slug", "region", "status", "source", "last_synced_at"],
            json!({
                "id": {"type": "string"}, "name": {"type": "string"}, "slug": {"type": "string"}, "region": nullable("string"),
                "status": status(), "source": source(), "last_synced_at": time_or_null(),
            }),
        ),
        "PartnerList": page("partners", "IdentityPartner"),
        "CreateTenant": closed(&["name"], json!({"name": name, "slug": slug, "region": region, "partner_id": {"type": "string"}})),
        "UpdateTenant": patch,
        "IdentityTenant": object(
            &["id", "partner_id", "name", "slug", "region", "status", "source", "last_synced_at"],
            json!({
                "id": {"type": "string"}, "partner_id": {"type": "string"}, "name": {"type": "string"},
                "slug": {"type": "string"}, "region": nullable("string"), "status": status(), "source": source(),
                "last_synced_at": time_or_null(), "shredded_at": time(),
            }),
        ),
        "TenantList": page("tenants", "IdentityTenant"),
        "TenantSettings": object(
            &["tenant_id", "default_max_versions", "recovery_window", "audit_retention", "max_leases", "updated_at"],
            json!({
                "tenant_id": {"type": "string"}, "default_max_versions": {"type": "integer"}, "recovery_window": duration(),
                "audit_retention": duration(), "max_leases": {"type": "integer"}, "updated_at": time(),
            }),
        ),
        "UpdateTenantSettings": closed(&[], json!({
            "default_max_versions": {"type": ["integer", "null"], "minimum": 1, "maximum": 100},
            "recovery_window": nullable("string"), "audit_retention": nullable("string"),
            "max_leases": {"type": ["integer", "null"], "minimum": 1, "maximum": 10_000_000},
        })),
    })
}
