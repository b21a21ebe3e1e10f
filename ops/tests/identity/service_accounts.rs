//! Service accounts: fields, who may give which roles, and what follows of a change.

use serde_json::json;

use crate::server::Server;
use crate::{account, key, whoami};

const ROUTE: &str = "/v1/identity/service-accounts";

#[tokio::test]
async fn an_account_is_made_shown_changed_and_deleted() {
    let server = Server::start();
    let (made, id) = account(&server, json!({"name": "CI  Pipeline!", "roles": ["secrets-reader"]})).await;
    assert!(id.starts_with("sva_"));
    for (field, value) in [
        ("identity_id", json!("sa:ci-pipeline")),
        ("tenant_id", json!("tnt_dev")),
        ("name", json!("CI  Pipeline!")),
        ("description", json!(null)),
        ("roles", json!(["secrets-reader"])),
        ("scopes", json!(["secrets:list", "secrets:read"])),
        ("is_active", json!(true)),
        ("key_count", json!(0)),
        ("created_by", json!("user:root@dev")),
        ("last_used_at", json!(null)),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    let by_name = server.call("GET", &format!("{ROUTE}/sa:ci-pipeline"), None).await;
    let by_id = server.call("GET", &format!("{ROUTE}/{id}"), None).await;
    assert_eq!((by_name.status, &by_name.body), (200, &made));
    assert_eq!(by_id.body, made);
    let taken = server.call("POST", ROUTE, Some(json!({"name": "ci pipeline"}))).await;
    assert_eq!((taken.status, taken.code()), (409, "name_taken"));

    let patch = json!({"description": "builds", "roles": [], "scopes": ["secrets:list"]});
    let changed = server.call("PATCH", &format!("{ROUTE}/{id}"), Some(patch)).await;
    assert_eq!((changed.status, &changed.body["description"]), (200, &json!("builds")));
    assert_eq!((&changed.body["roles"], &changed.body["scopes"]), (&json!([]), &json!(["secrets:list"])));
    assert_ne!(changed.body["updated_at"], made["updated_at"]);
    let unchanged = server.call("PATCH", &format!("{ROUTE}/{id}"), Some(json!({}))).await;
    assert_eq!(unchanged.body, changed.body, "nothing happens to what stays as it is");
    let restored = json!({"description": null, "roles": ["secrets-writer"], "scopes": null});
    let restored = server.call("PATCH", &format!("{ROUTE}/{id}"), Some(restored)).await.body;
    assert_eq!(restored["description"], json!(null));
    let writer = json!(["secrets:list", "secrets:read", "secrets:rotate", "secrets:write"]);
    assert_eq!(restored["scopes"], writer, "null restores the scopes of its roles");

    assert_eq!(server.call("DELETE", &format!("{ROUTE}/{id}"), None).await.status, 204);
    for path in [format!("{ROUTE}/{id}"), format!("{ROUTE}/sa:ci-pipeline"), format!("{ROUTE}/{id}/keys")] {
        let gone = server.call("GET", &path, None).await;
        assert_eq!((gone.status, gone.code()), (404, "service_account_not_found"), "{path}");
    }
    assert_eq!(server.call("GET", ROUTE, None).await.body, json!({"service_accounts": [], "total": 0}));
}

#[tokio::test]
async fn bad_fields_are_named() {
    let server = Server::start();
    for (body, code, fields) in [
        (json!({}), "validation_error", vec!["name"]),
        (json!({"name": ""}), "validation_error", vec!["name"]),
        (json!({"name": "x".repeat(65)}), "validation_error", vec!["name"]),
        (json!({"name": "???"}), "validation_error", vec!["name"]),
        (json!({"name": null, "description": 1}), "validation_error", vec!["name", "description"]),
        (json!({"name": "a", "description": "x".repeat(1025)}), "validation_error", vec!["description"]),
        (json!({"name": "a", "scopes": ["secrets:read", "secrets:rename"]}), "validation_error", vec!["scopes[1]"]),
        (json!({"name": "a", "is_active": false}), "validation_error", vec!["is_active"]),
        (json!({"name": "a", "roles": ["king"]}), "invalid_role", vec![]),
    ] {
        let refused = server.call("POST", ROUTE, Some(body.clone())).await;
        assert_eq!(refused.code(), code, "{body}");
        let named: Vec<_> = refused.detail("fields").as_array().into_iter().flatten().collect();
        let named: Vec<_> = named.iter().map(|fault| fault["field"].as_str().unwrap()).collect();
        assert_eq!(named, fields, "{body}");
    }
    let (_, id) = account(&server, json!({"name": "a"})).await;
    let refused = server.call("PATCH", &format!("{ROUTE}/{id}"), Some(json!({"name": "b"}))).await;
    assert_eq!((refused.status, refused.code()), (422, "validation_error"), "the name is fixed");
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let server = Server::start();
    for name in ["one", "two", "Three"] {
        account(&server, json!({"name": name})).await;
    }
    let off = json!({"is_active": false});
    assert_eq!(server.call("PATCH", &format!("{ROUTE}/sa:two"), Some(off)).await.status, 200);
    for (query, names, total) in [
        ("", vec!["Three", "two", "one"], 3),
        ("?q=T", vec!["Three", "two"], 2),
        ("?q=sa:o", vec!["one"], 1),
        ("?is_active=false", vec!["two"], 1),
        ("?is_active=true&page_size=1&page=2", vec!["one"], 2),
        ("?page=9", vec![], 3),
    ] {
        let list = server.call("GET", &format!("{ROUTE}{query}"), None).await.body;
        let found: Vec<_> =
            list["service_accounts"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!((found, &list["total"]), (names, &json!(total)), "{query}");
    }
    for query in ["?page=0", "?page_size=201", "?page_size=x", "?limit=3", "?is_active=yes"] {
        assert_eq!(server.call("GET", &format!("{ROUTE}{query}"), None).await.status, 422, "{query}");
    }
}

#[tokio::test]
async fn nobody_gives_more_than_is_theirs_to_give() {
    let server = Server::start();
    let all = json!(["identity:admin", "identity:read", "secrets:read"]);
    account(&server, json!({"name": "chief", "roles": ["tenant_admin"], "scopes": all})).await;
    let chief = key(&server, "sa:chief").await;
    account(&server, json!({"name": "clerk", "scopes": all})).await;
    let clerk = key(&server, "sa:clerk").await;
    let make = async |token: &str, roles: serde_json::Value, scopes: serde_json::Value| {
        let body = json!({"name": "new", "roles": roles, "scopes": scopes});
        server.call_as(token, "POST", ROUTE, Some(body), &[]).await
    };
    for (token, role, required) in [
        (&chief, "super_admin", "super_admin"),
        (&chief, "partner_admin", "partner_admin"),
        (&chief, "tenant_admin", "partner_admin"),
        (&clerk, "tenant_admin", "partner_admin"),
        (&clerk, "secrets-reader", "tenant_admin"),
    ] {
        let refused = make(token, json!([role]), json!(["secrets:read"])).await;
        assert_eq!((refused.status, refused.code()), (403, "forbidden"), "{role}");
        assert_eq!(refused.detail("reason"), "role_required");
        assert_eq!(refused.detail("required_role"), required, "{role}");
    }
    let refused = make(&clerk, json!([]), json!(["secrets:read", "secrets:write"])).await;
    assert_eq!((refused.code(), refused.detail("reason")), ("access_denied", &json!("insufficient_scope")));
    assert_eq!(refused.detail("required_scope"), "secrets:write");
    let refused = make(&chief, json!(["secrets-writer"]), json!(null)).await;
    assert_eq!(refused.detail("reason"), "insufficient_scope", "the scopes of the roles count too");
    assert_eq!(make(&chief, json!(["secrets-reader"]), json!(["secrets:read"])).await.status, 201);

    let own = json!({"roles": ["tenant_admin", "secrets-reader"]});
    let refused = server.call_as(&chief, "PATCH", &format!("{ROUTE}/sa:chief"), Some(own), &[]).await;
    assert_eq!((refused.code(), refused.detail("reason")), ("forbidden", &json!("self_elevation")));
    let name = json!({"name": "mine"});
    let refused = server.call_as(&clerk, "POST", &format!("{ROUTE}/sa:chief/keys"), Some(name), &[]).await;
    assert_eq!((refused.code(), refused.detail("reason")), ("forbidden", &json!("role_required")));
}

#[tokio::test]
async fn a_change_holds_for_the_keys_there_are() {
    let server = Server::start();
    server.call("PUT", "/v1/secrets/app/db", Some(json!({"data": {"a": 1}}))).await;
    let (_, id) = account(&server, json!({"name": "reader", "roles": ["secrets-reader"]})).await;
    let token = key(&server, &id).await;
    let read = async || server.call_as(&token, "GET", "/v1/secrets/app/db", None, &[]).await;
    let write = async || {
        let body = json!({"data": {"a": 2}});
        server.call_as(&token, "PUT", "/v1/secrets/app/db", Some(body), &[]).await
    };
    assert_eq!((read().await.status, write().await.detail("reason")), (200, &json!("insufficient_scope")));
    let patch = async |body| server.call("PATCH", &format!("{ROUTE}/{id}"), Some(body)).await.status;
    assert_eq!(patch(json!({"scopes": ["secrets:read", "secrets:write"]})).await, 200);
    assert_eq!(write().await.detail("reason"), "no_matching_rule", "a scope is no permission");
    assert_eq!(patch(json!({"roles": ["secrets-writer"]})).await, 200);
    assert_eq!(write().await.status, 200);
    assert_eq!(whoami(&server, &token).await.body["roles"], json!(["secrets-writer"]));
    assert_eq!(patch(json!({"is_active": false})).await, 200);
    let refused = read().await;
    assert_eq!((refused.status, refused.code()), (401, "token_revoked"));
    assert_eq!(patch(json!({"is_active": true})).await, 200);
    assert_eq!(read().await.status, 200);
}

#[tokio::test]
async fn a_new_account_of_an_old_name_inherits_nothing() {
    let server = Server::start();
    account(&server, json!({"name": "job", "scopes": ["tokens:self", "secrets:read"]})).await;
    let before = key(&server, "sa:job").await;
    let body = json!({"name": "child", "scopes": ["secrets:read"]});
    let child = server.call_as(&before, "POST", "/v1/auth/tokens", Some(body), &[]).await.body;
    let child = child["token"].as_str().unwrap().to_owned();
    assert_eq!(whoami(&server, &child).await.status, 200);
    let key_there =
        json!({"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let issuer = json!({"name": "i", "issuer": "https://i.example", "audiences": ["a"], "jwks": {"keys": [key_there]}});
    let issuer = server.call("POST", "/v1/auth/issuers", Some(issuer)).await.body;
    account(&server, json!({"name": "other"})).await;
    for identity in ["sa:job", "sa:other"] {
        let rule = json!({"name": identity, "issuer_id": issuer["id"], "subject": "s", "identity_id": identity,
                          "scopes": ["secrets:read"]});
        let rule = server.call("POST", "/v1/auth/exchange-rules", Some(rule)).await;
        assert_eq!(rule.status, 201, "{rule:?}");
    }
    assert_eq!(server.call("DELETE", &format!("{ROUTE}/sa:job"), None).await.status, 204);
    let (made, _) = account(&server, json!({"name": "job", "roles": ["secrets-reader"]})).await;
    assert_eq!((&made["key_count"], &made["last_used_at"]), (&json!(0), &json!(null)));
    for token in [&before, &child] {
        let refused = whoami(&server, token).await;
        assert_eq!((refused.status, refused.code()), (401, "token_revoked"));
    }
    let rules = server.call("GET", "/v1/auth/exchange-rules", None).await.body;
    assert!(rules.to_string().contains("sa:other") && !rules.to_string().contains("sa:job"), "{rules}");
    let after = key(&server, "sa:job").await;
    assert_eq!(whoami(&server, &after).await.body["scopes"], json!(["secrets:list", "secrets:read"]));
    let shown = server.call("GET", &format!("{ROUTE}/sa:job"), None).await.body;
    assert_eq!(shown["key_count"], 1);
    assert!(shown["last_used_at"].is_string(), "{shown}");
}
