//! Keys of service accounts: their ends, and values that go straight into a secret.

use serde_json::json;

use crate::server::Server;
use crate::{account, key, whoami};

const KEYS: &str = "/v1/identity/service-accounts/sa:job/keys";

async fn with_job() -> Server {
    let server = Server::start();
    account(&server, json!({"name": "job", "scopes": ["secrets:read"]})).await;
    server
}

#[tokio::test]
async fn a_key_is_shown_once_and_acts_as_its_account() {
    let server = with_job().await;
    let made = server.call("POST", KEYS, Some(json!({"name": "Production Key"}))).await;
    assert_eq!(made.status, 201);
    let value = made.body["key"].as_str().unwrap().to_owned();
    assert!(value.starts_with("sak_") && value.len() == 53, "{} characters", value.len());
    assert_eq!(made.body["prefix"], value[..8]);
    for (field, shown) in [("stored_in", json!(null)), ("stored_version", json!(null)), ("last_used_at", json!(null))] {
        assert_eq!(made.body[field], shown, "{field}");
    }
    assert_eq!(made.body["created_by"], "user:root@dev");
    let me = whoami(&server, &value).await.body;
    assert_eq!((&me["identity_id"], &me["identity_type"]), (&json!("sa:job"), &json!("service_account")));
    assert_eq!((&me["display_name"], &me["tenant_id"]), (&json!("job"), &json!("tnt_dev")));
    assert_eq!(me["token_expires_at"], made.body["expires_at"]);
    let list = server.call("GET", KEYS, None).await;
    assert_eq!(list.body["total"], 1);
    let row = &list.body["keys"][0];
    assert!(row.get("key").is_none() && row["last_used_at"].is_string(), "{row}");
    assert_eq!((&row["id"], &row["created_by"]), (&made.body["id"], &json!("user:root@dev")));
    assert!(!list.body.to_string().contains(&value));
    let own = server.call("GET", "/v1/auth/tokens?identity_id=sa:job", None).await.body;
    assert_eq!(own["tokens"], json!([]), "a key is no personal token");
    let id = made.body["id"].as_str().unwrap();
    let other = server.call("DELETE", &format!("/v1/auth/tokens/{id}"), None).await;
    assert_eq!(other.code(), "token_not_found");
    assert_eq!(server.call("DELETE", &format!("{KEYS}/{id}"), None).await.status, 204);
    assert_eq!(whoami(&server, &value).await.code(), "token_revoked");
    assert_eq!(server.call("GET", KEYS, None).await.body, json!({"keys": [], "total": 0}));
    for id in [id, "key_01JX5T3ZHVB2D4F6H8K0M2P4R6", "tok_01JX5T3ZHVB2D4F6H8K0M2P4R6"] {
        let gone = server.call("DELETE", &format!("{KEYS}/{id}"), None).await;
        assert_eq!((gone.status, gone.code()), (404, "key_not_found"), "{id}");
    }
}

#[tokio::test]
async fn a_key_ends_when_it_is_told_to() {
    let server = with_job().await;
    for (body, code) in [
        (json!({"name": "a", "expires_in": "3651d"}), "validation_error"),
        (json!({"name": "a", "expires_in": "soon"}), "invalid_duration"),
        (json!({"expires_in": "1d"}), "validation_error"),
        (json!({"name": "a", "store_in": null}), "validation_error"),
        (json!({"name": "a", "store_in": "/app"}), "invalid_path"),
    ] {
        assert_eq!(server.call("POST", KEYS, Some(body.clone())).await.code(), code, "{body}");
    }
    let endless = server.call("POST", KEYS, Some(json!({"name": "endless", "expires_in": null}))).await.body;
    assert_eq!(endless["expires_at"], json!(null));
    let short = server.call("POST", KEYS, Some(json!({"name": "short", "expires_in": "1h"}))).await.body;
    let usual = key(&server, "sa:job").await;
    let advance = async |by: &str| {
        assert_eq!(server.call("POST", "/v1/sys/clock", Some(json!({"advance": by}))).await.status, 200);
    };
    advance("2h").await;
    let refused = whoami(&server, short["key"].as_str().unwrap()).await;
    assert_eq!((refused.status, refused.detail("reason")), (401, &json!("expired")));
    assert_eq!(server.call("GET", KEYS, None).await.body["total"], 2, "expired keys leave the list");
    advance("365d").await;
    assert_eq!(whoami(&server, &usual).await.detail("reason"), "expired");
    let me = whoami(&server, endless["key"].as_str().unwrap()).await;
    assert_eq!((me.status, &me.body["token_expires_at"]), (200, &json!(null)));
}

#[tokio::test]
async fn a_value_can_go_straight_into_a_secret() {
    let server = with_job().await;
    let body = json!({"name": "stored", "store_in": "app/job/key"});
    let made = server.call("POST", KEYS, Some(body.clone())).await;
    assert_eq!((made.status, &made.body["key"]), (201, &json!(null)));
    assert_eq!((&made.body["stored_in"], &made.body["stored_version"]), (&json!("app/job/key"), &json!(1)));
    let again = server.call("POST", KEYS, Some(body.clone())).await.body;
    assert_eq!(again["stored_version"], 2, "a new version each time");
    let secret = server.call("GET", "/v1/secrets/app/job/key", None).await.body;
    assert_eq!((&secret["secret_type"], &secret["version"]), (&json!("api_key"), &json!(2)));
    let value = secret["data"]["api_key"].as_str().unwrap();
    assert_eq!(whoami(&server, value).await.body["identity_id"], "sa:job");
    let listed = server.call("GET", KEYS, None).await.body;
    assert_eq!(
        (&listed["keys"][0]["stored_in"], &listed["keys"][0]["stored_version"]),
        (&json!("app/job/key"), &json!(2))
    );

    server.call("DELETE", "/v1/secrets/app/job/key", None).await;
    let refused = server.call("POST", KEYS, Some(body)).await;
    assert_eq!((refused.status, refused.code()), (409, "secret_exists"));
    assert_eq!(server.call("GET", KEYS, None).await.body["total"], 2, "neither of them, then");
}

#[tokio::test]
async fn storing_needs_what_writing_needs() {
    let server = with_job().await;
    let body = json!({"name": "stored", "store_in": "app/job/key"});
    let without = server.token(&["identity:admin"], json!({})).await;
    let refused = server.call_as(&without, "POST", KEYS, Some(body.clone()), &[]).await;
    assert_eq!((refused.status, refused.code()), (403, "access_denied"));
    assert_eq!(
        (refused.detail("reason"), refused.detail("required_scope")),
        (&json!("insufficient_scope"), &json!("secrets:write"))
    );
    let narrowed = json!({"allowed_paths": ["web/**"]});
    let narrowed = server.token(&["identity:admin", "secrets:write"], narrowed).await;
    let refused = server.call_as(&narrowed, "POST", KEYS, Some(body.clone()), &[]).await;
    assert_eq!(refused.detail("reason"), "token_path_restriction");
    let scopes = json!(["identity:admin", "secrets:write"]);
    account(&server, json!({"name": "clerk", "scopes": scopes})).await;
    let clerk = key(&server, "sa:clerk").await;
    let refused = server.call_as(&clerk, "POST", KEYS, Some(body.clone()), &[]).await;
    assert_eq!((refused.detail("reason"), refused.detail("permission")), (&json!("no_matching_rule"), &json!("write")));
    assert_eq!(server.call("GET", KEYS, None).await.body["total"], 0);
    assert_eq!(server.call("GET", "/v1/secrets/app/job/key", None).await.code(), "secret_not_found");
    let repeated = [("Idempotency-Key", "one")];
    let first = server.call_as(crate::server::TOKEN, "POST", KEYS, Some(body.clone()), &repeated).await;
    let second = server.call_as(crate::server::TOKEN, "POST", KEYS, Some(body), &repeated).await;
    assert_eq!((second.status, &second.body, second.header("idempotency-replayed")), (201, &first.body, "true"));
    assert_eq!(server.call("GET", KEYS, None).await.body["total"], 1);
}

#[tokio::test]
async fn a_key_opens_no_more_than_the_token_it_was_made_with() {
    let server = Server::start();
    for path in ["app/db", "other/db"] {
        let made = server.call("PUT", &format!("/v1/secrets/{path}"), Some(json!({"data": {"a": 1}}))).await;
        assert_eq!(made.status, 201);
    }
    let (_, id) = account(&server, json!({"name": "reader", "roles": ["secrets-reader"]})).await;
    let path = format!("/v1/identity/service-accounts/{id}/keys");
    let make = async |token: &str| server.call_as(token, "POST", &path, Some(json!({"name": "k"})), &[]).await;
    let few = server.token(&["identity:admin", "secrets:list"], json!({})).await;
    let refused = make(&few).await;
    assert_eq!((refused.status, refused.code()), (403, "access_denied"));
    assert_eq!(refused.detail("reason"), "insufficient_scope");
    assert_eq!(refused.detail("required_scope"), "secrets:read");

    let narrow = server.token(&["admin"], json!({"allowed_paths": ["app/**"]})).await;
    let wide = server.token(&["admin"], json!({})).await;
    let mut keys = Vec::new();
    for token in [&narrow, &wide] {
        let made = make(token).await;
        assert_eq!(made.status, 201, "{made:?}");
        keys.push(made.body["key"].as_str().unwrap().to_owned());
        assert_eq!(server.call("POST", "/v1/auth/revoke", Some(json!({"token": token}))).await.status, 200);
    }
    assert_eq!(whoami(&server, &keys[0]).await.code(), "token_revoked", "it ends with the token it was made with");
    assert_eq!(whoami(&server, &keys[1]).await.status, 200, "a key of an administrator at large does not");
    let narrow = server.token(&["admin"], json!({"allowed_paths": ["app/**"]})).await;
    let key = make(&narrow).await.body["key"].as_str().unwrap().to_owned();
    let read = async |path: &str| server.call_as(&key, "GET", &format!("/v1/secrets/{path}"), None, &[]).await.status;
    assert_eq!((read("app/db").await, read("other/db").await), (200, 403));
}
