//! Tokens given in exchange, and every way in which they are not.

use serde_json::{Value, json};

use super::issuer::{Issuer, Key, now, refusal, whoami};
use super::server::{Answer, Server};

const RULES: &str = "/v1/auth/exchange-rules";

/// A server that trusts an issuer.
struct Place {
    server: Server,
    issuer: Issuer,
    key: Key,
    issuer_id: Value,
}

impl Place {
    async fn start(more: Value) -> Self {
        let (server, key) = (Server::start(), Key::new("a", "ES256"));
        let issuer = Issuer::start(&[&key]).await;
        let created = issuer.trusted_by(&server, more).await;
        assert_eq!(created.status, 201, "{created:?}");
        Self { server, issuer, key, issuer_id: created.body["id"].clone() }
    }

    /// Makes a rule for the server's root, with more in place of the usual; its id.
    async fn rule(&self, more: Value) -> String {
        let mut body = json!({"name": "main", "issuer_id": self.issuer_id, "subject": "repo:acme/billing:*",
                              "identity_id": "user:deployer", "scopes": ["secrets:read", "secrets:list"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let created = self.server.call("POST", RULES, Some(body)).await;
        assert_eq!(created.status, 201, "{created:?}");
        created.body["id"].as_str().unwrap().to_owned()
    }

    fn token(&self, more: Value) -> String {
        let mut claims = self.issuer.claims(json!({"sub": "repo:acme/billing:main", "environment": "production"}));
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.key.token(&claims)
    }

    async fn exchange(&self, token: &str, more: Value) -> Answer {
        let mut body = json!({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": token,
                              "subject_token_type": "urn:ietf:params:oauth:token-type:jwt"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.server.call_as("", "POST", "/v1/auth/exchange", Some(body), &[]).await
    }

    /// A token of the rule that is there.
    async fn given(&self) -> String {
        let answer = self.exchange(&self.token(json!({})), json!({})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["access_token"].as_str().unwrap().to_owned()
    }
}

fn told(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.code())
}

#[tokio::test]
async fn a_jwt_becomes_a_token() {
    let place = Place::start(json!({})).await;
    let rule = place.rule(json!({"claims": {"environment": ["production", "staging"]}, "ttl": "10m"})).await;
    let answer = place.exchange(&place.token(json!({})), json!({"resource": "ignored"})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let value = answer.body["access_token"].as_str().unwrap().to_owned();
    assert!(value.starts_with("sxt_") && value.len() == 53, "{value}");
    let wanted = json!({"access_token": value, "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
                        "token_type": "Bearer", "expires_in": 600, "scope": "secrets:list secrets:read"});
    assert_eq!(answer.body, wanted);
    assert_eq!(answer.header("cache-control"), "no-store");
    let who = whoami(&place.server, &value).await.body;
    assert_eq!((&who["identity_id"], &who["tenant_id"]), (&json!("user:deployer"), &json!("tnt_dev")));
    assert_eq!(who["scopes"], json!(["secrets:list", "secrets:read"]));
    let used = place.server.call("GET", &format!("{RULES}/{rule}"), None).await.body;
    assert!(used["last_used_at"].is_string(), "{used}");
    let told = place.server.call("POST", "/v1/auth/introspect", Some(json!({"token": value}))).await.body;
    assert_eq!(told["active"], true);
    let listed = place.server.call("GET", "/v1/auth/tokens?identity_id=user:deployer", None).await.body;
    assert_eq!(listed["tokens"], json!([]), "it is no personal token");
}

#[tokio::test]
async fn forms_are_taken_too() {
    let place = Place::start(json!({})).await;
    place.rule(json!({})).await;
    let token = place.token(json!({}));
    let form = format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token={token}&scope=secrets%3Aread\
         &subject_token_type=urn:ietf:params:oauth:token-type:jwt&allowed_paths=app/**+web/*&unknown=1"
    );
    let request = reqwest::Client::new().post(format!("{}/v1/auth/exchange", place.server.address));
    let answer = request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["scope"], "secrets:read");
}

#[tokio::test]
async fn every_refusal_has_its_code() {
    let place = Place::start(json!({"audiences": ["scaivault", "vault"]})).await;
    let sound = place.token(json!({}));
    let no_rule = place.exchange(&sound, json!({})).await;
    assert_eq!((told(&no_rule), no_rule.detail("reason")), ((403, "access_denied"), &json!("no_matching_rule")));
    place.rule(json!({"claims": {"environment": "production"}})).await;
    for more in [
        json!({"grant_type": null}),
        json!({"grant_type": ""}),
        json!({"grant_type": "client_credentials"}),
        json!({"subject_token": ""}),
        json!({"subject_token": 1}),
        json!({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}),
        json!({"requested_token_type": "urn:ietf:params:oauth:token-type:jwt"}),
        json!({"audience": "vault"}),
        json!({"audience": "other"}),
        json!({"scope": "fly"}),
        json!({"scope": ["secrets:read"]}),
        json!({"allowed_paths": []}),
        json!({"allowed_paths": [1]}),
    ] {
        let answer = place.exchange(&sound, more.clone()).await;
        assert_eq!(told(&answer), (400, "invalid_request"), "{more} {answer:?}");
    }
    let forged = Key::new("a", "ES256").token(&place.issuer.claims(json!({"sub": "repo:acme/billing:main"})));
    for (token, wanted) in [
        (forged.as_str(), (401, "token_invalid")),
        ("nonsense", (401, "token_invalid")),
        (&place.token(json!({"aud": "other"})), (401, "token_invalid")),
        (&place.token(json!({"iss": "https://elsewhere.example"})), (401, "token_invalid")),
        (&place.token(json!({"exp": now() - 120})), (401, "token_expired")),
        (&"x".repeat(10_000), (401, "token_invalid")),
    ] {
        assert_eq!(told(&place.exchange(token, json!({})).await), wanted, "{token}");
    }
    for claims in [json!({"sub": "repo:acme/other:main"}), json!({"environment": "test"}), json!({"environment": null})]
    {
        let answer = place.exchange(&place.token(claims.clone()), json!({})).await;
        assert_eq!(
            (told(&answer), answer.detail("reason")),
            ((403, "access_denied"), &json!("no_matching_rule")),
            "{claims}"
        );
    }
    let role = place.exchange(&sound, json!({"role": "sa:other"})).await;
    assert_eq!((told(&role), role.detail("reason")), ((403, "access_denied"), &json!("no_matching_rule")));
    let more = place.exchange(&sound, json!({"scope": "secrets:read secrets:write"})).await;
    assert_eq!((told(&more), more.detail("reason")), ((403, "access_denied"), &json!("insufficient_scope")));
    let glob = place.exchange(&sound, json!({"allowed_paths": ["/app"]})).await;
    assert_eq!(told(&glob), (400, "invalid_glob"));
    // What fits all of it.
    let fitting = json!({"role": "user:deployer", "scope": "secrets:read", "audience": "scaivault",
                         "requested_token_type": "urn:ietf:params:oauth:token-type:access_token"});
    assert_eq!(place.exchange(&sound, fitting).await.status, 200);
    // A token that was exchanged is none that can be.
    let ours = place.given().await;
    assert_eq!(told(&place.exchange(&ours, json!({})).await), (401, "token_invalid"));
    // A revoked one neither.
    assert_eq!(place.server.call("POST", "/v1/auth/revoke", Some(json!({"token": sound}))).await.body["revoked"], true);
    assert_eq!(told(&place.exchange(&sound, json!({})).await), (401, "token_revoked"));
}

#[tokio::test]
async fn narrowing_narrows() {
    let place = Place::start(json!({})).await;
    place.rule(json!({"identity_id": "user:root@dev"})).await;
    for path in ["app/db", "web/db"] {
        let written = place.server.call("PUT", &format!("/v1/secrets/{path}"), Some(json!({"data": {"k": "v"}}))).await;
        assert_eq!(written.status, 201);
    }
    let narrow = json!({"allowed_paths": ["app/**"], "scope": "secrets:read"});
    let answer = place.exchange(&place.token(json!({})), narrow).await;
    let token = answer.body["access_token"].as_str().unwrap();
    let reason = async |path: &str| {
        let answer = place.server.call_as(token, "GET", path, None, &[]).await;
        (answer.status, answer.detail("reason").as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(reason("/v1/secrets/web/db").await, (403, "token_path_restriction".into()));
    assert_eq!(reason("/v1/secrets").await, (403, "insufficient_scope".into()));
    // The issuer is a tenant's: root is nobody's administrator through it.
    assert_eq!(whoami(&place.server, token).await.body["roles"], json!([]));
    assert_eq!(reason("/v1/secrets/app/db").await, (403, "no_matching_rule".into()));
}

#[tokio::test]
async fn an_issuer_of_the_platform_gives_what_the_maker_of_the_rule_has() {
    let place = Place::start(json!({"tenant_id": null})).await;
    place.rule(json!({"identity_id": "user:root@dev"})).await;
    let token = place.given().await;
    assert_eq!(whoami(&place.server, &token).await.body["roles"], json!(["super_admin"]));
    let written = place.server.call("PUT", "/v1/secrets/app/db", Some(json!({"data": {"k": "v"}}))).await;
    assert_eq!(written.status, 201);
    assert_eq!(place.server.call_as(&token, "GET", "/v1/secrets/app/db", None, &[]).await.status, 200);
}

#[tokio::test]
async fn the_oldest_rule_decides() {
    let place = Place::start(json!({})).await;
    place.rule(json!({"name": "first", "identity_id": "user:first"})).await;
    place.rule(json!({"name": "second", "identity_id": "user:second"})).await;
    let who = async |more: Value| {
        let answer = place.exchange(&place.token(json!({})), more).await;
        let token = answer.body["access_token"].as_str().unwrap_or_default().to_owned();
        whoami(&place.server, &token).await.body["identity_id"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(who(json!({})).await, "user:first");
    assert_eq!(who(json!({"role": "user:second"})).await, "user:second");
}

#[tokio::test]
async fn a_named_tenant_selects_its_rules() {
    let place = Place::start(json!({})).await;
    place.rule(json!({})).await;
    let body = json!({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                      "subject_token": place.token(json!({})), "subject_token_type": "urn:ietf:params:oauth:token-type:jwt"});
    for (path, tenant, status) in [
        ("/v1/t/tnt_dev/auth/exchange", "tnt_other", 200),
        ("/v1/auth/exchange", "tnt_dev", 200),
        ("/v1/t/tnt_other/auth/exchange", "tnt_dev", 401),
        ("/v1/auth/exchange", "tnt_other", 401),
    ] {
        let answer = place.server.call_as("", "POST", path, Some(body.clone()), &[("X-Tenant-ID", tenant)]).await;
        assert_eq!(answer.status, status, "{path} {tenant} {answer:?}");
    }
}

#[tokio::test]
async fn tokens_end_with_their_rule() {
    let place = Place::start(json!({})).await;
    let rule = format!("{RULES}/{}", place.rule(json!({})).await);
    let revoked = (401, "token_revoked".to_owned());
    let first = place.given().await;
    assert_eq!(whoami(&place.server, &first).await.status, 200);
    assert_eq!(place.server.call("PATCH", &rule, Some(json!({"is_active": false}))).await.status, 200);
    assert_eq!(refusal(&place.server, &first).await, revoked);
    assert_eq!(place.server.call("PATCH", &rule, Some(json!({"is_active": true}))).await.status, 200);
    assert_eq!(refusal(&place.server, &first).await, revoked, "it does not come back");
    let second = place.given().await;
    assert_eq!(place.server.call("PATCH", &rule, Some(json!({"ttl": "5m"}))).await.status, 200);
    assert_eq!(whoami(&place.server, &second).await.status, 200, "other changes leave it");
    // A token made with it ends along with it.
    assert_eq!(place.server.call("DELETE", &rule, None).await.status, 204);
    assert_eq!(refusal(&place.server, &second).await, revoked);
    let alone = place.server.call("POST", "/v1/auth/introspect", Some(json!({"token": second}))).await;
    assert_eq!(alone.body, json!({"active": false}));
}

#[tokio::test]
async fn exchanged_tokens_end_by_value_and_by_time() {
    let place = Place::start(json!({})).await;
    place.rule(json!({"ttl": "5m"})).await;
    let (first, second) = (place.given().await, place.given().await);
    let body = json!({"token": first});
    assert_eq!(place.server.call_as(&second, "POST", "/v1/auth/revoke", Some(body), &[]).await.body["revoked"], true);
    assert_eq!(refusal(&place.server, &first).await, (401, "token_revoked".into()));
    let moved = place.server.call("POST", "/v1/sys/clock", Some(json!({"advance": "6m"}))).await;
    assert_eq!(moved.status, 200);
    let expired = whoami(&place.server, &second).await;
    assert_eq!((expired.status, expired.detail("reason")), (401, &json!("expired")));
}

#[tokio::test]
async fn service_accounts_have_what_their_records_say() {
    let place = Place::start(json!({})).await;
    let account = json!({"name": "Deployer", "scopes": ["secrets:read"], "roles": ["secrets-reader"]});
    let account = place.server.call("POST", "/v1/identity/service-accounts", Some(account)).await;
    assert_eq!(account.status, 201, "{account:?}");
    let path = format!("/v1/identity/service-accounts/{}", account.body["id"].as_str().unwrap());
    place.rule(json!({"identity_id": "sa:deployer"})).await;
    let written = place.server.call("PUT", "/v1/secrets/app/db", Some(json!({"data": {"k": "v"}}))).await;
    assert_eq!(written.status, 201);
    let token = place.given().await;
    let who = whoami(&place.server, &token).await.body;
    let wanted = (&json!("sa:deployer"), &json!(["secrets-reader"]), &json!(["secrets:read"]));
    assert_eq!((&who["identity_id"], &who["roles"], &who["scopes"]), wanted, "{who}");
    assert_eq!(place.server.call_as(&token, "GET", "/v1/secrets/app/db", None, &[]).await.status, 200);
    assert_eq!(place.server.call("PATCH", &path, Some(json!({"is_active": false}))).await.status, 200);
    assert_eq!(refusal(&place.server, &token).await, (401, "token_revoked".into()));
    assert_eq!(told(&place.exchange(&place.token(json!({})), json!({})).await), (401, "token_revoked"));
    assert_eq!(place.server.call("PATCH", &path, Some(json!({"is_active": true}))).await.status, 200);
    assert_eq!(whoami(&place.server, &token).await.status, 200);
    assert_eq!(place.server.call("DELETE", &path, None).await.status, 204);
    assert_eq!(refusal(&place.server, &token).await, (401, "token_revoked".into()));
    let gone = place.exchange(&place.token(json!({})), json!({})).await;
    assert_eq!(told(&gone), (401, "token_revoked"), "{gone:?}");
}

#[tokio::test]
async fn rules_of_several_tenants_need_a_name() {
    let place = Place::start(json!({"tenant_id": null})).await;
    let other = json!({"name": "Other", "slug": "other", "partner_id": "ptn_dev"});
    let other = place.server.call("POST", "/v1/identity/tenants", Some(other)).await;
    assert_eq!(other.status, 201, "{other:?}");
    let other = other.body["id"].as_str().unwrap().to_owned();
    place.rule(json!({})).await;
    let rule = json!({"name": "theirs", "issuer_id": place.issuer_id, "subject": "repo:acme/*", "identity_id": "user:other",
                      "scopes": ["secrets:read"]});
    let made = place.server.call("POST", &format!("/v1/t/{other}/auth/exchange-rules"), Some(rule)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let ambiguous = place.exchange(&place.token(json!({})), json!({})).await;
    assert_eq!((told(&ambiguous), ambiguous.detail("reason")), ((400, "invalid_request"), &json!("tenant_required")));
    let body = json!({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                      "subject_token": place.token(json!({})), "subject_token_type": "urn:ietf:params:oauth:token-type:jwt"});
    let named = format!("/v1/t/{other}/auth/exchange");
    let given = place.server.call_as("", "POST", &named, Some(body.clone()), &[]).await;
    let who = whoami(&place.server, given.body["access_token"].as_str().unwrap()).await.body;
    assert_eq!((&who["identity_id"], &who["tenant_id"]), (&json!("user:other"), &json!(other)));
    // What belongs to another tenant is unknown here.
    let foreign = format!("/v1/auth/exchange-rules/{}", made.body["id"].as_str().unwrap());
    assert_eq!(told(&place.server.call("GET", &foreign, None).await), (404, "not_found"));
    // A suspended tenant gives nothing.
    let suspended = json!({"status": "SUSPENDED"});
    let path = format!("/v1/identity/tenants/{other}");
    assert_eq!(place.server.call("PATCH", &path, Some(suspended)).await.status, 200);
    let refused = place.server.call_as("", "POST", &named, Some(body), &[]).await;
    assert_eq!(told(&refused), (403, "tenant_access_denied"), "{refused:?}");
    let token = place.key.token(&place.issuer.claims(json!({"tenant_id": other})));
    assert_eq!(refusal(&place.server, &token).await, (403, "tenant_access_denied".into()));
}

#[tokio::test]
async fn strangers_are_counted_by_their_address() {
    let server = Server::with(&[("RATE_LIMIT_PUBLIC", "20")]);
    let body = json!({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": "ey.ey.ey",
                      "subject_token_type": "urn:ietf:params:oauth:token-type:jwt"});
    let mut refused = 0;
    while refused < 60 {
        let answer = server.call_as("", "POST", "/v1/auth/exchange", Some(body.clone()), &[]).await;
        assert_eq!(answer.header("x-ratelimit-limit"), "20");
        if answer.status == 429 {
            assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
            break;
        }
        assert_eq!(told(&answer), (401, "token_invalid"));
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        refused += 1;
    }
    assert!((20..60).contains(&refused), "{refused}");
    assert_eq!(whoami(&server, super::server::TOKEN).await.status, 200, "who has a token has a bucket of its own");
}
