//! Issuers of one URL: what a tenant trusts takes nothing from the platform.

use serde_json::{Value, json};

use super::issuer::{Issuer, Key, whoami};
use super::server::{Answer, Server};

async fn in_tenant(server: &Server, token: &str) -> Answer {
    server.call_as(token, "GET", "/v1/auth/whoami", None, &[("X-Tenant-ID", "tnt_dev")]).await
}

fn token(key: &Key, scaikey: &Issuer, more: Value) -> String {
    key.token(&scaikey.claims(more))
}

#[tokio::test]
async fn a_tenant_with_keys_of_its_own_shuts_nobody_out() {
    let (key, evil) = (Key::new("a", "ES256"), Key::new("a", "ES256"));
    let scaikey = Issuer::start(&[&key]).await;
    let server = Server::with(&[("SCAIKEY_URL", &scaikey.url)]);
    let partner = json!({"tenant_id": null, "partner_id": "prt_dev", "roles": ["partner_admin"]});
    let highest = json!({"tenant_id": null, "roles": ["super_admin"]});
    let member = json!({"roles": ["tenant_admin"]});
    let elsewhere = json!({"tenant_id": "other", "roles": ["super_admin"]});
    let before = token(&key, &scaikey, highest.clone());
    assert_eq!(in_tenant(&server, &before).await.body["roles"], json!(["super_admin"]));
    let own = json!({"jwks": {"keys": [evil.public()]}, "allowed_roles": ["tenant_admin"]});
    let created = scaikey.trusted_by(&server, own).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(in_tenant(&server, &before).await.body["roles"], json!(["super_admin"]), "remembered");
    for (claims, role) in [(&partner, "partner_admin"), (&highest, "super_admin"), (&member, "tenant_admin")] {
        for _ in 0..2 {
            let who = in_tenant(&server, &token(&key, &scaikey, claims.clone())).await;
            assert_eq!((who.status, &who.body["roles"]), (200, &json!([role])), "{claims} {who:?}");
        }
    }
    let refused = in_tenant(&server, &token(&key, &scaikey, elsewhere.clone())).await;
    assert_eq!((refused.status, refused.code()), (403, "tenant_access_denied"), "of a tenant that is not known");
    // Its own keys make nobody of another place, and nobody above its administrators.
    for claims in [&partner, &elsewhere] {
        let refused = in_tenant(&server, &token(&evil, &scaikey, claims.clone())).await;
        assert_eq!((refused.status, refused.code()), (401, "token_invalid"), "{claims}");
    }
    let who = in_tenant(&server, &token(&evil, &scaikey, highest.clone())).await.body;
    assert_eq!((&who["tenant_id"], &who["roles"]), (&json!("tnt_dev"), &json!([])));
    assert_eq!(whoami(&server, &token(&evil, &scaikey, highest)).await.status, 401, "without the tenant, of nobody");
    let who = whoami(&server, &token(&evil, &scaikey, member)).await.body;
    assert_eq!((&who["tenant_id"], &who["roles"]), (&json!("tnt_dev"), &json!(["tenant_admin"])));
}

#[tokio::test]
async fn what_a_tenant_refuses_of_its_own_stays_refused() {
    let key = Key::new("a", "ES256");
    let scaikey = Issuer::start(&[&key]).await;
    let server = Server::with(&[("SCAIKEY_URL", &scaikey.url)]);
    assert_eq!(scaikey.trusted_by(&server, json!({"bound_subjects": ["bob"]})).await.status, 201);
    let member = in_tenant(&server, &token(&key, &scaikey, json!({}))).await;
    assert_eq!((member.status, member.code()), (401, "token_invalid"), "the tenant takes nobody but bob");
    assert_eq!(in_tenant(&server, &token(&key, &scaikey, json!({"sub": "bob"}))).await.status, 200);
    let highest = json!({"tenant_id": null, "roles": ["super_admin"]});
    let who = in_tenant(&server, &token(&key, &scaikey, highest)).await;
    assert_eq!((who.status, &who.body["roles"]), (200, &json!(["super_admin"])), "{who:?}");
}

#[tokio::test]
async fn what_an_identity_was_shown_is_not_shown_to_whoever_a_tenant_says_it_is() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    assert_eq!(issuer.trusted_by(&server, json!({})).await.status, 201);
    let body = json!({"name": "made", "scopes": ["admin"], "expires_in": "1h"});
    let once = [("Idempotency-Key", "once")];
    let made = async |token: &str| server.call_as(token, "POST", "/v1/auth/tokens", Some(body.clone()), &once).await;
    let root = server.token(&["admin"], json!({})).await;
    assert_eq!(made(&root).await.status, 201);
    let claims = |scope: &str| json!({"sub": "root@dev", "scope": scope});
    let refused = made(&token(&key, &issuer, claims("admin"))).await;
    assert_eq!((refused.status, refused.code()), (422, "idempotency_key_reuse"), "{refused:?}");
    // A token that its issuer renewed is as good as the one before.
    let twice = [("Idempotency-Key", "twice")];
    let own = |jti: &str| token(&key, &issuer, json!({"sub": "bob", "scope": "tokens:self", "jti": jti}));
    let body = json!({"name": "made", "scopes": ["tokens:self"], "expires_in": "1h"});
    let made = async |jti: &str| server.call_as(&own(jti), "POST", "/v1/auth/tokens", Some(body.clone()), &twice).await;
    let (first, again) = (made("1").await, made("2").await);
    assert_eq!((first.status, again.status, &first.body), (201, 201, &again.body), "{first:?}");
}
