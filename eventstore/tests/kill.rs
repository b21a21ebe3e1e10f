//! A server is killed while it writes: every answered append is there afterwards, once.
//!
//! The writer is this test binary again, told by its environment what to write to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout)]
#![allow(clippy::disallowed_methods, reason = "tests have their own environment, clock and tasks")]

#[path = "support/cluster.rs"]
mod cluster;
#[path = "support/log.rs"]
mod fixture;

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use scaivault_eventstore::log::{AppenderLimits, Backend, PostgresBackend, SqliteBackend};
use scaivault_eventstore::record::hex;
use scaivault_eventstore::{Owner, Position};

use cluster::Cluster;
use fixture::{Node, access, all, new_stream, record, unit};

const TARGET: &str = "KILLED_WRITER_TARGET";
const ROUNDS: usize = 3;

async fn open(target: &str) -> Arc<dyn Backend> {
    let backend: Arc<dyn Backend> = if target.starts_with("postgres:") {
        Arc::new(PostgresBackend::connect(target, 4).await.unwrap())
    } else {
        Arc::new(SqliteBackend::open(Some(Path::new(target))).await.unwrap())
    };
    backend.migrate().await.unwrap();
    backend
}

/// Not a test by itself: writes until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writer() {
    let Ok(target) = std::env::var(TARGET) else { return };
    let node = Node::start(open(&target).await, AppenderLimits::default()).await;
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..16 {
        let node = node.clone();
        tasks.spawn(async move {
            let stream = new_stream();
            for revision in 1.. {
                let mut unit = unit(vec![record(stream, revision), record(new_stream(), 1)]);
                unit.entries = access(&Owner::Platform, &format!("{writer}-{revision}")).entries;
                let id = unit.command_id;
                let committed = node.append(unit).await.unwrap();
                println!("\nacknowledged {} {}", committed.first, hex(&id.0));
            }
        });
    }
    tasks.join_next().await;
}

async fn kill_while_writing(target: &str) {
    let mut acknowledged: HashSet<(u64, String)> = HashSet::new();
    for round in 1..=ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writer", "--nocapture"])
            .env(TARGET, target)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        // Kill it after a while, then take what it had still answered.
        while let Some(Ok(line)) = lines.next() {
            let Some(rest) = line.strip_prefix("acknowledged ") else { continue };
            let Some((position, id)) = rest.split_once(' ') else { continue };
            if id.len() == 32 {
                acknowledged.insert((position.parse().unwrap(), id.to_owned()));
                seen += 1;
            }
            if seen == 150 * round {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen >= 150 * round, "the writer ended by itself after {seen}");

        let backend = open(target).await;
        // What the killed one had sent is decided once the head is free.
        drop(backend.begin().await.unwrap());
        let log = all(&*backend).await;
        let commands: Vec<_> = log.iter().filter_map(|r| Some((r.position.0, hex(&r.command_id?.0)))).collect();
        let held: HashSet<_> = commands.iter().cloned().collect();
        let once: HashSet<_> = commands.iter().map(|(_, id)| id).collect();
        assert_eq!(once.len(), commands.len(), "a command is in the log twice");
        let lost: Vec<_> = acknowledged.difference(&held).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        assert_eq!(log.last().map(|r| r.position), Some(Position(log.len() as u64)));
        backend.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_what_it_answered() {
    let directory = tempfile::tempdir().unwrap();
    kill_while_writing(directory.path().join("log.db").to_str().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_what_it_answered() {
    kill_while_writing(&Cluster::shared().database()).await;
}
