//! One tree for all nodes: each proves and signs what the other wrote, and one of them keeps it.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Row as _};

use crate::api::Api;
use crate::pair::{PATIENCE, Pair};

async fn checkpoint(api: &Api) -> Value {
    let headers = [("accept", "application/json")];
    let answer = api.send(Method::GET, "/v1/audit/checkpoint", &headers, None).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

fn size(checkpoint: &Value) -> u64 {
    checkpoint["tree_size"].as_u64().unwrap()
}

/// Sizes of the kept checkpoints.
async fn kept(database: &str) -> Vec<u64> {
    let mut connection = PgConnection::connect(database).await.unwrap();
    let rows = sqlx::query("SELECT tree_size FROM checkpoints ORDER BY tree_size").fetch_all(&mut connection).await;
    rows.unwrap().iter().map(|row| row.get::<i64, _>(0).unsigned_abs()).collect()
}

#[tokio::test]
async fn both_nodes_have_one_tree() {
    let mut pair = Pair::start(&[]).await;
    let apis = [pair.api(0), pair.api(1)];
    let mut last = checkpoint(&apis[0]).await;
    for round in 0..40_usize {
        let (writer, reader) = (&apis[round % 2], &apis[1 - round % 2]);
        let answer = writer.write(&format!("app/{round}"), &json!({"data": {"value": round}})).await;
        assert_eq!(answer["version"], 1);
        // What the other node has just answered for is in it, without waiting for anything.
        let next = checkpoint(reader).await;
        assert!(size(&next) > size(&last), "{next} after {last}");
        let (from, to) = (size(&last), size(&next));
        let proof = writer.read(&format!("/v1/audit/proof/consistency?from={from}&to={to}")).await;
        assert_eq!((&proof["from_root"], &proof["to_root"]), (&last["root_hash"], &next["root_hash"]));
        last = next;
    }
    let asked = Instant::now();
    while kept(&pair.database).await.last().is_none_or(|kept| *kept < size(&last)) {
        assert!(asked.elapsed() < PATIENCE, "no checkpoint is kept");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    // Whichever keeps it ends; the other goes on.
    pair.servers[0].take().unwrap().kill();
    apis[1].write("app/last", &json!({"data": {}})).await;
    let last = checkpoint(&apis[1]).await;
    while kept(&pair.database).await.last().is_none_or(|kept| *kept < size(&last)) {
        assert!(asked.elapsed() < 2 * PATIENCE, "no checkpoint is kept by the other");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let verified = apis[1].send(Method::POST, "/v1/audit/verify", &[], Some(&json!({}))).await.unwrap().json();
    assert_eq!((&verified["ok"], &verified["complete"]), (&json!(true), &json!(true)), "{verified}");
}
