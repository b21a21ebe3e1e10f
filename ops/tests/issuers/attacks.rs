//! Tokens that look as if they were an issuer's.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::issuer::{Issuer, Key, now, refusal, unsigned, whoami};
use super::server::Server;

const INVALID: (u16, &str) = (401, "token_invalid");

fn hmac_token(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let message = unsigned(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

async fn is_refused(server: &Server, token: &str, wanted: (u16, &str), why: &str) {
    let (status, code) = refusal(server, token).await;
    assert_eq!((status, code.as_str()), wanted, "{why}");
}

#[tokio::test]
async fn forged_signatures_are_refused() {
    let (server, rsa, ec) = (Server::start(), Key::new("rsa", "RS256"), Key::new("ec", "ES256"));
    let (issuer, evil) = (Issuer::start(&[&rsa, &ec]).await, Key::new("rsa", "RS256"));
    assert_eq!(issuer.trusted_by(&server, json!({})).await.status, 201);
    let claims = issuer.claims(json!({}));
    let sound = rsa.token(&claims);
    assert_eq!(whoami(&server, &sound).await.status, 200);
    let none = format!("{}.", unsigned(&json!({"alg": "none"}), &claims));
    is_refused(&server, &none, INVALID, "no signature").await;
    let none = format!("{}.", unsigned(&json!({"alg": "None", "kid": "rsa"}), &claims));
    is_refused(&server, &none, INVALID, "no signature in another spelling").await;
    let header = json!({"alg": "HS256", "kid": "rsa"});
    is_refused(&server, &hmac_token(&header, &claims, &rsa.public_bytes()), INVALID, "the public key as a secret")
        .await;
    is_refused(&server, &hmac_token(&header, &claims, b""), INVALID, "an empty secret").await;
    is_refused(&server, &evil.token(&claims), INVALID, "another key of the same id").await;
    let mut altered = issuer.claims(json!({"sub": "mallory"})).to_string();
    altered = URL_SAFE_NO_PAD.encode(altered);
    let parts: Vec<&str> = sound.split('.').collect();
    is_refused(&server, &format!("{}.{altered}.{}", parts[0], parts[2]), INVALID, "other claims").await;
    is_refused(&server, &format!("{}.{}.", parts[0], parts[1]), INVALID, "the signature cut off").await;
    is_refused(&server, &format!("{}=.{}.{}", parts[0], parts[1], parts[2]), INVALID, "padding").await;
    let confused = rsa.token_with(&json!({"alg": "RS256", "kid": "ec"}), &claims);
    is_refused(&server, &confused, INVALID, "a key of another type").await;
    let confused = ec.token_with(&json!({"alg": "ES384", "kid": "ec"}), &claims);
    is_refused(&server, &confused, INVALID, "a curve of another size").await;
}

#[tokio::test]
async fn hints_in_headers_lead_nowhere() {
    let (server, key, evil) = (Server::start(), Key::new("a", "ES256"), Key::new("evil", "ES256"));
    let (issuer, theirs) = (Issuer::start(&[&key]).await, Issuer::start(&[&evil]).await);
    assert_eq!(issuer.trusted_by(&server, json!({})).await.status, 201);
    let claims = issuer.claims(json!({}));
    let keys = format!("{}/keys", theirs.url);
    for header in [
        json!({"alg": "ES256", "jwk": evil.public()}),
        json!({"alg": "ES256", "kid": "evil", "jku": keys}),
        json!({"alg": "ES256", "kid": "evil", "x5u": keys, "x5c": ["AAAA"]}),
    ] {
        is_refused(&server, &evil.token_with(&header, &claims), INVALID, &header.to_string()).await;
    }
    assert_eq!(theirs.asked(), 0, "nobody asked the attacker");
    let ignored = json!({"alg": "ES256", "kid": "a", "jku": keys, "jwk": evil.public(), "typ": "anything"});
    assert_eq!(whoami(&server, &key.token_with(&ignored, &claims)).await.status, 200);
    let critical = json!({"alg": "ES256", "kid": "a", "crit": ["exp"]});
    is_refused(&server, &key.token_with(&critical, &claims), INVALID, "crit").await;
    for id in ["../../../../dev/null", "a' OR '1'='1", "http://evil.example/key", &"k".repeat(2_000), "", "a\0"] {
        let header = json!({"alg": "ES256", "kid": id});
        is_refused(&server, &evil.token_with(&header, &claims), INVALID, id).await;
    }
    let doubled = r#"{"alg":"ES256","kid":"a","alg":"none"}"#;
    let doubled = format!("{}.{}.", URL_SAFE_NO_PAD.encode(doubled), URL_SAFE_NO_PAD.encode(claims.to_string()));
    is_refused(&server, &doubled, INVALID, "a header with two algorithms").await;
}

#[tokio::test]
async fn claims_must_hold() {
    let (server, key) = (Server::start(), Key::new("a", "EdDSA"));
    let issuer = Issuer::start(&[&key]).await;
    let bound = json!({"bound_subjects": ["ali*"], "algorithms": ["EdDSA", "ES256"]});
    assert_eq!(issuer.trusted_by(&server, bound).await.status, 201);
    let expired = (401, "token_expired");
    for (claims, wanted) in [
        (json!({"iss": "http://127.0.0.1:1"}), INVALID),
        (json!({"iss": format!("{}/", issuer.url)}), INVALID),
        (json!({"iss": null}), INVALID),
        (json!({"aud": "other"}), INVALID),
        (json!({"aud": ["other", "SCAIVAULT"]}), INVALID),
        (json!({"aud": null}), INVALID),
        (json!({"exp": now() - 120}), expired),
        (json!({"exp": null}), INVALID),
        (json!({"exp": "soon"}), INVALID),
        (json!({"nbf": now() + 300}), INVALID),
        (json!({"iat": now() + 300}), INVALID),
        (json!({"nbf": "then"}), INVALID),
        (json!({"sub": "mallory"}), INVALID),
        (json!({"sub": null}), INVALID),
        (json!({"sub": "ali ce"}), INVALID),
    ] {
        is_refused(&server, &key.token(&issuer.claims(claims.clone())), wanted, &claims.to_string()).await;
    }
    for claims in [
        json!({"exp": now() - 30}),
        json!({"nbf": now() + 30}),
        json!({"iat": null}),
        json!({"aud": ["other", "scaivault"]}),
        json!({"exp": 1.0e15}),
    ] {
        assert_eq!(whoami(&server, &key.token(&issuer.claims(claims.clone()))).await.status, 200, "{claims}");
    }
    let long = key.token(&issuer.claims(json!({"padding": "x".repeat(9_000)})));
    is_refused(&server, &long, (401, "authentication_required"), "a token of more than 8 KiB").await;
}

#[tokio::test]
async fn algorithms_are_those_of_the_issuer() {
    let (server, rsa, ec) = (Server::start(), Key::new("rsa", "RS256"), Key::new("ec", "ES256"));
    let issuer = Issuer::start(&[&rsa, &ec]).await;
    assert_eq!(issuer.trusted_by(&server, json!({"algorithms": ["ES256"]})).await.status, 201);
    let claims = issuer.claims(json!({}));
    assert_eq!(whoami(&server, &ec.token(&claims)).await.status, 200);
    is_refused(&server, &rsa.token(&claims), INVALID, "RS256 where it is not accepted").await;
    // The key says itself what it is for.
    let mut only = rsa.public();
    only["alg"] = "PS256".into();
    let strict = Issuer::start(&[]).await;
    strict.tells(json!({"keys": [only]}));
    assert_eq!(strict.trusted_by(&server, json!({"name": "strict"})).await.status, 201);
    let claims = strict.claims(json!({}));
    is_refused(&server, &rsa.token(&claims), INVALID, "RS256 by a key for PS256").await;
    let fitting = rsa.token_with(&json!({"alg": "PS256", "kid": "rsa"}), &claims);
    assert_eq!(whoami(&server, &fitting).await.status, 200);
}

#[tokio::test]
async fn floods_of_forged_tokens_cost_no_signature_checks() {
    let (server, key, evil) =
        (Server::with(&[("RATE_LIMIT_PUBLIC", "20")]), Key::new("a", "ES256"), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    assert_eq!(issuer.trusted_by(&server, json!({})).await.status, 201);
    let of = |key: &Key, sub: &str| key.token(&issuer.claims(json!({"sub": sub})));
    let (known, new) = (of(&key, "alice"), of(&key, "bob"));
    assert_eq!(whoami(&server, &known).await.status, 200);
    let mut refused = 0;
    let empty = async |refused: &mut usize| {
        while let answer = whoami(&server, &of(&evil, &format!("mallory-{refused}"))).await
            && answer.status != 429
        {
            assert_eq!((answer.status, answer.code()), INVALID);
            *refused += 1;
            assert!(*refused < 60, "they are limited");
        }
    };
    empty(&mut refused).await;
    assert!(refused >= 20, "{refused}");
    // Sound or not: what is not known yet is not looked at, unless there is another unit by now.
    let mut late = whoami(&server, &new).await;
    while late.status == 200 {
        empty(&mut refused).await;
        late = whoami(&server, &of(&key, &format!("bob-{refused}"))).await;
    }
    assert_eq!((late.status, late.code(), late.detail("category")), (429, "rate_limited", &json!("public")));
    assert!(late.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(whoami(&server, &known).await.status, 200, "a token that was verified before has a bucket of its own");
}

#[tokio::test]
async fn an_issuer_makes_no_flood_of_users() {
    const TOKENS: usize = 600;
    let server = Server::with(&[("RATE_LIMIT_ENABLED", "false")]);
    let key = Key::new("a", "EdDSA");
    let issuer = Issuer::start(&[&key]).await;
    assert_eq!(issuer.trusted_by(&server, json!({})).await.status, 201);
    let asked = (0..TOKENS).map(|n| {
        let token = key.token(&issuer.claims(json!({"sub": format!("flood-{n}")})));
        let server = &server;
        async move { whoami(server, &token).await.status }
    });
    let answers: Vec<u16> = stream::iter(asked).buffer_unordered(16).collect().await;
    assert!(answers.iter().all(|status| *status == 200), "each is served: {answers:?}");
    let users = server.call("GET", "/v1/identity/tenants/tnt_dev/users?q=flood-", None).await.body;
    let recorded = users["total"].as_u64().unwrap();
    assert!((300..TOKENS as u64).contains(&recorded), "{recorded}");
}
