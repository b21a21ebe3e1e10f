//! Many at once: writers on one secret and on many, readers and lists meanwhile, one idempotency key sent by all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub, dead_code)]
#![allow(clippy::disallowed_methods, reason = "tests have their own environment, clock and tasks")]

#[path = "support/api.rs"]
mod api;
#[path = "../../eventstore/tests/support/cluster.rs"]
mod cluster;
#[path = "support/server.rs"]
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use api::Api;
use server::{Server, Setup, Store};

const WRITERS: u64 = 64;

/// A server, what it needs, and its administrator.
struct Place {
    api: Api,
    _server: Server,
    _directory: tempfile::TempDir,
}

fn place(store: &Store) -> Place {
    let directory = tempfile::tempdir().unwrap();
    let server = Setup::production(directory.path(), store).start();
    let api = Api::new(&server.url, &server.value("Bootstrap token: ").unwrap());
    Place { api, _server: server, _directory: directory }
}

fn postgres() -> Store {
    Store::Postgres(cluster::Cluster::shared().database())
}

async fn everything(store: Store) {
    let place = place(&store);
    one_secret(&place.api).await;
    one_winner(&place.api).await;
    many_secrets_and_lists(&place.api).await;
    one_key(&place.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    everything(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    everything(postgres()).await;
}

/// All write one secret: versions are consecutive, each has one writer, and readers never go back.
async fn one_secret(api: &Api) {
    const EACH: u64 = 3;
    let first = json!({"data": {"writer": null}, "options": {"max_versions": 100}});
    assert_eq!(api.write("race/one", &first).await["version"], 1);
    let stop = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let (api, stop) = (api.clone(), stop.clone());
        readers.spawn(async move {
            let mut seen: Vec<(u64, Value)> = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let secret = api.read("/v1/secrets/race/one").await;
                seen.push((secret["version"].as_u64().unwrap(), secret["data"]["writer"].clone()));
            }
            seen
        });
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let api = api.clone();
        writers.spawn(async move {
            let mut written = Vec::new();
            for turn in 0..EACH {
                let mark = json!(writer * EACH + turn);
                let answer = api.write("race/one", &json!({"data": {"writer": mark}})).await;
                let version = answer["version"].as_u64().unwrap();
                assert_eq!(answer["previous_version"], version - 1);
                // What was answered is seen by whoever asks next.
                let now = api.read("/v1/secrets/race/one").await;
                assert!(now["version"].as_u64() >= Some(version), "{now} after {version}");
                written.push((version, mark));
            }
            written
        });
    }
    let written: Vec<(u64, Value)> = writers.join_all().await.into_iter().flatten().collect();
    stop.store(true, Ordering::Relaxed);
    let mut by_version: BTreeMap<u64, Value> = written.into_iter().collect();
    by_version.insert(1, Value::Null);
    let last = WRITERS * EACH + 1;
    assert!(by_version.keys().copied().eq(1..=last), "versions are consecutive, and one winner has each");
    for seen in readers.join_all().await {
        assert!(seen.windows(2).all(|pair| pair[0].0 <= pair[1].0), "a reader went back");
        for (version, mark) in seen {
            assert_eq!(by_version[&version], mark, "version {version}");
        }
    }
    // The last hundred are kept, each with the value of its writer.
    for (version, mark) in by_version.iter().skip(usize::try_from(last - 100).unwrap()).step_by(9) {
        let secret = api.read(&format!("/v1/secrets/race/one?version={version}")).await;
        assert_eq!(secret["data"]["writer"], *mark);
    }
    let listed = api.read("/v1/secrets/race/one/versions?include_destroyed=true&limit=200").await;
    assert_eq!(listed["versions"].as_array().unwrap().len() as u64, last.min(200));
}

/// Of those who all know the same version, one goes ahead.
async fn one_winner(api: &Api) {
    api.write("race/condition", &json!({"data": {}})).await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let api = api.clone();
        writers.spawn(async move {
            let body = json!({"data": {"writer": writer}});
            let path = "/v1/secrets/race/condition";
            let answer = api.send(Method::PUT, path, &[("if-match", "\"1\"")], Some(&body)).await.unwrap();
            if answer.status == 409 {
                let error = &answer.json()["error"];
                assert_eq!(error["code"], "version_conflict");
                assert_eq!(error["details"], json!({"path": "race/condition", "current_version": 2}));
            }
            answer.status
        });
    }
    let statuses = writers.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 409).count() as u64, WRITERS - 1);
}

/// Each writes secrets of its own, some go again; what stays is in every list exactly once.
async fn many_secrets_and_lists(api: &Api) {
    let stable: BTreeSet<String> = (0..40).map(|number| format!("list/stable-{number:02}")).collect();
    for path in &stable {
        api.write(path, &json!({"data": {}})).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut walkers = JoinSet::new();
    for limit in [1, 7, 30] {
        let (api, stop, stable) = (api.clone(), stop.clone(), stable.clone());
        walkers.spawn(async move {
            let mut walks = 0;
            while !stop.load(Ordering::Relaxed) || walks == 0 {
                walk(&api, limit, &stable).await;
                walks += 1;
            }
        });
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let api = api.clone();
        writers.spawn(async move {
            let path = format!("list/moving-{writer}");
            let address = format!("/v1/secrets/{path}?permanent=true");
            for turn in 0..4_u64 {
                let answer = api.write(&path, &json!({"data": {"turn": turn}})).await;
                assert_eq!(answer["version"], turn % 2 + 1, "a history of its own after each hard delete");
                if turn % 2 == 1 {
                    let deleted = api.send(Method::DELETE, &address, &[], None).await.unwrap();
                    assert_eq!(deleted.status, 204, "{}", deleted.text);
                    let gone = api.send(Method::GET, &format!("/v1/secrets/{path}"), &[], None).await.unwrap();
                    assert_eq!(gone.status, 404);
                }
            }
        });
    }
    writers.join_all().await;
    stop.store(true, Ordering::Relaxed);
    walkers.join_all().await;
    assert_eq!(api.read("/v1/secrets?prefix=list/&limit=200").await["total_count"], 40);
}

async fn walk(api: &Api, limit: usize, stable: &BTreeSet<String>) {
    let mut seen: Vec<String> = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api.read(&format!("/v1/secrets?prefix=list/&limit={limit}{cursor}")).await;
        let rows = page["secrets"].as_array().unwrap();
        assert!(page["total_count"].as_u64().unwrap() >= 40);
        seen.extend(rows.iter().map(|row| row["path"].as_str().unwrap().to_owned()));
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
        assert_eq!(rows.len(), limit, "a page before the last is full");
    }
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "in order, none twice: {seen:?}");
    assert!(seen.iter().filter(|path| path.contains("stable")).eq(stable), "none is missing");
}

/// The same key from all sides: one does it, all others are told what it did.
async fn one_key(api: &Api) {
    for round in 0..4 {
        let mut senders = JoinSet::new();
        for _ in 0..32 {
            let api = api.clone();
            senders.spawn(async move {
                let path = format!("/v1/secrets/key/{round}");
                let key = format!("the same for all {round}");
                let headers = [("idempotency-key", key.as_str())];
                api.send(Method::PUT, &path, &headers, Some(&json!({"data": {"round": round}}))).await.unwrap()
            });
        }
        let answers = senders.join_all().await;
        let replayed = answers.iter().filter(|answer| answer.header("idempotency-replayed") == Some("true")).count();
        assert_eq!(replayed, 31);
        assert!(answers.iter().all(|answer| (answer.status, &answer.text) == (201, &answers[0].text)));
        let listed = api.read(&format!("/v1/secrets/key/{round}/versions")).await;
        assert_eq!(listed["versions"].as_array().unwrap().len(), 1);
    }
}
