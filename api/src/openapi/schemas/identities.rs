//! Shapes of identities.

use serde_json::{Map, Value, json};

use super::{closed, duration, nullable, object, time, time_or_null};

/// Every schema of this group by name.
pub(super) fn all() -> Value {
    let mut schemas = Map::new();
    for group in [service_accounts(), tenancy(), people(), provider()] {
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

fn people() -> Value {
    json!({
        "IdentityUser": object(
            &["id", "tenant_id", "identity_id", "email", "display_name", "status", "mfa_enabled", "groups", "roles", "source",
              "last_synced_at"],
            json!({
                "id": {"type": "string"}, "tenant_id": {"type": "string"}, "identity_id": {"type": "string"},
                "email": nullable("string"), "display_name": {"type": "string"}, "status": status(),
                "mfa_enabled": {"type": "boolean"}, "groups": texts(), "roles": texts(), "source": source(),
                "last_synced_at": time_or_null(),
            }),
        ),
        "UserList": page("users", "IdentityUser"),
        "UpdateUserRoles": closed(&["roles"], json!({"roles": texts()})),
        "UserRoles": object(&["user_id", "roles"], json!({"user_id": {"type": "string"}, "roles": texts()})),
        "IdentityGroup": object(
            &["id", "tenant_id", "identity_id", "name", "display_name", "parent_ids", "member_count", "status", "source",
              "last_synced_at"],
            json!({
                "id": {"type": "string"}, "tenant_id": {"type": "string"}, "identity_id": {"type": "string"},
                "name": {"type": "string"}, "display_name": {"type": "string"}, "parent_ids": texts(),
                "member_count": {"type": "integer"}, "status": status(), "source": source(), "last_synced_at": time_or_null(),
            }),
        ),
        "GroupList": page("groups", "IdentityGroup"),
        "GroupMember": object(&["user_id", "email", "membership_type", "added_at"], json!({
            "user_id": {"type": "string"}, "email": nullable("string"),
            "membership_type": {"type": "string", "enum": ["DIRECT", "NESTED"]}, "added_at": time(),
        })),
        "MemberList": page("members", "GroupMember"),
        "ResolvedIdentity": object(
            &["id", "type", "identity_id", "display_name", "tenant_id", "status", "groups", "roles"],
            json!({
                "id": {"type": "string"}, "type": {"type": "string", "enum": ["user", "service_account", "group"]},
                "identity_id": {"type": "string"}, "display_name": {"type": "string"}, "tenant_id": {"type": "string"},
                "status": status(), "groups": texts(), "roles": texts(),
            }),
        ),
        "IdentityRole": object(
            &["name", "kind", "description", "reach", "assignable_to", "assignable_by_caller"],
            json!({
                "name": {"type": "string"}, "kind": {"type": "string", "enum": ["administrative", "access"]},
                "description": {"type": "string"}, "reach": {"type": "string", "enum": ["platform", "partner", "tenant"]},
                "assignable_to": texts(), "assignable_by_caller": {"type": "boolean"},
            }),
        ),
        "IdentityRoleList": object(&["roles"], json!({
            "roles": {"type": "array", "items": {"$ref": "#/components/schemas/IdentityRole"}},
        })),
    })
}

fn provider() -> Value {
    let sync = |required: &[&str]| {
        object(
            required,
            json!({
                "sync_id": {"type": "string"}, "trigger": {"type": "string", "enum": ["manual", "schedule", "registration"]},
                "partner_id": nullable("string"), "tenant_id": nullable("string"),
                "status": {"type": "string", "enum": ["running", "completed", "failed"]}, "started_at": time(),
                "completed_at": time_or_null(), "created": {"type": "integer"}, "updated": {"type": "integer"},
                "deleted": {"type": "integer"}, "unchanged": {"type": "integer"}, "error": nullable("object"),
            }),
        )
    };
    let whole = [
        "sync_id",
        "trigger",
        "partner_id",
        "tenant_id",
        "status",
        "started_at",
        "completed_at",
        "created",
        "updated",
        "deleted",
        "unchanged",
        "error",
    ];
    let scope = json!({"type": "string", "enum": ["platform", "partner", "tenant"]});
    json!({
        "ScaiKeyWebhook": {"type": "object", "properties": {
            "event_id": {"type": "string"}, "event_type": {"type": "string"}, "timestamp": time(),
            "resource": {"type": "object"}, "data": {"type": "object"}, "tenant_id": nullable("string"),
            "partner_id": nullable("string"),
        }},
        "ScaiKeyWebhookReceived": object(&["received", "applied"], json!({
            "received": {"type": "boolean"}, "applied": {"type": "boolean"},
        })),
        "RegisterWithScaiKey": closed(&["scope", "email"], json!({
            "scope": scope, "tenant_slug": {"type": "string"}, "partner_slug": {"type": "string"},
            "email": {"type": "string"}, "webhook_secret": {"type": "string", "minLength": 32},
        })),
        "ScaiKeyRegistration": object(
            &["registered", "status", "scope", "tenant_slug", "partner_slug", "email", "scaikey_url", "webhook_url",
              "registered_at", "last_event_at", "last_sync_id", "last_sync_status"],
            json!({
                "registered": {"type": "boolean"}, "status": {"type": "string", "enum": ["unregistered", "active", "failing"]},
                "scope": nullable("string"), "tenant_slug": nullable("string"), "partner_slug": nullable("string"),
                "email": nullable("string"), "scaikey_url": nullable("string"), "webhook_url": nullable("string"),
                "registered_at": time_or_null(), "last_event_at": time_or_null(), "last_sync_id": nullable("string"),
                "last_sync_status": nullable("string"),
            }),
        ),
        "IdentitySyncStarted": sync(&["sync_id", "status", "started_at"]),
        "IdentitySync": sync(&whole),
        "IdentitySyncList": page("syncs", "IdentitySync"),
    })
}
