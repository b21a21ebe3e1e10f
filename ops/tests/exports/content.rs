//! What is in exports, and how they are asked for.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::server::{Server, TOKEN};

/// Long enough that only a fault makes a test wait so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Secrets read by one batch.
pub const BATCH: usize = 50;

/// A body that exports everything to files.
pub fn everything(format: &str) -> Value {
    json!({"format": format, "from": "2020-01-01", "to": "2999-01-01", "destination": {"type": "file"}})
}

/// Asks for an export; its id.
pub async fn ask(server: &Server, body: Value) -> String {
    let answer = server.call("POST", "/v1/audit/exports", Some(body)).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let id = answer.body["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.body["status"], "pending");
    assert!(answer.body["status_url"].as_str().unwrap().starts_with(&format!("/v1/audit/exports/{id}")));
    id
}

/// An export once it has ended.
pub async fn ended(server: &Server, id: &str) -> Value {
    let asked = Instant::now();
    loop {
        let shown = server.call("GET", &format!("/v1/audit/exports/{id}"), None).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        if shown.body["status"] == "completed" || shown.body["status"] == "failed" {
            return shown.body;
        }
        assert!(asked.elapsed() < PATIENCE, "{shown:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An export that is complete.
pub async fn completed(server: &Server, id: &str) -> Value {
    let export = ended(server, id).await;
    assert_eq!((&export["status"], &export["error"]), (&json!("completed"), &Value::Null), "{export}");
    assert_eq!(export["entries"], export["entries_total"]);
    export
}

/// A file of an export on the server, byte by byte.
pub async fn file(server: &Server, id: &str, name: &str) -> Vec<u8> {
    let url = format!("{}/v1/audit/exports/{id}/files/{name}", server.address);
    let answer = reqwest::Client::new().get(url).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"application/octet-stream".parse().unwrap())
    );
    answer.bytes().await.unwrap().to_vec()
}

/// That a file is the one that its row tells of.
pub fn check_row(row: &Value, content: &[u8], entries: usize) {
    assert_eq!(row["sha256"], hex(digest(&SHA256, content).as_ref()), "{row}");
    assert_eq!((row["bytes"].as_u64(), row["entries"].as_u64()), (Some(content.len() as u64), Some(entries as u64)));
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The entries of `jsonl` text.
pub fn entries(content: &[u8]) -> Vec<Value> {
    std::str::from_utf8(content).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// That entries are in order and each there once.
pub fn check_order(entries: &[Value]) {
    let positions: Vec<u64> = entries.iter().map(|entry| entry["position"].as_u64().unwrap()).collect();
    assert!(positions.is_sorted());
    let ids: HashSet<&str> = entries.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), entries.len(), "none twice");
}

/// A few secrets written and read.
pub async fn history(server: &Server) {
    for path in ["app/db", "app/cache", "web/tls"] {
        let body = json!({"data": {"v": path}});
        assert_eq!(server.call("PUT", &format!("/v1/secrets/{path}"), Some(body)).await.status, 201);
        server.call("GET", &format!("/v1/secrets/{path}"), None).await;
    }
    server.call("GET", "/v1/secrets/app/none", None).await;
}

/// Reads secrets until there are so many entries more.
pub async fn many(call: impl AsyncFn(&str, &str, Value) -> u16, count: usize) {
    let paths: Vec<String> = (0..BATCH).map(|number| format!("many/secret-{number}")).collect();
    for path in &paths {
        assert_eq!(call("PUT", &format!("/v1/secrets/{path}"), json!({"data": {"v": 1}})).await, 201);
    }
    for _ in 0..count.div_ceil(BATCH) {
        assert_eq!(call("POST", "/v1/secrets/batch", json!({"paths": paths})).await, 200);
    }
}
