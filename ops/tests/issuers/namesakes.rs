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
