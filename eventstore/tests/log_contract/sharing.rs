//! Several servers on one database, and a database that goes away.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use scaivault_eventstore::log::{AppenderLimits, Backend, PostgresBackend};
use scaivault_eventstore::{CommandId, Position, StoreError};
use tokio::task::JoinSet;

use crate::cluster::Cluster;
use crate::fixture::{Node, access, all, follow, new_stream, record, tenant, unit};
use crate::store::Store;

pub(crate) async fn two_servers_share_one_log(store: Store) {
    let nodes = [store.node().await, store.node().await];
    let stream = new_stream();
    let readers: Vec<_> = nodes.iter().map(|node| node.feed.reader(Position::START)).collect();
    let mut writers = JoinSet::new();
    for writer in 0..32 {
        let node = nodes[writer % 2].clone();
        writers.spawn(async move {
            let mut revision = 1;
            for number in 0..10 {
                node.append(access(&tenant("t"), &format!("{writer}-{number}"))).await.unwrap();
                loop {
                    match node.append(unit(vec![record(stream, revision)])).await {
                        Ok(_) => break,
                        Err(StoreError::Conflict { actual, .. }) => revision = actual.next().0,
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
    let last = nodes[0].backend.head().await.unwrap().position;
    let log = all(&*nodes[0].backend).await;
    assert_eq!(log.iter().filter(|record| record.stream == stream).count(), 320);
    for reader in readers {
        assert_eq!(follow(reader, last).await, log);
    }
    // A server that writes nothing itself sees the others' writes too.
    let mut idle = nodes[1].feed.reader(last);
    nodes[0].fill(1).await;
    assert_eq!(idle.next().await.unwrap().last(), Some(last.next()));
    assert_eq!(nodes[1].feed.committed(), last.next());
}

pub(crate) async fn servers_migrate_together(store: Store) {
    let Store::Postgres(url) = store else { unreachable!() };
    let mut starts = JoinSet::new();
    for _ in 0..6 {
        let url = url.clone();
        starts.spawn(async move { PostgresBackend::connect(&url, 2).await.unwrap().migrate().await });
    }
    while let Some(start) = starts.join_next().await {
        start.unwrap().unwrap();
    }
}

pub(crate) async fn a_server_serves_beside_a_later_version(store: Store) {
    let Store::Postgres(url) = &store else { unreachable!() };
    let before = store.node().await;
    before.fill(2).await;
    // What a later version may do to the tables: add.
    for sql in [
        "ALTER TABLE events ADD COLUMN later text",
        "CREATE TABLE later (id bigint PRIMARY KEY)",
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (999, 'later', true, decode('00', 'hex'), 1)",
    ] {
        store.meddle(sql).await.unwrap();
    }
    before.fill(2).await;
    PostgresBackend::connect(url, 2).await.unwrap().migrate().await.unwrap();
    let after = store.node().await;
    after.fill(2).await;
    assert_eq!(follow(before.feed.reader(Position::START), Position(6)).await, all(&*after.backend).await);
}

pub(crate) async fn a_wrong_address_is_told_from_a_server_that_is_down(store: Store) {
    let Store::Postgres(url) = store else { unreachable!() };
    for wrong in ["postgres://[", "mysql://localhost/x", &url.replace("/test_", "/unknown_")] {
        let refused = PostgresBackend::connect(wrong, 2).await;
        assert!(matches!(refused, Err(StoreError::Setup(_))), "{wrong}: {refused:?}");
    }
    let down = PostgresBackend::connect("postgres://postgres@127.0.0.1:1/x?sslmode=disable", 2).await;
    assert!(matches!(down, Err(StoreError::Unavailable(_))), "{down:?}");
}

/// Writers that repeat each command until it is known to be in the log.
async fn write_stubbornly(node: &Node, writers: usize, units: usize) -> Vec<(CommandId, Position)> {
    let mut tasks = JoinSet::new();
    for _ in 0..writers {
        let node = node.clone();
        tasks.spawn(async move {
            let mut known = Vec::new();
            for _ in 0..units {
                let stream = new_stream();
                let mut id = None;
                let position = loop {
                    let mut unit = unit(vec![record(stream, 1)]);
                    unit.entries = access(&tenant("t"), "x").entries;
                    unit.command_id = *id.get_or_insert(unit.command_id);
                    match node.append(unit).await {
                        Ok(committed) => break committed.first,
                        Err(StoreError::Duplicate(position)) => break position,
                        // Whether it stands the next attempt tells.
                        Err(StoreError::Unavailable(_) | StoreError::Undecided) => {
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                        Err(error) => panic!("{error:?}"),
                    }
                };
                known.extend(id.map(|id| (id, position)));
            }
            known
        });
    }
    let mut known = Vec::new();
    while let Some(task) = tasks.join_next().await {
        known.extend(task.unwrap());
    }
    known
}

async fn check(node: &Node, known: Vec<(CommandId, Position)>) {
    // Connections that were cut while idle show it when they are used next.
    let last = loop {
        match node.backend.head().await {
            Ok(head) => break head.position,
            Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}"),
        }
    };
    let log = follow(node.feed.reader(Position::START), last).await;
    let known: HashMap<_, _> = known.into_iter().collect();
    let held: HashMap<_, _> = log.iter().filter_map(|record| Some((record.command_id?, record.position))).collect();
    assert_eq!(held, known, "each command once");
}

pub(crate) async fn cut_connections_lose_nothing(store: Store) {
    let node = store.node().await;
    let live = node.feed.reader(Position::START);
    let done = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&done);
    let cutter = tokio::spawn(async move {
        let mut cuts = 0;
        while !stop.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                       WHERE application_name = 'scaivault' AND datname = current_database()";
            cuts += u32::from(store.meddle(cut).await.is_ok());
        }
        cuts
    });
    let known = write_stubbornly(&node, 16, 60).await;
    done.store(true, Ordering::SeqCst);
    assert!(cutter.await.unwrap() > 3);
    let last = known.iter().map(|(_, position)| *position).max().unwrap();
    follow(live, last).await;
    check(&node, known).await;
}

pub(crate) async fn a_crashed_server_loses_nothing(_: Store) {
    let cluster = Cluster::start();
    let backend = Arc::new(PostgresBackend::connect(&cluster.database(), 4).await.unwrap());
    backend.migrate().await.unwrap();
    let node = Node::start(backend, AppenderLimits::default()).await;
    let writing = tokio::spawn({
        let node = node.clone();
        async move { write_stubbornly(&node, 16, 150).await }
    });
    let cluster = tokio::task::spawn_blocking(move || {
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(150));
            cluster.crash();
            cluster.resume();
        }
        cluster
    })
    .await
    .unwrap();
    let known = writing.await.unwrap();
    assert_eq!(known.len(), 16 * 150);
    check(&node, known).await;
    drop(cluster);
}
