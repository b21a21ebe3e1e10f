//! Consumers that move to the new version, or do not.

use serde_json::{Value, json};

use super::{advance, attached, get, made, policy, put, scheduled, until};
use crate::isolation::key;
use crate::server::Server;

async fn state(server: &Server, version: usize) -> String {
    let versions = get(server, "/v1/secrets/app/db/versions").await["versions"].as_array().unwrap().clone();
    let row = versions.iter().find(|row| row["version"] == version).unwrap();
    row["state"].as_str().unwrap().to_owned()
}

/// A secret whose consumers are waited for, and the token of one of them.
async fn begun() -> (Server, String) {
    let server = Server::with(&[("RATE_LIMIT_ENABLED", "false")]);
    let quarterly = policy(&server, "quarterly", json!({"finish_when_moved": true, "grace_period": "4d"})).await;
    attached(&server, "app/db", &quarterly).await;
    let (job, _) = key(&server, "/v1", json!(["secrets-reader"])).await;
    assert_eq!(server.call_as(&job, "GET", "/v1/secrets/app/db", None, &[]).await.status, 200);
    get(&server, "/v1/secrets/app/db").await;
    (server, job)
}

async fn rotate(server: &Server) {
    made(server, "/v1/secrets/app/db/rotate", json!({"new_value": {"password": "second"}})).await;
}

#[tokio::test]
async fn grace_ends_once_all_have_moved_and_not_before() {
    let (server, job) = begun().await;
    rotate(&server).await;
    get(&server, "/v1/secrets/app/db").await;
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    assert_eq!(state(&server, 1).await, "grace", "one has not moved");
    assert_eq!(server.call_as(&job, "GET", "/v1/secrets/app/db", None, &[]).await.status, 200);
    until("grace ends", async || state(&server, 1).await == "previous").await;
    let ended = server.call("GET", "/v1/secrets/app/db?version=1", None).await;
    assert_eq!((ended.status, ended.detail("reason")), (404, &json!("grace_period_ended")));
    assert_eq!(scheduled(&server, "app/db").await, [("metadata_update".to_owned(), true)]);
}

#[tokio::test]
async fn stragglers_are_named_and_the_regular_end_holds() {
    let (server, job) = begun().await;
    rotate(&server).await;
    get(&server, "/v1/secrets/app/db").await;
    advance(&server, "49h").await;
    until("they are named at half", async || scheduled(&server, "app/db").await.len() == 1).await;
    assert_eq!(state(&server, 1).await, "grace");
    advance(&server, "2d").await;
    until("and at the end", async || scheduled(&server, "app/db").await.len() == 2).await;
    assert_eq!(state(&server, 1).await, "previous");
    // Too late to matter.
    server.call_as(&job, "GET", "/v1/secrets/app/db", None, &[]).await;
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    assert_eq!(scheduled(&server, "app/db").await.len(), 2);
}

#[tokio::test]
async fn without_consumers_the_regular_end_holds_alone() {
    let server = Server::with(&[("RATE_LIMIT_ENABLED", "false")]);
    let quarterly = policy(&server, "quarterly", json!({"finish_when_moved": true, "grace_period": "4d"})).await;
    attached(&server, "app/db", &quarterly).await;
    rotate(&server).await;
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    assert_eq!(state(&server, 1).await, "grace");
    advance(&server, "5d").await;
    assert_eq!(state(&server, 1).await, "previous");
    until("it is noted", async || scheduled(&server, "app/db").await.len() == 1).await;
    // A rotation without such a policy has nobody to wait for.
    put(&server, "app/free", json!({"data": {"v": 1}})).await;
    made(&server, "/v1/secrets/app/free/rotate", json!({"new_value": {"v": 2}})).await;
    let versions = get(&server, "/v1/secrets/app/free/versions").await["versions"].clone();
    assert_ne!(versions[1]["grace_ends_at"], Value::Null);
}
