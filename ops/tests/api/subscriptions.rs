//! Subscriptions: records, polling, acknowledging, streams, and what reaches whom.

mod command_line;
mod feed;
mod polling;
mod records;
mod streaming;
mod visible;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::isolation::key;
use super::server::{Answer, Server};

pub const BASE: &str = "/v1/subscriptions";
/// Long enough that only a fault makes a test wait so long.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A server without limits, and a service account without roles that may use every scope.
pub struct Story {
    pub server: Server,
    pub keeper: String,
}

impl Story {
    pub async fn begin() -> Self {
        let server = Server::with(&[("RATE_LIMIT_ENABLED", "false")]);
        let (keeper, _) = key(&server, "/v1", json!([])).await;
        Self { server, keeper }
    }

    pub async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.server.call_as(&self.keeper, method, path, body, &[]).await
    }

    /// A policy of these rules for the service account; its id.
    pub async fn permit(&self, rules: Value) -> String {
        let body = json!({"name": format!("p{}", rules.to_string().len()), "rules": rules});
        let made = self.server.call("POST", "/v1/policies", Some(body)).await;
        let policy = made.body["id"].as_str().unwrap().to_owned();
        let bind = json!({"identity_type": "service_account", "identity_id": "sa:keeper"});
        let bound = self.server.call("POST", &format!("/v1/policies/{policy}/bindings"), Some(bind)).await;
        assert_eq!(bound.status, 201, "{bound:?}");
        policy
    }

    /// A polled subscription of the service account.
    pub async fn subscribed(&self, more: Value) -> String {
        subscribed(&self.server, &self.keeper, more).await
    }
}

/// What a new subscription says, with more fields.
pub fn wanted(more: Value) -> Value {
    let mut body =
        json!({"name": "feed", "paths": ["app/**"], "events": ["secret.*"], "delivery": {"type": "polling"}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// A polled subscription of whoever has the token; its id.
pub async fn subscribed(server: &Server, token: &str, more: Value) -> String {
    let made = server.call_as(token, "POST", BASE, Some(wanted(more)), &[]).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body["id"].as_str().unwrap().to_owned()
}

/// Writes a secret.
pub async fn put(server: &Server, path: &str) {
    let written = server.call("PUT", &format!("/v1/secrets/{path}"), Some(json!({"data": {"k": "v"}}))).await;
    assert!(written.status < 300, "{written:?}");
}

/// Events that a poll gives at once.
pub async fn polled(server: &Server, token: &str, id: &str, query: &str) -> Value {
    let answer = server.call_as(token, "GET", &format!("{BASE}/{id}/poll?timeout=0{query}"), None, &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// Paths of polled events.
pub fn paths(answer: &Value) -> Vec<String> {
    let events = answer["events"].as_array().unwrap();
    events.iter().map(|event| event["path"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Ids of polled events.
pub fn ids(answer: &Value) -> Vec<String> {
    let events = answer["events"].as_array().unwrap();
    events.iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
}

/// Entries of a subscription's events, newest first, once there are so many.
pub async fn entries(server: &Server, count: usize) -> Vec<Value> {
    let asked = Instant::now();
    loop {
        let found = server.call("GET", "/v1/audit/logs?action=subscription_event", None).await.body;
        let logs = found["logs"].as_array().unwrap().clone();
        if logs.len() >= count {
            return logs;
        }
        assert!(asked.elapsed() < PATIENCE, "{logs:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
