//! Schedulers run on one node, whichever that is.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use crate::api::Api;
use crate::pair::{PATIENCE, Pair};

/// A vanished leader is replaced within this.
const TAKEN_OVER: Duration = Duration::from_secs(10);

/// The node that has the leadership, from the table where it is kept.
async fn leader(database: &str) -> Option<usize> {
    let mut connection = PgConnection::connect(database).await.unwrap();
    let found: Option<String> = sqlx::query_scalar("SELECT holder FROM leadership WHERE until > clock_timestamp()")
        .fetch_optional(&mut connection)
        .await
        .unwrap();
    found.map(|holder| usize::from(holder.starts_with("b ")))
}

/// How many records the sweepers have made: a type that nothing else here brings about.
async fn expired(database: &str) -> i64 {
    let mut connection = PgConnection::connect(database).await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM events WHERE type = 'secret.expired'")
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

/// Writes a secret that expires at once.
async fn write_expiring(api: &Api, path: &str) {
    let at = jiff::Timestamp::now() + Duration::from_secs(1);
    let body = json!({"data": {"k": "v"}, "options": {"expires_at": at.to_string()}});
    let answer = api.send(Method::PUT, &format!("/v1/secrets/{path}"), &[], Some(&body)).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text);
}

async fn until(patience: Duration, what: &str, holds: impl AsyncFn() -> bool) -> Duration {
    let asked = Instant::now();
    while !holds().await {
        assert!(asked.elapsed() < patience, "not within {patience:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    asked.elapsed()
}

#[tokio::test]
async fn another_node_takes_over() {
    let mut pair = Pair::start(&[]).await;
    let database = pair.database.clone();
    until(PATIENCE, "one leads", async || leader(&database).await.is_some()).await;
    let first = leader(&database).await.unwrap();
    write_expiring(&pair.api(1 - first), "one").await;
    until(PATIENCE, "the leader sweeps", async || expired(&database).await == 1).await;

    // It vanishes.
    pair.servers[first].take().unwrap().kill();
    write_expiring(&pair.api(1 - first), "two").await;
    until(TAKEN_OVER, "the other one sweeps", async || expired(&database).await == 2).await;
    assert_eq!(leader(&database).await, Some(1 - first));

    // It comes back, and the other one ends in order: handed over, not waited for.
    pair.restart(first);
    write_expiring(&pair.api(first), "three").await;
    assert_eq!(pair.servers[1 - first].take().unwrap().terminate(), 0);
    until(TAKEN_OVER, "the first one sweeps again", async || expired(&database).await == 3).await;
    assert_eq!(leader(&database).await, Some(first));
    let api = pair.api(first);
    for path in ["one", "two", "three"] {
        let answer = api.send(Method::GET, &format!("/v1/secrets/{path}"), &[], None).await.unwrap();
        assert!(matches!(answer.status, 404 | 410), "{}: {}", answer.status, answer.text);
    }
}
