//! ScaiKey, the issuer that is built in.

use serde_json::{Value, json};

use super::issuer::{Issuer, Key, now, refusal, whoami};
use super::server::Server;

#[tokio::test]
async fn scaikey_is_built_in() {
    let key = Key::new("a", "RS256");
    let scaikey = Issuer::start(&[&key]).await;
    let server = Server::with(&[("SCAIKEY_URL", &scaikey.url), ("SCAIKEY_AUDIENCE", "vault")]);
    let token = |more: Value| {
        let mut claims = scaikey.claims(json!({"aud": "vault"}));
        for (name, claim) in more.as_object().unwrap() {
            claims[name] = claim.clone();
        }
        key.token(&claims)
    };
    let alice = json!({"email": "Alice@Acme.example", "sub": "8f2c", "role": "tenant_admin", "groups": ["SRE"],
                       "auth_time": now() - 60, "amr": ["pwd", "mfa"], "name": "Alice"});
    let who = whoami(&server, &token(alice)).await.body;
    let wanted = (&json!("user:alice@acme.example"), &json!("tnt_dev"), &json!("ptn_dev"), &json!(["tenant_admin"]));
    assert_eq!((&who["identity_id"], &who["tenant_id"], &who["partner_id"], &who["roles"]), wanted, "{who}");
    assert_eq!((&who["groups"], who["mfa_verified_at"].is_string()), (&json!(["group:sre"]), true));
    let plain = whoami(&server, &token(json!({"sub": "8f2C", "auth_time": now(), "amr": ["pwd"]}))).await.body;
    assert_eq!((&plain["identity_id"], &plain["mfa_verified_at"]), (&json!("user:8f2C"), &Value::Null));
    let program = json!({"token_type": "client_credentials", "client_id": "reporting", "roles": ["partner_admin"]});
    let program = whoami(&server, &token(program)).await.body;
    assert_eq!((&program["identity_id"], &program["roles"]), (&json!("sa:reporting"), &json!(["partner_admin"])));
    // As one of its tenants.
    let of_tenant = format!("{}/tenants/dev", scaikey.url);
    let who = whoami(&server, &token(json!({"iss": of_tenant, "tenant_id": null}))).await.body;
    assert_eq!(who["tenant_id"], "tnt_dev");
    let other = token(json!({"iss": of_tenant, "tenant_id": "tnt_other"}));
    assert_eq!(refusal(&server, &other).await, (401, "token_invalid".into()));
    let path = format!("{}/tenants/../x", scaikey.url);
    assert_eq!(refusal(&server, &token(json!({"iss": path}))).await, (401, "token_invalid".into()));
    // Of a partner alone.
    let partner = whoami(&server, &token(json!({"tenant_id": null, "partner_id": "prt_dev"}))).await.body;
    assert_eq!((&partner["tenant_id"], &partner["partner_id"]), (&Value::Null, &json!("ptn_dev")));
    let unknown = token(json!({"tenant_id": null, "partner_id": "ptn_other"}));
    assert_eq!(refusal(&server, &unknown).await, (403, "tenant_access_denied".into()));
    assert_eq!(refusal(&server, &token(json!({"aud": "scaivault"}))).await, (401, "token_invalid".into()));
}

#[tokio::test]
async fn what_is_built_in_is_not_changed() {
    let key = Key::new("a", "RS256");
    let scaikey = Issuer::start(&[&key]).await;
    let server = Server::with(&[("SCAIKEY_URL", &scaikey.url)]);
    let listed = server.call("GET", "/v1/auth/issuers", None).await.body;
    let row = &listed["issuers"][0];
    let shown = (&row["builtin"], &row["issuer"], &row["audiences"], &row["tenant_id"]);
    assert_eq!(shown, (&json!(true), &json!(scaikey.url), &json!(["scaivault"]), &Value::Null), "{listed}");
    let path = format!("/v1/auth/issuers/{}", row["id"].as_str().unwrap());
    assert_eq!(server.call("GET", &path, None).await.status, 200);
    for (verb, body) in [("PATCH", Some(json!({"name": "mine"}))), ("DELETE", None)] {
        let refused = server.call(verb, &path, body).await;
        assert_eq!((refused.status, refused.code()), (403, "forbidden"), "{verb}");
    }
}

#[tokio::test]
async fn a_client_is_no_service_account_of_that_name() {
    let key = Key::new("a", "RS256");
    let scaikey = Issuer::start(&[&key]).await;
    let server = Server::with(&[("SCAIKEY_URL", &scaikey.url)]);
    let program = json!({"token_type": "client_credentials", "client_id": "reporting"});
    let token = key.token(&scaikey.claims(program));
    assert_eq!(whoami(&server, &token).await.body["identity_id"], "sa:reporting");
    let account = json!({"name": "reporting", "scopes": ["secrets:read"]});
    let made = server.call("POST", "/v1/identity/service-accounts", Some(account)).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(refusal(&server, &token).await, (401, "token_invalid".into()), "remembered or not");
    let told = server.call("POST", "/v1/auth/introspect", Some(json!({"token": token}))).await;
    assert_eq!(told.body, json!({"active": false}));
    // An issuer that the tenant trusts for its service accounts is believed.
    let own = Issuer::start(&[&key]).await;
    assert_eq!(own.trusted_by(&server, json!({"identity_type": "service_account"})).await.status, 201);
    let who = whoami(&server, &key.token(&own.claims(json!({"sub": "reporting"})))).await;
    assert_eq!((who.status, &who.body["identity_id"]), (200, &json!("sa:reporting")), "{who:?}");
}
