//! Whom a token speaks for.

use serde_json::{Value, json};

use super::issuer::{Issuer, Key, now, refusal, whoami};
use super::server::Server;

#[tokio::test]
async fn all_five_algorithms_open() {
    let algorithms = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];
    let keys: Vec<Key> = algorithms.iter().map(|algorithm| Key::new(algorithm, algorithm)).collect();
    let (server, issuer) = (Server::start(), Issuer::start(&keys.iter().collect::<Vec<_>>()).await);
    let created = issuer.trusted_by(&server, json!({})).await;
    assert_eq!(created.status, 201, "{created:?}");
    for key in &keys {
        let claims = issuer.claims(json!({"sub": "Alice@Acme.example", "groups": ["SRE", "On Call"], "name": "Alice"}));
        let answer = whoami(&server, &key.token(&claims)).await;
        assert_eq!(answer.status, 200, "{} {answer:?}", key.algorithm);
        assert_eq!(answer.body["identity_id"], "user:alice@acme.example");
        assert_eq!(answer.body["groups"], json!(["group:on-call", "group:sre"]));
        let who = (&answer.body["display_name"], &answer.body["tenant_id"], &answer.body["scopes"]);
        assert_eq!(who, (&json!("Alice"), &json!("tnt_dev"), &json!(["secrets:read"])));
        assert_eq!(answer.body["token_expires_at"].as_str().map(str::is_empty), Some(false));
        // A token without a key id is tried with every key that fits.
        let unnamed = key.token_with(&json!({"alg": key.algorithm}), &claims);
        assert_eq!(whoami(&server, &unnamed).await.status, 200, "{}", key.algorithm);
    }
}

#[tokio::test]
async fn groups_of_a_token_count_in_policies() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    assert_eq!(issuer.trusted_by(&server, json!({})).await.status, 201);
    let secret = json!({"data": {"k": "v"}});
    assert_eq!(server.call("PUT", "/v1/secrets/app/db", Some(secret)).await.status, 201);
    let policy = json!({"name": "sre", "rules": [{"path_pattern": "app/**", "permissions": ["read"]}]});
    let policy = server.call("POST", "/v1/policies", Some(policy)).await.body;
    let binding = json!({"identity_type": "group", "identity_id": "group:sre"});
    let path = format!("/v1/policies/{}/bindings", policy["id"].as_str().unwrap());
    let bound = server.call("POST", &path, Some(binding)).await;
    assert_eq!(bound.status, 201, "{bound:?}");
    let read = async |groups: Value| {
        let token = key.token(&issuer.claims(json!({"groups": groups})));
        server.call_as(&token, "GET", "/v1/secrets/app/db", None, &[]).await.status
    };
    assert_eq!((read(json!(["sre"])).await, read(json!("sre")).await, read(json!(["dev"])).await), (200, 200, 403));
}

#[tokio::test]
async fn claims_are_found_where_the_mapping_says() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    let mapping = json!({"identity": "kubernetes.io.serviceaccount.name", "groups": "kubernetes.io.namespace",
                         "roles": "realm.roles", "scopes": "perms", "mfa_time": "mfa_at"});
    let more = json!({"claim_mapping": mapping, "identity_type": "service_account", "default_scopes": ["secrets:list"],
                      "allowed_roles": ["tenant_admin"]});
    let created = issuer.trusted_by(&server, more).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.body["claim_mapping"]["tenant"], "tenant_id");
    let claims = json!({
        "kubernetes.io": {"serviceaccount": {"name": "api"}, "namespace": "Billing"},
        "realm": {"roles": ["tenant_admin", "secrets-writer", "super_admin", "king"]},
        "perms": ["secrets:read", "fly"], "mfa_at": now() - 5,
    });
    let who = whoami(&server, &key.token(&issuer.claims(claims.clone()))).await.body;
    assert_eq!((&who["identity_id"], &who["identity_type"]), (&json!("sa:api"), &json!("service_account")));
    assert_eq!((&who["groups"], &who["roles"]), (&json!(["group:billing"]), &json!(["tenant_admin"])));
    assert_eq!(who["scopes"], json!(["secrets:read"]));
    assert!(who["mfa_verified_at"].is_string(), "{who}");
    let mut without = claims;
    without["perms"] = json!("openid profile");
    let who = whoami(&server, &key.token(&issuer.claims(without))).await.body;
    assert_eq!(who["scopes"], json!(["secrets:list"]), "words that are no scopes are none");
}

#[tokio::test]
async fn a_tenants_issuer_stays_in_its_tenant_and_below_its_administrators() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    assert_eq!(issuer.trusted_by(&server, json!({"allowed_roles": ["tenant_admin"]})).await.status, 201);
    // The server's own root, who is super_admin by its record, as somebody who holds the issuer's key would be it.
    let claims = json!({"sub": "root@dev", "tenant_id": "tnt_other", "partner_id": "ptn_other", "scope": "admin tokens:self secrets:read",
                        "roles": ["super_admin", "partner_admin", "tenant_admin"]});
    let token = key.token(&issuer.claims(claims));
    let who = whoami(&server, &token).await.body;
    assert_eq!((&who["identity_id"], &who["tenant_id"]), (&json!("user:root@dev"), &json!("tnt_dev")));
    assert_eq!(who["roles"], json!(["tenant_admin"]), "{who}");
    // Neither have tokens made with it.
    let body = json!({"name": "mine", "scopes": ["admin", "tokens:self"], "expires_in": "30d"});
    let made = server.call_as(&token, "POST", "/v1/auth/tokens", Some(body), &[]).await;
    assert_eq!(made.status, 201, "{made:?}");
    let mine = made.body["token"].as_str().unwrap();
    assert_eq!(whoami(&server, mine).await.body["roles"], json!([]));
    let shorter = json!({"name": "again", "scopes": ["admin"]});
    let again = server.call_as(mine, "POST", "/v1/auth/tokens", Some(shorter), &[]).await;
    assert_eq!(whoami(&server, again.body["token"].as_str().unwrap()).await.body["roles"], json!([]));
    let platform = json!({"name": "p", "issuer": "https://x.example", "audiences": ["a"], "tenant_id": null});
    let refused = server.call_as(&token, "POST", "/v1/auth/issuers", Some(platform), &[]).await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));
}

#[tokio::test]
async fn an_issuer_of_the_platform_names_tenants() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    let more = json!({"tenant_id": null, "allowed_roles": ["super_admin"]});
    let created = issuer.trusted_by(&server, more).await;
    assert_eq!((created.status, &created.body["tenant_id"]), (201, &Value::Null), "{created:?}");
    let token = key.token(&issuer.claims(json!({"roles": ["super_admin", "tenant_admin"]})));
    let who = whoami(&server, &token).await.body;
    let wanted = (&json!("tnt_dev"), &json!("ptn_dev"), &json!(["super_admin"]));
    assert_eq!((&who["tenant_id"], &who["partner_id"], &who["roles"]), wanted);
    let unknown = key.token(&issuer.claims(json!({"tenant_id": "tnt_other"})));
    assert_eq!(refusal(&server, &unknown).await, (403, "tenant_access_denied".into()));
    let malformed = key.token(&issuer.claims(json!({"tenant_id": "dev"})));
    assert_eq!(refusal(&server, &malformed).await, (401, "token_invalid".into()));
    let nowhere = whoami(&server, &key.token(&issuer.claims(json!({"tenant_id": null})))).await;
    assert_eq!((nowhere.status, &nowhere.body["tenant_id"]), (200, &Value::Null), "{nowhere:?}");
    // Where a tenant trusts the same URL, its own claim or the request chooses, also for tokens seen before.
    let seen = key.token(&issuer.claims(json!({"sub": "bob"})));
    assert_eq!(whoami(&server, &seen).await.body["identity_id"], "user:bob");
    let own = issuer.trusted_by(&server, json!({"name": "own", "identity_type": "service_account"})).await;
    assert_eq!(own.status, 201, "{own:?}");
    assert_eq!(whoami(&server, &seen).await.body["identity_id"], "sa:bob");
    let of = async |tenant: Value, headers: &[(&str, &str)]| {
        let token = key.token(&issuer.claims(json!({"tenant_id": tenant, "roles": ["super_admin"]})));
        let answer = server.call_as(&token, "GET", "/v1/auth/whoami", None, headers).await;
        answer.body["identity_id"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(of(json!("tnt_dev"), &[]).await, "sa:alice");
    assert_eq!(of(Value::Null, &[("X-Tenant-ID", "tnt_dev")]).await, "sa:alice");
    assert_eq!(of(Value::Null, &[]).await, "user:alice");
    // A token of another tenant stays one of that, wherever it is used.
    let elsewhere = key.token(&issuer.claims(json!({"tenant_id": "tnt_other"})));
    let refused = server.call_as(&elsewhere, "GET", "/v1/auth/whoami", None, &[("X-Tenant-ID", "tnt_dev")]).await;
    assert_eq!((refused.status, refused.code()), (403, "tenant_access_denied"));
}

#[tokio::test]
async fn a_user_is_recorded_when_first_met() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    assert_eq!(issuer.trusted_by(&server, json!({})).await.status, 201);
    let token = key.token(&issuer.claims(json!({"name": "Alice Smith"})));
    let several = (0..8).map(|_| whoami(&server, &token));
    for answer in futures_util::future::join_all(several).await {
        assert_eq!((answer.status, &answer.body["display_name"]), (200, &json!("Alice Smith")), "{answer:?}");
    }
    // The name is the record's from now on.
    let renamed = key.token(&issuer.claims(json!({"name": "Mallory"})));
    assert_eq!(whoami(&server, &renamed).await.body["display_name"], "Alice Smith");
    let users = server.call("GET", "/v1/identity/tenants/tnt_dev/users?q=alice", None).await.body;
    let row = (&users["total"], &users["users"][0]["identity_id"], &users["users"][0]["source"]);
    assert_eq!(row, (&json!(1), &json!("user:alice"), &json!("token")), "{users}");
    // Programs have none.
    let program = json!({"name": "programs", "issuer": "https://programs.example", "identity_type": "service_account",
                         "jwks": {"keys": [key.public()]}});
    assert_eq!(issuer.trusted_by(&server, program).await.status, 201);
    let token = key.token(&issuer.claims(json!({"iss": "https://programs.example", "sub": "robot"})));
    assert_eq!(whoami(&server, &token).await.body["identity_id"], "sa:robot");
    let users = server.call("GET", "/v1/identity/tenants/tnt_dev/users?q=robot", None).await.body;
    assert_eq!(users["total"], 0);
}
