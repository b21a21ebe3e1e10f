//! Floods of rejected tokens: few entries, which tell all of them, also those of the moment at which the server stops.

use reqwest::Client;
use serde_json::Value;

use super::process::{Server, Setup, Store};

/// More than are recorded one by one, even if a second goes by meanwhile.
const FAILURES: u64 = 60;
/// Failures of one second that are recorded one by one.
const SINGLY: usize = 10;

/// Entries of rejected tokens of nobody known.
async fn failures(server: &Server, token: &str) -> Vec<Value> {
    let url = format!("{}/v1/audit/logs?platform=true&action=auth_failure&limit=1000", server.url);
    let answer = Client::new().get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    body["logs"].as_array().unwrap().clone()
}

/// How many rejections the entries tell.
fn told(entries: &[Value]) -> u64 {
    entries.iter().map(|entry| entry["extra_data"]["count"].as_u64().unwrap_or(1)).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_stop_counts_them_all() {
    let directory = tempfile::tempdir().unwrap();
    let setup = Setup::production(directory.path(), &Store::Sqlite);
    let server = setup.start();
    let token = server.value("Bootstrap token: ").unwrap();
    let client = Client::new();
    for _ in 0..FAILURES {
        let url = format!("{}/v1/secrets/app/db", server.url);
        let refused = client.get(url).bearer_auth("nobody's").send().await.unwrap();
        assert_eq!(refused.status(), 401);
    }
    // Those of this second are counted, and not recorded yet.
    drop(client);
    assert_eq!(server.terminate(), 0);

    let server = setup.start();
    let entries = failures(&server, &token).await;
    assert_eq!(told(&entries), FAILURES, "{entries:?}");
    let folded: Vec<_> = entries.iter().filter(|entry| entry["extra_data"]["count"].is_u64()).collect();
    assert!(!folded.is_empty() && entries.len() < SINGLY * 4, "{entries:?}");
    for entry in folded {
        assert_eq!((&entry["success"], &entry["source_ip"]), (&Value::Bool(false), &Value::from("127.0.0.1")));
        assert_eq!(entry["error_code"], "authentication_required");
    }
    assert_eq!(server.terminate(), 0);
}
