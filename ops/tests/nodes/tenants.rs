//! A tenant that one node makes and ends is there, and gone, on the other.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use crate::api::Api;
use crate::pair::Pair;

const SECOND: Duration = Duration::from_secs(1);

/// Polls until a GET answers with this status.
async fn answers(api: &Api, path: &str, status: u16) -> Duration {
    let asked = Instant::now();
    loop {
        let answer = api.send(Method::GET, path, &[], None).await.unwrap();
        if answer.status == status {
            return asked.elapsed();
        }
        assert!(asked.elapsed() < SECOND, "{path}: {}", answer.text);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_tenant_lives_and_ends_on_both_nodes() {
    let mut pair = Pair::start(&[]).await;
    let (a, b) = (pair.api(0), pair.api(1));
    let own = a.read("/v1/auth/whoami").await;
    let body = json!({"name": "Second", "partner_id": own["partner_id"]});
    let made = a.send(Method::POST, "/v1/identity/tenants", &[], Some(&body)).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.text);
    let tenant = made.json()["id"].as_str().unwrap().to_owned();
    let record = format!("/v1/identity/tenants/{tenant}");
    answers(&b, &record, 200).await;
    // The other node has its keys as soon as it knows of it.
    let secret = format!("/v1/t/{tenant}/secrets/app/db");
    let written = b.send(Method::PUT, &secret, &[], Some(&json!({"data": {"a": 1}}))).await.unwrap();
    assert_eq!(written.status, 201, "{}", written.text);
    answers(&a, &secret, 200).await;

    let account = format!("/v1/t/{tenant}/identity/service-accounts");
    let body = json!({"name": "job", "roles": ["secrets-reader"]});
    let made = b.send(Method::POST, &account, &[], Some(&body)).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.text);
    let keys = format!("{account}/sa:job/keys");
    let key = b.send(Method::POST, &keys, &[], Some(&json!({"name": "k"}))).await.unwrap().json();
    let job = Api::new(&pair.server(0).url, key["key"].as_str().unwrap());
    answers(&job, "/v1/secrets/app/db", 200).await;
    let suspended = b.send(Method::PATCH, &record, &[], Some(&json!({"status": "SUSPENDED"}))).await.unwrap();
    assert_eq!(suspended.status, 200, "{}", suspended.text);
    answers(&job, "/v1/secrets/app/db", 403).await;

    let deleted = b.send(Method::DELETE, &record, &[], None).await.unwrap();
    assert_eq!(deleted.status, 202, "{}", deleted.text);
    answers(&a, &secret, 404).await;
    answers(&job, "/v1/auth/whoami", 401).await;
    answers(&b, &secret, 404).await;
    // Both go on, and a start folds past what cannot be opened any more.
    pair.servers[0].take().unwrap().kill();
    pair.restart(0);
    let a = pair.api(0);
    for api in [&a, &b] {
        api.write("app/after", &json!({"data": {"a": 2}})).await;
        assert!(api.read(&record).await["shredded_at"].is_string());
    }
    answers(&a, &secret, 404).await;
}
