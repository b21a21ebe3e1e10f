//! `kill -9` under load, again and again: what was answered is there afterwards, once, and every answered read counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub, dead_code)]
#![allow(clippy::disallowed_methods, reason = "tests have their own environment, clock and tasks")]

#[path = "support/api.rs"]
mod api;
#[path = "../../eventstore/tests/support/cluster.rs"]
mod cluster;
#[path = "kill/load.rs"]
mod load;
#[path = "kill/log.rs"]
mod log;
#[path = "support/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use api::Api;
use load::{Told, load};
use server::{Setup, Store};

const ROUNDS: usize = 20;
/// How long a server lives under load.
const LIFE: Duration = Duration::from_millis(500);

/// What is known of one secret.
#[derive(Default)]
struct Known {
    /// Values by version, of answered writes.
    written: BTreeMap<u64, Value>,
    /// Values of writes that were not answered.
    perhaps: Vec<Value>,
    /// Answered reads, and those that were not.
    reads: (u64, u64),
}

type Knowledge = BTreeMap<String, Known>;

async fn survive(store: Store) {
    let directory = tempfile::tempdir().unwrap();
    let setup = Setup::production(directory.path(), &store);
    let mut server = setup.start();
    let token = server.value("Bootstrap token: ").unwrap();
    let mut knowledge = Knowledge::new();
    for round in 0..ROUNDS {
        let loading = tokio::spawn(load(Api::new(&server.url, &token), round));
        tokio::time::sleep(LIFE).await;
        server.kill();
        let told = loading.await.unwrap();
        assert!(told.iter().any(|told| matches!(told, Told::Wrote { .. })), "no load in round {round}");
        note(&mut knowledge, told);
        server = setup.start();
        assert_eq!(server.value("Bootstrap token: "), None, "a later start prints none");
        let api = Api::new(&server.url, &token);
        check(&api, &mut knowledge, &format!("load/{round:02}/")).await;
    }
    let api = Api::new(&server.url, &token);
    check(&api, &mut knowledge, "load/").await;
    assert_eq!(server.terminate(), 0);
    let written = knowledge.iter().map(|(path, known)| (path.clone(), known.written.keys().copied().collect()));
    log::check(&store, &directory.path().join("data"), &written.collect()).await;
}

fn note(knowledge: &mut Knowledge, told: Vec<Told>) {
    for told in told {
        match told {
            Told::Wrote { path, version, value } => {
                let twice = knowledge.entry(path).or_default().written.insert(version, value);
                assert_eq!(twice, None, "two writes were answered with one version");
            }
            Told::Lost { path, value } => knowledge.entry(path).or_default().perhaps.push(value),
            Told::Read { path } => knowledge.entry(path).or_default().reads.0 += 1,
            Told::Unread { path } => knowledge.entry(path).or_default().reads.1 += 1,
        }
    }
}

/// Everything below `prefix` is as it was answered.
async fn check(api: &Api, knowledge: &mut Knowledge, prefix: &str) {
    let mut concerned: Vec<(&String, &mut Known)> =
        knowledge.iter_mut().filter(|(path, _)| path.starts_with(prefix)).collect();
    for (path, known) in &concerned {
        if known.written.is_empty() {
            continue;
        }
        let metadata = api.read(&format!("/v1/secrets/metadata/{path}")).await;
        let counted = metadata["access_count_30d"].as_u64().unwrap();
        let (answered, unanswered) = known.reads;
        assert!((answered..=answered + unanswered).contains(&counted), "{path}: {counted} of {:?}", known.reads);
    }
    let last = concerned.iter().filter_map(|(_, known)| known.written.keys().last()).max().copied().unwrap_or_default();
    // One batch for each number; one more than was answered may be there.
    for version in 1..=last + 1 {
        let wanted: Vec<&str> = concerned.iter().map(|(path, _)| path.as_str()).collect();
        for paths in wanted.chunks(100) {
            let body = json!({"paths": paths, "options": {"version": version}});
            let answer = api.send(Method::POST, "/v1/secrets/batch", &[], Some(&body)).await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text);
            let answer = answer.json();
            for (path, known) in concerned.iter_mut().filter(|(path, _)| paths.contains(&path.as_str())) {
                let found = answer["secrets"].get(path.as_str());
                known.reads.0 += u64::from(found.is_some());
                let found = found.map(|secret| &secret["data"]);
                match (known.written.get(&version), found) {
                    (Some(value), found) => assert_eq!(found, Some(value), "{path} version {version}"),
                    (None, Some(found)) => {
                        assert!(known.perhaps.contains(found), "{path} version {version}: nobody wrote {found}");
                        assert!(!known.written.values().any(|value| value == found), "{found} is there twice");
                    }
                    (None, None) => {}
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_what_was_answered() {
    survive(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_what_was_answered() {
    survive(Store::Postgres(cluster::Cluster::shared().database())).await;
}
