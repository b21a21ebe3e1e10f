//! Tokens narrowed to paths and addresses, and the tokens made with them.

use serde_json::json;

use super::server::Server;

#[tokio::test]
async fn a_narrowed_token_sees_only_its_paths() {
    let server = Server::start();
    for path in ["app/one", "app/two", "web/one"] {
        server.call("PUT", &format!("/v1/secrets/{path}"), Some(json!({"data": {"v": 1}}))).await;
    }
    server.call("PUT", "/v1/partner/secrets/app/one", Some(json!({"data": {}}))).await;
    let scopes = ["secrets:read", "secrets:list", "tokens:self"];
    let token = server.token(&scopes, json!({"allowed_paths": ["app/**"]})).await;
    assert_eq!(server.call_as(&token, "GET", "/v1/secrets/app/one", None, &[]).await.status, 200);
    let denied = server.call_as(&token, "GET", "/v1/secrets/web/one", None, &[]).await;
    assert_eq!((denied.status, denied.detail("reason")), (403, &json!("token_path_restriction")));
    let missing = server.call_as(&token, "GET", "/v1/secrets/web/none", None, &[]).await;
    assert_eq!(missing.detail("reason"), "token_path_restriction", "missing and existing paths answer alike");
    let partner = server.call_as(&token, "GET", "/v1/partner/secrets/app/one", None, &[]).await;
    assert_eq!(partner.detail("reason"), "token_path_restriction", "partner secrets count as @partner/…");
    let list = server.call_as(&token, "GET", "/v1/secrets", None, &[]).await.body;
    assert_eq!((&list["total_count"], list["secrets"].as_array().unwrap().len()), (&json!(2), 2));
    let batch = json!({"paths": ["app/one", "web/one"]});
    let batch = server.call_as(&token, "POST", "/v1/secrets/batch", Some(batch), &[]).await.body;
    assert_eq!(batch["errors"]["web/one"]["details"]["reason"], "token_path_restriction");

    let body = json!({"name": "child", "scopes": ["secrets:read"], "allowed_paths": ["*/one"]});
    let child = server.call_as(&token, "POST", "/v1/auth/tokens", Some(body), &[]).await.body;
    assert_eq!(child["allowed_paths"], json!(["*/one"]));
    let child = child["token"].as_str().unwrap();
    for (path, status) in [("app/one", 200), ("app/two", 403), ("web/one", 403)] {
        let answer = server.call_as(child, "GET", &format!("/v1/secrets/{path}"), None, &[]).await;
        assert_eq!(answer.status, status, "{path}: both narrowings hold");
    }
    let revoked = server.call("POST", "/v1/auth/revoke", Some(json!({"token": token}))).await;
    assert_eq!(revoked.body, json!({"revoked": true}));
    for ended in [token.as_str(), child] {
        let answer = server.call_as(ended, "GET", "/v1/auth/whoami", None, &[]).await;
        assert_eq!((answer.status, answer.code()), (401, "token_revoked"));
    }
    let list = server.call("GET", "/v1/auth/tokens?include_inactive=true", None).await.body;
    let ended = |name: &str| list["tokens"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
    assert!(ended("child")["revoked_at"].is_string(), "it ended with the one it was made with: {list}");
}

#[tokio::test]
async fn a_token_for_other_addresses_opens_nothing() {
    let server = Server::start();
    let token = server.token(&["secrets:read"], json!({"allowed_ips": ["10.0.0.0/8"]})).await;
    let answer = server.call_as(&token, "GET", "/v1/auth/whoami", None, &[]).await;
    assert_eq!((answer.status, answer.code()), (403, "ip_not_allowed"));
    let forged = server.call_as(&token, "GET", "/v1/auth/whoami", None, &[("X-Forwarded-For", "10.0.0.1")]).await;
    assert_eq!(forged.status, 403, "only a trusted proxy is believed");
    let proxied = Server::with(&[("TRUSTED_PROXIES", "127.0.0.1")]);
    let token = proxied.token(&["secrets:read"], json!({"allowed_ips": ["10.0.0.0/8"]})).await;
    let answer =
        proxied.call_as(&token, "GET", "/v1/auth/whoami", None, &[("X-Forwarded-For", "8.8.8.8, 10.0.0.1")]).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_token_has_no_scope_its_maker_lacks() {
    let server = Server::start();
    let token = server.token(&["secrets:read", "tokens:self"], json!({})).await;
    let body = json!({"name": "more", "scopes": ["secrets:write"]});
    let answer = server.call_as(&token, "POST", "/v1/auth/tokens", Some(body), &[]).await;
    assert_eq!((answer.status, answer.detail("required_scope")), (403, &json!("secrets:write")));
    let body = json!({"name": "longer", "scopes": ["secrets:read"], "expires_in": "365d"});
    let answer = server.call_as(&token, "POST", "/v1/auth/tokens", Some(body), &[]).await;
    assert_eq!((answer.status, answer.code()), (422, "validation_error"), "it would outlive its maker");
}

#[tokio::test]
async fn credentials_are_repeated_only_for_tokens_of_the_same_power() {
    let server = Server::start();
    let scopes = ["secrets:read", "secrets:list", "tokens:self"];
    let key = [("Idempotency-Key", "once")];
    let body = json!({"name": "made", "scopes": ["secrets:read"], "expires_in": "1h"});
    let made = async |token: &str| server.call_as(token, "POST", "/v1/auth/tokens", Some(body.clone()), &key).await;
    let (first, renewed) = (server.token(&scopes, json!({})).await, server.token(&scopes, json!({})).await);
    let answer = made(&first).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let again = made(&renewed).await;
    assert_eq!((again.status, &again.body, again.header("idempotency-replayed")), (201, &answer.body, "true"));
    for other in [
        server.token(&scopes, json!({"allowed_paths": ["app/**"]})).await,
        server.token(&scopes, json!({"allowed_ips": ["127.0.0.0/8"]})).await,
        server.token(&scopes[1..], json!({})).await,
        server.token(&["admin"], json!({})).await,
    ] {
        let refused = made(&other).await;
        let told = (refused.status, refused.code());
        assert!(matches!(told, (422, "idempotency_key_reuse") | (403, "access_denied")), "{refused:?}");
        assert!(!refused.body.to_string().contains("skt_"), "{refused:?}");
    }
}
