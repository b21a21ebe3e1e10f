//! One trail for all nodes: each finds what the other recorded, and what both stored in turn.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use crate::api::Api;
use crate::pair::{PATIENCE, Pair};

/// Request ids of all writes that a node finds, each once.
async fn found(api: &Api) -> HashSet<String> {
    let (mut all, mut count, mut cursor) = (HashSet::new(), 0, String::new());
    loop {
        let page = api.read(&format!("/v1/audit/logs?action=write&order=asc&limit=7{cursor}")).await;
        for entry in page["logs"].as_array().unwrap() {
            all.insert(entry["request_id"].as_str().unwrap().to_owned());
            count += 1;
        }
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(all.len(), count, "none twice");
    all
}

async fn write(api: &Api, path: &str) -> (String, String) {
    let body = json!({"data": {}});
    let written = api.send(Method::PUT, &format!("/v1/secrets/{path}"), &[], Some(&body)).await.unwrap();
    assert!(written.status < 300, "{}", written.text);
    let header = |name: &str| written.header(name).unwrap().to_owned();
    (header("x-request-id"), header("x-scaivault-position"))
}

#[tokio::test]
async fn both_nodes_have_one_trail() {
    let mut pair = Pair::start(&[]).await;
    let apis = [pair.api(0), pair.api(1)];
    let mut written = HashSet::new();
    for round in 0..20_usize {
        let (writer, reader) = (&apis[round % 2], &apis[1 - round % 2]);
        let (request, position) = write(writer, &format!("app/{round}")).await;
        let address = format!("/v1/audit/logs?request_id={request}");
        if round % 3 == 0 {
            let headers = [("x-scaivault-position", position.as_str())];
            let at_once = reader.send(Method::GET, &address, &headers, None).await.unwrap().json();
            assert_eq!(at_once["logs"].as_array().unwrap().len(), 1, "{at_once}");
        }
        let since = Instant::now();
        while reader.read(&address).await["logs"].as_array().unwrap().is_empty() {
            assert!(since.elapsed() < PATIENCE, "{request} is never found");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        written.insert(request);
    }
    let (one, two) = (found(&apis[0]).await, found(&apis[1]).await);
    assert!(one.is_superset(&written) && one == two, "{one:?} {two:?}");
    // Stopped in order, what one has in memory is stored; killed, the other reads it from the log.
    assert_eq!(pair.servers[0].take().unwrap().terminate(), 0);
    written.insert(write(&apis[1], "app/alone").await.0);
    pair.restart(0);
    let apis = [pair.api(0), apis[1].clone()];
    assert!(found(&apis[0]).await.is_superset(&written));
    pair.servers[1].take().unwrap().kill();
    written.insert(write(&apis[0], "app/again").await.0);
    assert!(found(&apis[0]).await.is_superset(&written));
    pair.restart(1);
    assert!(found(&pair.api(1)).await.is_superset(&written));
}
