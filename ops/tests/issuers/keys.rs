//! Keys that come and go, and an issuer that does.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::issuer::{Issuer, Key, now, refusal, whoami};
use super::server::Server;

/// Long enough that only a fault makes a test wait so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Moves the server's clock, and gives what it shows in Unix seconds.
async fn advance(server: &Server, by: &str) -> i64 {
    let moved = server.call("POST", "/v1/sys/clock", Some(json!({"advance": by}))).await;
    assert_eq!(moved.status, 200, "{moved:?}");
    now() + moved.body["offset_seconds"].as_i64().unwrap()
}

async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let asked = Instant::now();
    while !holds().await {
        assert!(asked.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn for_ever(issuer: &Issuer, sub: &str) -> Value {
    issuer.claims(json!({"exp": now() + 10 * 86_400, "sub": sub}))
}

#[tokio::test]
async fn a_new_key_is_known_at_once_and_an_old_one_is_forgotten() {
    let (server, old, new) = (Server::start(), Key::new("old", "ES256"), Key::new("new", "ES256"));
    let issuer = Issuer::start(&[&old]).await;
    assert_eq!(issuer.trusted_by(&server, json!({})).await.status, 201);
    let (with_old, with_new) = (old.token(&for_ever(&issuer, "a")), new.token(&for_ever(&issuer, "b")));
    assert_eq!(whoami(&server, &with_old).await.status, 200);
    issuer.publishes(&[&old, &new]);
    assert_eq!(whoami(&server, &with_new).await.status, 200, "a key id that is not known is asked for");
    issuer.publishes(&[&new]);
    assert_eq!(whoami(&server, &with_old).await.status, 200, "it is cached");
    advance(&server, "6m").await;
    let forgotten = async || refusal(&server, &with_old).await == (401, "token_invalid".into());
    eventually("the background refreshes keys", forgotten).await;
    assert_eq!(whoami(&server, &with_new).await.status, 200);
}

#[tokio::test]
async fn keys_that_nobody_has_are_asked_for_every_thirty_seconds_at_most() {
    let (server, key, evil) = (Server::start(), Key::new("a", "ES256"), Key::new("x", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    assert_eq!(issuer.trusted_by(&server, json!({})).await.status, 201);
    let seen = issuer.asked();
    let guessing = async |round: &str| {
        let tokens = (0..20).map(|id| {
            let header = json!({"alg": "ES256", "kid": format!("{round}{id}")});
            evil.token_with(&header, &for_ever(&issuer, "a"))
        });
        for token in tokens {
            assert_eq!(refusal(&server, &token).await.0, 401);
        }
    };
    guessing("first").await;
    assert_eq!(issuer.asked(), seen + 1);
    advance(&server, "31s").await;
    guessing("second").await;
    assert_eq!(issuer.asked(), seen + 2);
}

#[tokio::test]
async fn cached_keys_last_a_day() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    let created = issuer.trusted_by(&server, json!({})).await;
    let path = format!("/v1/auth/issuers/{}", created.body["id"].as_str().unwrap());
    assert!(created.body["keys_refreshed_at"].is_string() && created.body["last_error"].is_null(), "{created:?}");
    let token = key.token(&for_ever(&issuer, "a"));
    assert_eq!(whoami(&server, &token).await.status, 200);
    issuer.goes_down(true);
    advance(&server, "23h").await;
    assert_eq!(whoami(&server, &token).await.status, 200, "remembered");
    assert_eq!(whoami(&server, &key.token(&for_ever(&issuer, "b"))).await.status, 200, "verified with cached keys");
    let failing = async || server.call("GET", &path, None).await.body["last_error"].is_string();
    eventually("the failure is told", failing).await;
    let told = server.call("GET", &path, None).await.body;
    assert_eq!(told["keys_refreshed_at"], created.body["keys_refreshed_at"]);
    assert!(told["last_error"].as_str().unwrap().contains("503"), "{told}");
    advance(&server, "61m").await;
    assert_eq!(refusal(&server, &token).await, (401, "token_invalid".into()), "older than a day");
    issuer.goes_down(false);
    advance(&server, "61s").await;
    eventually("the issuer is back", async || whoami(&server, &token).await.status == 200).await;
    assert!(server.call("GET", &path, None).await.body["last_error"].is_null());
}

#[tokio::test]
async fn inline_keys_ask_nobody() {
    let (server, key, other) = (Server::start(), Key::new("a", "EdDSA"), Key::new("b", "EdDSA"));
    let issuer = Issuer::start(&[]).await;
    issuer.goes_down(true);
    let created = issuer.trusted_by(&server, json!({"jwks": {"keys": [key.public()]}})).await;
    assert_eq!(created.status, 201, "{created:?}");
    let claims = for_ever(&issuer, "a");
    assert_eq!(whoami(&server, &key.token(&claims)).await.status, 200);
    assert_eq!(refusal(&server, &other.token(&claims)).await.0, 401);
    let path = format!("/v1/auth/issuers/{}", created.body["id"].as_str().unwrap());
    let changed = server.call("PATCH", &path, Some(json!({"jwks": {"keys": [other.public()]}}))).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(refusal(&server, &key.token(&claims)).await.0, 401, "what was remembered is verified anew");
    assert_eq!(whoami(&server, &other.token(&claims)).await.status, 200);
    assert_eq!(issuer.asked(), 0);
}

#[tokio::test]
async fn remembered_tokens_end_with_their_time_and_their_issuer() {
    let (server, key) = (Server::start(), Key::new("a", "RS256"));
    let issuer = Issuer::start(&[&key]).await;
    let created = issuer.trusted_by(&server, json!({})).await;
    let path = format!("/v1/auth/issuers/{}", created.body["id"].as_str().unwrap());
    let (short, long) = (key.token(&issuer.claims(json!({}))), key.token(&for_ever(&issuer, "a")));
    for _ in 0..2 {
        assert_eq!((whoami(&server, &short).await.status, whoami(&server, &long).await.status), (200, 200));
    }
    advance(&server, "12m").await;
    assert_eq!(refusal(&server, &short).await, (401, "token_expired".into()));
    assert_eq!(server.call("PATCH", &path, Some(json!({"is_active": false}))).await.status, 200);
    assert_eq!(refusal(&server, &long).await, (401, "token_invalid".into()));
    assert_eq!(server.call("PATCH", &path, Some(json!({"is_active": null}))).await.body["is_active"], true);
    assert_eq!(whoami(&server, &long).await.status, 200);
    assert_eq!(server.call("DELETE", &path, None).await.status, 204);
    assert_eq!(refusal(&server, &long).await, (401, "token_invalid".into()));
}

#[tokio::test]
async fn keys_of_a_place_that_was_left_meanwhile_do_not_count() {
    let (server, old, new) = (Server::start(), Key::new("a", "ES256"), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&old]).await;
    let explicit = json!({"jwks_url": format!("{}/keys", issuer.url)});
    let created = issuer.trusted_by(&server, explicit).await;
    assert_eq!(created.status, 201, "{created:?}");
    let path = format!("/v1/auth/issuers/{}", created.body["id"].as_str().unwrap());
    issuer.keeps_silent(true);
    let discovering = server.call("PATCH", &path, Some(json!({"jwks_url": null})));
    let meanwhile = async {
        eventually("it is asked where its keys are", async || issuer.called() > 0).await;
        let inline = json!({"jwks_url": null, "jwks": {"keys": [new.public()]}});
        let changed = server.call("PATCH", &path, Some(inline)).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        issuer.keeps_silent(false);
    };
    let (discovered, ()) = tokio::join!(discovering, meanwhile);
    assert_eq!((discovered.status, discovered.body["jwks"].is_object()), (200, true), "{discovered:?}");
    let claims = for_ever(&issuer, "a");
    assert_eq!(refusal(&server, &old.token(&claims)).await, (401, "token_invalid".into()));
    assert_eq!(whoami(&server, &new.token(&claims)).await.status, 200);
}

#[tokio::test]
async fn keys_of_odd_sizes_are_no_keys() {
    let (server, key) = (Server::start(), Key::new("ec", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    let rsa = |first: u8, bytes: usize| {
        let mut modulus = vec![0xa5; bytes];
        (modulus[0], modulus[bytes - 1]) = (first, 1);
        json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB", "kid": "rsa"})
    };
    for odd in [rsa(0x80, 128), rsa(0x7f, 256), rsa(0, 256), rsa(0x80, 513), rsa(0x80, 1_024)] {
        let refused = issuer.trusted_by(&server, json!({"jwks": {"keys": [odd, key.public()]}})).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_config"), "written down: {odd}");
        issuer.tells(json!({"keys": [odd]}));
        let refused = issuer.trusted_by(&server, json!({})).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_config"), "fetched: {odd}");
    }
    issuer.tells(json!({"keys": [rsa(0x80, 1_024), key.public()]}));
    assert_eq!(issuer.trusted_by(&server, json!({})).await.status, 201, "passed over among others");
    assert_eq!(whoami(&server, &key.token(&for_ever(&issuer, "a"))).await.status, 200);
    let largest = json!({"name": "large", "issuer": "https://large.example", "jwks": {"keys": [rsa(0xff, 512)]}});
    assert_eq!(issuer.trusted_by(&server, largest).await.status, 201);
}

#[tokio::test]
async fn a_token_that_names_no_key_is_tried_with_ten() {
    let (server, first, last) = (Server::start(), Key::new("0", "EdDSA"), Key::new("11", "EdDSA"));
    let others: Vec<Key> = (1..11).map(|id| Key::new(&id.to_string(), "EdDSA")).collect();
    let keys: Vec<&Key> = std::iter::once(&first).chain(&others).chain([&last]).collect();
    let issuer = Issuer::start(&keys).await;
    assert_eq!(issuer.trusted_by(&server, json!({})).await.status, 201);
    let claims = for_ever(&issuer, "a");
    let unnamed = |key: &Key| key.token_with(&json!({"alg": "EdDSA"}), &claims);
    assert_eq!(whoami(&server, &unnamed(&first)).await.status, 200);
    assert_eq!(refusal(&server, &unnamed(&last)).await, (401, "token_invalid".into()));
    assert_eq!(whoami(&server, &last.token(&claims)).await.status, 200);
}
