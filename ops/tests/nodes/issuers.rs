//! Issuers, exchanged tokens and revocations hold on every node, soon.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Api;
use crate::jwt::{Key, now};
use crate::pair::Pair;

/// What the contract gives a revocation to be heard of everywhere.
const SOON: Duration = Duration::from_secs(1);

async fn post(api: &Api, path: &str, body: Value) -> Value {
    let answer = api.send(Method::POST, path, &[], Some(&body)).await.unwrap();
    assert!((200..300).contains(&answer.status), "POST {path}: {}", answer.text);
    answer.json()
}

/// Until a node says this of a token.
async fn becomes(pair: &Pair, number: usize, token: &str, status: u16) {
    let (api, asked) = (Api::new(&pair.server(number).url, token), Instant::now());
    while api.send(Method::GET, "/v1/auth/whoami", &[], None).await.unwrap().status != status {
        assert!(asked.elapsed() < SOON, "node {number} does not answer {status} within a second");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_one_node_trusts_and_revokes_the_other_does() {
    let (pair, key) = (Pair::start(&[]).await, Key::new("a", "ES256"));
    let issuer = json!({"name": "ci", "issuer": "https://ci.example", "audiences": ["scaivault"],
                        "jwks": {"keys": [key.public()]}});
    let issuer = post(&pair.api(0), "/v1/auth/issuers", issuer).await;
    let claims = |sub: &str| json!({"iss": "https://ci.example", "aud": "scaivault", "sub": sub, "exp": now() + 600, "scope": "secrets:read"});
    let (alice, bob) = (key.token(&claims("alice")), key.token(&claims("bob")));
    for number in 0..2 {
        becomes(&pair, number, &alice, 200).await;
        becomes(&pair, number, &bob, 200).await;
    }
    // Both nodes have it verified in memory by now.
    post(&pair.api(1), "/v1/auth/revoke", json!({"token": alice})).await;
    for number in 0..2 {
        becomes(&pair, number, &alice, 401).await;
    }
    let rule = json!({"name": "ci", "issuer_id": issuer["id"], "subject": "bob", "identity_id": "user:deployer",
                      "scopes": ["secrets:read"]});
    let rule = post(&pair.api(0), "/v1/auth/exchange-rules", rule).await;
    let exchange = json!({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": bob,
                          "subject_token_type": "urn:ietf:params:oauth:token-type:jwt"});
    let given = post(&pair.api(0), "/v1/auth/exchange", exchange).await;
    let token = given["access_token"].as_str().unwrap();
    becomes(&pair, 1, token, 200).await;
    let path = format!("/v1/auth/exchange-rules/{}", rule["id"].as_str().unwrap());
    assert_eq!(pair.api(0).send(Method::DELETE, &path, &[], None).await.unwrap().status, 204);
    becomes(&pair, 1, token, 401).await;
    let path = format!("/v1/auth/issuers/{}", issuer["id"].as_str().unwrap());
    assert_eq!(pair.api(1).send(Method::DELETE, &path, &[], None).await.unwrap().status, 204);
    becomes(&pair, 0, &bob, 401).await;
}
