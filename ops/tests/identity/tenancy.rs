//! Partners and tenants made here: fields, reach, settings, suspension.

use serde_json::{Value, json};

use crate::server::{Server, TOKEN};
use crate::{account, key, whoami};

/// A second tenant of the root's partner.
pub async fn tenant(server: &Server, name: &str) -> String {
    let body = json!({"name": name, "partner_id": "ptn_dev"});
    let made = server.call("POST", "/v1/identity/tenants", Some(body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body["id"].as_str().unwrap().to_owned()
}

/// A service account of another tenant, and a key of it.
async fn stranger(server: &Server, tenant: &str, body: Value) -> String {
    let path = format!("/v1/t/{tenant}/identity/service-accounts");
    let made = server.call("POST", &path, Some(body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("{path}/{}/keys", made.body["id"].as_str().unwrap());
    let made = server.call("POST", &path, Some(json!({"name": "test"}))).await;
    made.body["key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn partners_and_tenants_are_made_listed_and_changed() {
    let server = Server::start();
    let body = json!({"name": "Acme Group", "region": "eu"});
    let partner = server.call("POST", "/v1/identity/partners", Some(body)).await;
    assert_eq!(partner.status, 201, "{partner:?}");
    let id = partner.body["id"].as_str().unwrap().to_owned();
    let whole = json!({"id": id, "name": "Acme Group", "slug": "acme-group", "region": "eu", "status": "ACTIVE",
                       "source": "local", "last_synced_at": null});
    assert_eq!(partner.body, whole);
    assert_eq!(server.call("GET", &format!("/v1/identity/partners/{id}"), None).await.body, whole);
    let taken = server.call("POST", "/v1/identity/partners", Some(json!({"name": "x", "slug": "acme-group"}))).await;
    assert_eq!((taken.status, taken.code()), (409, "name_taken"));
    let list = server.call("GET", "/v1/identity/partners", None).await.body;
    assert_eq!(
        (&list["total"], &list["partners"][0]["name"], &list["partners"][1]["id"]),
        (&json!(2), &json!("Acme Group"), &json!("ptn_dev"))
    );

    let body = json!({"name": "Acme Production", "slug": "acme-prod", "partner_id": id});
    let tenant = server.call("POST", "/v1/identity/tenants", Some(body.clone())).await;
    assert_eq!((tenant.status, &tenant.body["partner_id"]), (201, &json!(id)));
    assert_eq!((&tenant.body["region"], tenant.body.get("shredded_at")), (&json!(null), None));
    assert_eq!(server.call("POST", "/v1/identity/tenants", Some(body)).await.code(), "name_taken");
    let tenant = tenant.body["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/identity/tenants/{tenant}");
    let changed = server.call("PATCH", &path, Some(json!({"name": "Acme Prod", "region": "us"}))).await.body;
    assert_eq!(
        (&changed["name"], &changed["region"], &changed["slug"]),
        (&json!("Acme Prod"), &json!("us"), &json!("acme-prod"))
    );
    assert_eq!(server.call("GET", &path, None).await.body, changed);
    for (query, total) in [("", 2), ("?partner_id=ptn_dev", 1), ("?partner_id=none", 0), ("?status=SUSPENDED", 0)] {
        let list = server.call("GET", &format!("/v1/identity/tenants{query}"), None).await.body;
        assert_eq!(list["total"], total, "{query}");
    }
    for (path, code) in [
        ("partners/ptn_none", "not_found"),
        ("tenants/tnt_none", "tenant_not_found"),
        ("tenants/tnt_none/settings", "tenant_not_found"),
    ] {
        let unknown = server.call("GET", &format!("/v1/identity/{path}"), None).await;
        assert_eq!((unknown.status, unknown.code()), (404, code), "{path}");
    }
    for (method, path, body, code) in [
        ("POST", "tenants", json!({"name": "x"}), "validation_error"),
        ("POST", "tenants", json!({"name": "x", "partner_id": "ptn_none"}), "not_found"),
        ("POST", "partners", json!({"name": "x", "slug": "A b"}), "validation_error"),
        ("POST", "partners", json!({"name": "—"}), "validation_error"),
        ("PATCH", "tenants/tnt_none", json!({}), "tenant_not_found"),
        ("PATCH", "partners/ptn_none", json!({}), "not_found"),
        ("PATCH", "partners/ptn_dev", json!({"status": "DELETED"}), "validation_error"),
        ("DELETE", "tenants/tnt_none", json!(null), "tenant_not_found"),
    ] {
        let body = (!body.is_null()).then_some(body);
        let refused = server.call(method, &format!("/v1/identity/{path}"), body.clone()).await;
        assert_eq!(refused.code(), code, "{method} {path} {body:?}");
    }
}

#[tokio::test]
async fn a_new_tenant_keeps_its_own_things() {
    let server = Server::start();
    let other = tenant(&server, "Other").await;
    let there = [("X-Tenant-ID", other.as_str())];
    let body = json!({"data": {"a": 1}});
    let written = server.call_as(TOKEN, "PUT", "/v1/secrets/app/db", Some(body), &there).await;
    assert_eq!(written.status, 201, "{written:?}");
    assert_eq!(server.call("GET", "/v1/secrets/app/db", None).await.code(), "secret_not_found");
    let read = server.call_as(TOKEN, "GET", "/v1/secrets/app/db", None, &there).await;
    assert_eq!((read.status, &read.body["data"]), (200, &json!({"a": 1})));

    // What belongs to one tenant answers in another as if it were not there.
    let (here, id) = account(&server, json!({"name": "job", "roles": ["secrets-reader"]})).await;
    assert_eq!(here["tenant_id"], "tnt_dev");
    let scopes = json!(["identity:read", "identity:admin", "secrets:read"]);
    let token = stranger(&server, &other, json!({"name": "job", "roles": ["tenant_admin"], "scopes": scopes})).await;
    assert_eq!(whoami(&server, &token).await.body["tenant_id"], json!(other));
    for (method, path, body) in [
        ("GET", "service-accounts/{}", None),
        ("PATCH", "service-accounts/{}", Some(json!({}))),
        ("DELETE", "service-accounts/{}", None),
        ("GET", "service-accounts/{}/keys", None),
        ("POST", "service-accounts/{}/keys", Some(json!({"name": "x"}))),
    ] {
        let ask = async |id: &str| {
            let path = format!("/v1/identity/{}", path.replace("{}", id));
            let headers = [("X-Request-ID", "same")];
            let answer = server.call_as(&token, method, &path, body.clone(), &headers).await;
            (answer.status, answer.body.to_string())
        };
        let foreign = ask(&id).await;
        assert_eq!(foreign, ask("sva_01JX5T3ZHVB2D4F6H8K0M2P4R6").await, "{method} {path}");
        assert_eq!(foreign.0, 404, "{method} {path}");
    }
    for (method, path, body) in [
        ("GET", "tenants/{}", None),
        ("GET", "tenants/{}/settings", None),
        ("PATCH", "tenants/{}/settings", Some(json!({}))),
        ("GET", "tenants/{}/users", None),
        ("GET", "tenants/{}/groups", None),
    ] {
        let ask = async |id: &str| {
            let path = format!("/v1/identity/{}", path.replace("{}", id));
            let answer = server.call_as(&token, method, &path, body.clone(), &[("X-Request-ID", "same")]).await;
            (answer.status, answer.body.to_string())
        };
        let foreign = ask("tnt_dev").await;
        assert_eq!(foreign, ask("tnt_01JX5T3ZHVB2D4F6H8K0M2P4R6").await, "{method} {path}");
        assert_eq!(foreign.0, 404, "{method} {path}");
    }
    let list = server.call_as(&token, "GET", "/v1/identity/tenants", None, &[]).await.body;
    assert_eq!((&list["total"], &list["tenants"][0]["id"]), (&json!(1), &json!(other)));
    let denied = server.call_as(&token, "GET", "/v1/secrets", None, &[("X-Tenant-ID", "tnt_dev")]).await;
    assert_eq!(denied.code(), "tenant_access_denied");
}

#[tokio::test]
async fn tenancy_takes_the_role_for_it() {
    let server = Server::start();
    let other = tenant(&server, "Other").await;
    let scopes = json!(["identity:read", "identity:admin"]);
    account(&server, json!({"name": "partner", "roles": ["partner_admin"], "scopes": scopes})).await;
    account(&server, json!({"name": "tenant", "roles": ["tenant_admin"], "scopes": scopes})).await;
    account(&server, json!({"name": "nobody", "scopes": scopes})).await;
    let (partner, tenant, nobody) =
        (key(&server, "sa:partner").await, key(&server, "sa:tenant").await, key(&server, "sa:nobody").await);
    let foreign = server.call("POST", "/v1/identity/partners", Some(json!({"name": "Foreign"}))).await.body;
    let foreign = foreign["id"].as_str().unwrap();
    let own = format!("tenants/{other}");
    for (token, method, path, body, outcome) in [
        (&partner, "POST", "partners", json!({"name": "x"}), "super_admin"),
        (&partner, "PATCH", "partners/ptn_dev", json!({}), "super_admin"),
        (&tenant, "POST", "tenants", json!({"name": "x"}), "partner_admin"),
        (&tenant, "PATCH", "tenants/tnt_dev", json!({}), "partner_admin"),
        (&tenant, "DELETE", "tenants/tnt_dev", json!(null), "partner_admin"),
        (&nobody, "PATCH", "tenants/tnt_dev/settings", json!({}), "tenant_admin"),
        (&partner, "POST", "tenants", json!({"name": "x", "partner_id": foreign}), "not_found"),
        (&partner, "GET", &format!("partners/{foreign}"), json!(null), "not_found"),
        (&partner, "POST", "tenants", json!({"name": "mine"}), ""),
        (&partner, "PATCH", &own, json!({"name": "theirs"}), ""),
        (&partner, "PATCH", &format!("{own}/settings"), json!({"max_leases": 7}), ""),
        (&tenant, "PATCH", "tenants/tnt_dev/settings", json!({"max_leases": 7}), ""),
        (&nobody, "GET", "tenants/tnt_dev/settings", json!(null), ""),
        (&nobody, "GET", "partners/ptn_dev", json!(null), ""),
    ] {
        let body = (!body.is_null()).then_some(body);
        let answer = server.call_as(token, method, &format!("/v1/identity/{path}"), body, &[]).await;
        let told = answer.detail("required_role").as_str().unwrap_or(answer.code());
        assert_eq!(told, outcome, "{method} {path}: {answer:?}");
    }
}

#[tokio::test]
async fn settings_act_on_secrets() {
    let server = Server::start();
    let path = "/v1/identity/tenants/tnt_dev/settings";
    let before = server.call("GET", path, None).await.body;
    assert!(before["updated_at"].is_string(), "{before}");
    for (field, value) in [
        ("tenant_id", json!("tnt_dev")),
        ("default_max_versions", json!(10)),
        ("recovery_window", json!("30d")),
        ("audit_retention", json!("2555d")),
        ("max_leases", json!(1_000_000)),
    ] {
        assert_eq!(before[field], value, "{field}");
    }
    for (body, code) in [
        (json!({"default_max_versions": 0}), "validation_error"),
        (json!({"default_max_versions": 101}), "validation_error"),
        (json!({"recovery_window": "59m"}), "validation_error"),
        (json!({"recovery_window": "366d"}), "validation_error"),
        (json!({"recovery_window": "soon"}), "invalid_duration"),
        (json!({"audit_retention": "29d"}), "validation_error"),
        (json!({"max_leases": 10_000_001}), "validation_error"),
        (json!({"retention": "1d"}), "validation_error"),
    ] {
        assert_eq!(server.call("PATCH", path, Some(body.clone())).await.code(), code, "{body}");
    }
    let patch = json!({"default_max_versions": 2, "recovery_window": "2h"});
    let after = server.call("PATCH", path, Some(patch)).await;
    assert_eq!((after.status, &after.body["recovery_window"]), (200, &json!("2h")));
    for number in 0..3 {
        server.call("PUT", "/v1/secrets/app/db", Some(json!({"data": {"n": number}}))).await;
    }
    let metadata = server.call("GET", "/v1/secrets/metadata/app/db", None).await.body;
    assert_eq!(
        (&metadata["options"]["max_versions"], &metadata["version_count"]),
        (&json!(2), &json!(2)),
        "{metadata}"
    );
    let deleted = server.call("DELETE", "/v1/secrets/app/db", None).await.body;
    let window = deleted["recoverable_until"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap()
        - deleted["deleted_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(window.total(jiff::Unit::Hour).unwrap(), 2.0);
    let restored =
        server.call("PATCH", path, Some(json!({"default_max_versions": null, "recovery_window": null}))).await;
    assert_eq!(
        (&restored.body["default_max_versions"], &restored.body["recovery_window"]),
        (&json!(10), &json!("30d"))
    );
}

#[tokio::test]
async fn suspension_ends_access_at_once_and_for_a_time() {
    let server = Server::start();
    let partner = server.call("POST", "/v1/identity/partners", Some(json!({"name": "Foreign"}))).await.body;
    let partner = partner["id"].as_str().unwrap();
    let other = json!({"name": "Other", "partner_id": partner});
    let other = server.call("POST", "/v1/identity/tenants", Some(other)).await.body;
    let other = other["id"].as_str().unwrap();
    let token = stranger(&server, other, json!({"name": "job", "roles": ["secrets-writer"]})).await;
    let there = format!("/v1/t/{other}/secrets/app/db");
    assert_eq!(server.call("PUT", &there, Some(json!({"data": {"a": 1}}))).await.status, 201);
    assert_eq!(server.call_as(&token, "GET", "/v1/secrets/app/db", None, &[]).await.status, 200);
    let paths =
        [(format!("/v1/identity/tenants/{other}"), "tenant"), (format!("/v1/identity/partners/{partner}"), "partner")];
    for (path, what) in &paths {
        let suspended = server.call("PATCH", path, Some(json!({"status": "SUSPENDED"}))).await;
        assert_eq!((suspended.status, &suspended.body["status"]), (200, &json!("SUSPENDED")), "{what}");
        for path in ["/v1/secrets/app/db", "/v1/auth/whoami"] {
            let denied = server.call_as(&token, "GET", path, None, &[]).await;
            assert_eq!((denied.status, denied.code()), (403, "tenant_access_denied"), "{what}: {path}");
            assert_eq!(denied.detail("reason"), "tenant_suspended", "{what}: {path}");
        }
        assert_eq!(server.call("GET", &there, None).await.status, 200, "{what}: super_admin may still read");
        let settings = format!("/v1/identity/tenants/{other}/settings");
        for (verb, path, body) in
            [("PUT", &there, json!({"data": {"a": 2}})), ("PATCH", &settings, json!({"max_leases": 7}))]
        {
            let denied = server.call(verb, path, Some(body)).await;
            let told = (denied.code(), denied.detail("reason"));
            assert_eq!(told, ("tenant_access_denied", &json!("tenant_suspended")), "{what}: {path}");
        }
        let restored = server.call("PATCH", path, Some(json!({"status": "ACTIVE"}))).await;
        assert_eq!((restored.status, &restored.body["status"]), (200, &json!("ACTIVE")), "{what}");
        assert_eq!(server.call_as(&token, "GET", "/v1/secrets/app/db", None, &[]).await.status, 200, "{what}");
    }
}

#[tokio::test]
async fn the_last_super_admin_is_not_locked_out() {
    let server = Server::start();
    let suspended = || Some(json!({"status": "SUSPENDED"}));
    for path in ["tenants/tnt_dev", "partners/ptn_dev"] {
        let refused = server.call("PATCH", &format!("/v1/identity/{path}"), suspended()).await;
        assert_eq!((refused.status, refused.code()), (403, "forbidden"), "{path}");
        assert_eq!(refused.detail("reason"), "last_super_admin", "{path}");
    }
    let partner = server.call("POST", "/v1/identity/partners", Some(json!({"name": "Foreign"}))).await.body;
    let other = json!({"name": "Other", "partner_id": partner["id"]});
    let other = server.call("POST", "/v1/identity/tenants", Some(other)).await.body;
    let other = other["id"].as_str().unwrap();
    stranger(&server, other, json!({"name": "spare", "roles": ["super_admin"]})).await;
    let closed = server.call("PATCH", "/v1/identity/tenants/tnt_dev", suspended()).await;
    assert_eq!(closed.status, 200, "there is another one");
    for path in [format!("tenants/{other}"), format!("partners/{}", partner["id"].as_str().unwrap())] {
        let refused = server.call("PATCH", &format!("/v1/identity/{path}"), suspended()).await;
        assert_eq!(refused.detail("reason"), "last_super_admin", "{path}: {refused:?}");
    }
}
