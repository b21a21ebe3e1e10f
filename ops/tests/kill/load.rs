//! Mixed load over sixteen connections until the server is gone.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::api::Api;

const CONNECTIONS: usize = 16;
/// A secret keeps so many versions; after them a connection only reads.
const VERSIONS: u64 = 100;

/// What became of a request.
pub enum Told {
    /// Answered.
    Wrote { path: String, version: u64, value: Value },
    /// Sent, perhaps written.
    Lost { path: String, value: Value },
    /// Answered.
    Read { path: String },
    /// Sent, perhaps read.
    Unread { path: String },
}

/// Each connection writes and reads a secret of its own, and now and then one that all share.
pub async fn load(api: Api, round: usize) -> Vec<Told> {
    let mut connections = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let api = api.clone();
        connections.spawn(async move {
            let mut told = Vec::new();
            let mut alive = true;
            let mut turn: u64 = 0;
            while alive {
                turn += 1;
                // The shared one is not written more often than it keeps versions.
                let shared = turn.is_multiple_of(9) && turn <= 54;
                let name = if shared { "shared".to_owned() } else { format!("{connection:02}") };
                let path = format!("load/{round:02}/{name}");
                alive = match shared || (turn % 3 == 1 && turn < 3 * VERSIONS) {
                    true => write(&api, path, json!({"by": connection, "turn": turn}), &mut told).await,
                    false => read(&api, path, &mut told).await,
                };
            }
            told
        });
    }
    connections.join_all().await.into_iter().flatten().collect()
}

async fn write(api: &Api, path: String, value: Value, told: &mut Vec<Told>) -> bool {
    let body = json!({"data": value, "options": {"max_versions": VERSIONS}});
    match api.send(Method::PUT, &format!("/v1/secrets/{path}"), &[], Some(&body)).await {
        Ok(answer) => {
            assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
            let version = answer.json()["version"].as_u64().unwrap();
            told.push(Told::Wrote { path, version, value });
            true
        }
        Err(_) => {
            told.push(Told::Lost { path, value });
            false
        }
    }
}

async fn read(api: &Api, path: String, told: &mut Vec<Told>) -> bool {
    match api.send(Method::GET, &format!("/v1/secrets/{path}"), &[], None).await {
        Ok(answer) => {
            assert_eq!(answer.status, 200, "{}", answer.text);
            told.push(Told::Read { path });
            true
        }
        Err(_) => {
            told.push(Told::Unread { path });
            false
        }
    }
}
