//! Tokens of all kinds, revoked and looked into.

use serde_json::{Value, json};

use super::issuer::{Issuer, Key, now, refusal, whoami};
use super::process::Setup;
use super::server::{Answer, Server};

async fn revoke(server: &Server, as_whom: &str, token: &str) -> Answer {
    server.call_as(as_whom, "POST", "/v1/auth/revoke", Some(json!({"token": token})), &[]).await
}

async fn introspect(server: &Server, token: &str) -> Value {
    server.call("POST", "/v1/auth/introspect", Some(json!({"token": token}))).await.body
}

#[tokio::test]
async fn a_jwt_is_revoked_until_its_end() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    assert_eq!(issuer.trusted_by(&server, json!({})).await.status, 201);
    let of = |sub: &str| key.token(&issuer.claims(json!({"sub": sub, "iat": now() - 5})));
    let (alice, bob) = (of("alice"), of("bob"));
    assert_eq!((whoami(&server, &alice).await.status, whoami(&server, &bob).await.status), (200, 200));
    let told = introspect(&server, &alice).await;
    assert_eq!((&told["active"], &told["identity_id"]), (&json!(true), &json!("user:alice")));
    let more = (&told["identity_type"], &told["tenant_id"], &told["scopes"]);
    assert_eq!(more, (&json!("user"), &json!("tnt_dev"), &json!(["secrets:read"])));
    assert!(told["expires_at"].is_string() && told["issued_at"].is_string(), "{told}");
    let refused = revoke(&server, &bob, &alice).await;
    assert_eq!((refused.status, refused.detail("required_scope")), (403, &json!("admin")));
    assert_eq!(revoke(&server, &alice, &alice).await.body, json!({"revoked": true}));
    assert_eq!(refusal(&server, &alice).await, (401, "token_revoked".into()));
    assert_eq!(introspect(&server, &alice).await, json!({"active": false}));
    // (r, n - s) is a signature of the same message by the same key.
    let (signed, _) = alice.rsplit_once('.').unwrap();
    let other = key.token(&issuer.claims(json!({"sub": "alice", "iat": now() - 5})));
    assert_eq!(other.rsplit_once('.').unwrap().0, signed, "the same claims signed again");
    assert_eq!(refusal(&server, &other).await, (401, "token_revoked".into()));
    assert_eq!(whoami(&server, &bob).await.status, 200);
    // An administrator revokes any; nobody revokes what is dead.
    let form = [("content-type", "application/json")];
    let again =
        server.call_as(super::server::TOKEN, "POST", "/v1/auth/revoke", Some(json!({"token": bob})), &form).await;
    assert_eq!(again.body, json!({"revoked": true}), "{again:?}");
    assert_eq!(
        server.call("POST", "/v1/auth/revoke", Some(json!({"token": bob}))).await.body,
        json!({"revoked": false})
    );
    let forged = Key::new("a", "ES256").token(&issuer.claims(json!({})));
    for dead in [forged.as_str(), "ey.ey.ey", "nonsense", ""] {
        let answer = server.call("POST", "/v1/auth/revoke", Some(json!({"token": dead}))).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({"revoked": false})), "{dead}");
        assert_eq!(introspect(&server, dead).await, json!({"active": false}), "{dead}");
    }
}

#[tokio::test]
async fn tokens_that_nobody_could_use_are_not_looked_into() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    assert_eq!(issuer.trusted_by(&server, json!({})).await.status, 201);
    let of = |length: usize| key.token(&issuer.claims(json!({"padding": "x".repeat(length)})));
    let (fitting, long) = (of(5_000), of(9_000));
    assert_eq!(introspect(&server, &long).await, json!({"active": false}));
    let revoked = server.call("POST", "/v1/auth/revoke", Some(json!({"token": long}))).await;
    assert_eq!((revoked.status, &revoked.body), (200, &json!({"revoked": false})));
    assert_eq!(introspect(&server, &fitting).await["active"], true);
}

#[tokio::test]
async fn opaque_tokens_are_looked_into() {
    let server = Server::start();
    let token = server.token(&["secrets:read", "secrets:list"], json!({})).await;
    let told = introspect(&server, &token).await;
    assert_eq!((&told["active"], &told["scopes"]), (&json!(true), &json!(["secrets:list", "secrets:read"])));
    assert_eq!(told["identity_id"], "user:root@dev");
    assert_eq!(revoke(&server, &token, &token).await.body, json!({"revoked": true}));
    assert_eq!(introspect(&server, &token).await, json!({"active": false}));
    let missing = server.call("POST", "/v1/auth/introspect", Some(json!({}))).await;
    assert_eq!((missing.status, missing.code()), (422, "validation_error"));
}

/// What a server that keeps its directory says of a token.
async fn status(url: &str, token: &str) -> u16 {
    let request = reqwest::Client::new().get(format!("{url}/v1/auth/whoami")).bearer_auth(token);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn revocations_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let setup =
        Setup::dev(directory.path()).argument("--data-dir=kept").with("SCAIVAULT_DEV_ROOT_TOKEN", "a-dev-root-token");
    let (first, key) = (setup.start(), Key::new("a", "EdDSA"));
    let issuer = Issuer::start(&[&key]).await;
    let (alice, bob) = (key.token(&issuer.claims(json!({}))), key.token(&issuer.claims(json!({"sub": "bob"}))));
    let client = reqwest::Client::new();
    let body = json!({"name": "i", "issuer": issuer.url, "audiences": ["scaivault"], "jwks": {"keys": [key.public()]}});
    let post = async |url: &str, path: &str, body: &Value| {
        let request = client.post(format!("{url}{path}")).bearer_auth("a-dev-root-token").json(body);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(post(&first.url, "/v1/auth/issuers", &body).await, 201);
    assert_eq!((status(&first.url, &alice).await, status(&first.url, &bob).await), (200, 200));
    assert_eq!(post(&first.url, "/v1/auth/revoke", &json!({"token": alice})).await, 200);
    assert_eq!(status(&first.url, &alice).await, 401);
    first.kill();
    let second = setup.start();
    assert_eq!((status(&second.url, &alice).await, status(&second.url, &bob).await), (401, 200), "from the log");
    assert_eq!(second.terminate(), 0);
    let third = setup.start();
    assert_eq!((status(&third.url, &alice).await, status(&third.url, &bob).await), (401, 200), "from a snapshot");
    assert_eq!(third.terminate(), 0);
}

#[tokio::test]
async fn what_was_made_with_a_jwt_ends_with_it() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    assert_eq!(issuer.trusted_by(&server, json!({})).await.status, 201);
    let of = |sub: &str| key.token(&issuer.claims(json!({"sub": sub, "scope": "secrets:read tokens:self"})));
    let (alice, bob) = (of("alice"), of("bob"));
    let make = async |with: &str| {
        let body = json!({"name": "t", "scopes": ["secrets:read", "tokens:self"]});
        let made = server.call_as(with, "POST", "/v1/auth/tokens", Some(body), &[]).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.body["token"].as_str().unwrap().to_owned()
    };
    let (first, other) = (make(&alice).await, make(&bob).await);
    let second = make(&first).await;
    assert_eq!(revoke(&server, &alice, &alice).await.body, json!({"revoked": true}));
    for ended in [&alice, &first, &second] {
        assert_eq!(refusal(&server, ended).await, (401, "token_revoked".into()));
    }
    assert_eq!(whoami(&server, &other).await.status, 200);
}

#[tokio::test]
async fn the_scope_admin_revokes_in_its_own_tenant() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    assert_eq!(issuer.trusted_by(&server, json!({})).await.status, 201);
    let of = |sub: &str, scope: &str| key.token(&issuer.claims(json!({"sub": sub, "scope": scope})));
    let (alice, bob) = (of("alice", "secrets:read"), of("bob", "admin"));
    assert_eq!(whoami(&server, &alice).await.status, 200);
    assert_eq!(revoke(&server, &bob, &alice).await.body, json!({"revoked": true}));
    assert_eq!(refusal(&server, &alice).await, (401, "token_revoked".into()));
}

#[tokio::test]
async fn a_deleted_account_is_nobody_whoever_vouches_for_it() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    let more = json!({"identity_type": "service_account", "default_scopes": ["secrets:read", "secrets:write"]});
    assert_eq!(issuer.trusted_by(&server, more).await.status, 201);
    let accounts = "/v1/identity/service-accounts";
    let body = json!({"name": "Deployer", "scopes": ["secrets:read"]});
    let account = server.call("POST", accounts, Some(body.clone())).await.body;
    let jwt = key.token(&issuer.claims(json!({"sub": "deployer"})));
    assert_eq!(whoami(&server, &jwt).await.body["scopes"], json!(["secrets:read"]));
    let path = format!("{accounts}/{}", account["id"].as_str().unwrap());
    assert_eq!(server.call("DELETE", &path, None).await.status, 204);
    assert_eq!(refusal(&server, &jwt).await, (401, "token_revoked".into()));
    assert_eq!(server.call("POST", accounts, Some(body)).await.status, 201);
    assert_eq!(whoami(&server, &jwt).await.body["scopes"], json!(["secrets:read"]), "an account has the name again");
}
