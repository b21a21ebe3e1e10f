//! Rotation: policies, what is attached to them, and what the clock and calls bring about.

mod calls;
mod clock;
mod moving;
mod policies;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::server::Server;

pub const BASE: &str = "/v1/rotation/policies";
/// Long enough that only a fault makes a test wait so long.
const PATIENCE: Duration = Duration::from_secs(15);

pub async fn made(server: &Server, path: &str, body: Value) -> Value {
    let answer = server.call("POST", path, Some(body)).await;
    assert!(answer.status < 300, "{path}: {answer:?}");
    answer.body
}

pub async fn get(server: &Server, path: &str) -> Value {
    let answer = server.call("GET", path, None).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}

/// A policy of one name with more fields; its id.
pub async fn policy(server: &Server, name: &str, more: Value) -> String {
    let mut body = json!({"name": name, "interval": "90d"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    made(server, BASE, body).await["id"].as_str().unwrap().to_owned()
}

/// Writes a secret.
pub async fn put(server: &Server, path: &str, body: Value) -> Value {
    let answer = server.call("PUT", &format!("/v1/secrets/{path}"), Some(body)).await;
    assert!(answer.status < 300, "{path}: {answer:?}");
    answer.body
}

/// A new secret under a policy.
pub async fn attached(server: &Server, path: &str, policy: &str) {
    let options = json!({"rotation_policy_id": policy});
    put(server, path, json!({"data": {"password": "first"}, "options": options})).await;
}

pub async fn advance(server: &Server, duration: &str) {
    made(server, "/v1/sys/clock", json!({"advance": duration})).await;
}

/// How a secret stands under its policy.
pub async fn standing(server: &Server, policy: &str, path: &str) -> Value {
    let listed = get(server, &format!("{BASE}/{policy}/secrets")).await;
    let rows = listed["secrets"].as_array().unwrap().clone();
    rows.into_iter().find(|row| row["secret_path"] == path).unwrap_or(Value::Null)
}

/// The history of a policy once it has so many items.
pub async fn history(server: &Server, policy: &str, count: usize) -> Vec<Value> {
    let since = Instant::now();
    loop {
        let rows =
            get(server, &format!("{BASE}/{policy}/history?limit=200")).await["history"].as_array().unwrap().clone();
        if rows.len() >= count {
            assert_eq!(rows.len(), count, "{rows:?}");
            return rows;
        }
        assert!(since.elapsed() < PATIENCE, "{count} items of {rows:?}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Waits until something is so.
pub async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let since = Instant::now();
    while !holds().await {
        assert!(since.elapsed() < PATIENCE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// The current version of a secret.
pub async fn version(server: &Server, path: &str) -> u64 {
    get(server, &format!("/v1/secrets/metadata/{path}")).await["current_version"].as_u64().unwrap()
}

/// Audit entries of the scheduler on a path: action and success, oldest first.
pub async fn scheduled(server: &Server, path: &str) -> Vec<(String, bool)> {
    let query = format!("/v1/audit/logs?identity_id=system:rotation-scheduler&path_prefix={path}&order=asc&limit=200");
    let logs = get(server, &query).await["logs"].as_array().unwrap().clone();
    logs.iter().map(|log| (log["action"].as_str().unwrap().to_owned(), log["success"] == true)).collect()
}
