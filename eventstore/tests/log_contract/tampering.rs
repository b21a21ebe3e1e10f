//! Somebody changes the database behind the log's back.

use std::sync::Arc;

use scaivault_eventstore::log::{Feed, Unit};
use scaivault_eventstore::record::WrappedDataKey;
use scaivault_eventstore::{Position, StoreError, merkle};

use crate::fixture::{keyed, new_stream, record, unit};
use crate::store::Store;

fn place<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> (Position, String) {
    match answer {
        Err(StoreError::Damaged { position, reason }) => (position, reason),
        other => panic!("not damaged: {other:?}"),
    }
}

pub(crate) async fn the_database_refuses_changes(store: Store) {
    let node = store.node().await;
    node.fill(2).await;
    let mut attempts = vec![
        "UPDATE events SET recorded_at = 0",
        "UPDATE events SET type = 'x' WHERE position = 1",
        "DELETE FROM events",
        "DELETE FROM events WHERE position = 2",
    ];
    match store {
        Store::Postgres(_) => {
            attempts.extend(["TRUNCATE events", "SET session_replication_role = replica; DELETE FROM events"]);
        }
        Store::Sqlite(_) | Store::Memory => {
            attempts.push("INSERT OR REPLACE INTO events SELECT * FROM events WHERE position = 1");
        }
    }
    for sql in attempts {
        let refused = store.meddle(sql).await.expect_err(sql);
        assert!(refused.to_string().contains("the log is append-only"), "{sql}: {refused}");
    }
    assert_eq!(node.backend.read(Position::START, 10).await.unwrap().len(), 2);
}

pub(crate) async fn a_hole_is_named(store: Store) {
    let node = store.node().await;
    node.fill(6).await;
    store.disarm().await;
    store.meddle("DELETE FROM events WHERE position = 4").await.unwrap();
    for (after, limit) in [(0, 100), (0, 5), (3, 1), (3, 100)] {
        assert_eq!(place(node.backend.read(Position(after), limit).await).0, Position(4), "after {after}");
    }
    assert_eq!(place(node.backend.read_at(Position(4)).await).0, Position(4));
    assert_eq!(node.backend.read(Position::START, 3).await.unwrap().len(), 3);
    let mut reader = node.feed.reader(Position(2));
    assert_eq!(place(reader.next().await).0, Position(4));
}

pub(crate) async fn a_cut_end_is_named(store: Store) {
    let node = store.node().await;
    node.fill(6).await;
    store.disarm().await;
    store.meddle("DELETE FROM events WHERE position > 4").await.unwrap();
    assert_eq!(place(node.backend.read(Position(2), 100).await).0, Position(5));
    assert_eq!(place(node.backend.read(Position(4), 100).await).0, Position(5));
    // Cut with more care: only who has seen the rest can tell.
    store.meddle("UPDATE head SET position = 4").await.unwrap();
    assert_eq!(node.backend.read(Position(2), 100).await.unwrap().len(), 2);
    assert_eq!(place(node.backend.read(Position(6), 100).await).0, Position(5));
    let mut reader = node.feed.reader(Position(4));
    assert_eq!(place(reader.next().await).0, Position(5));
}

pub(crate) async fn a_head_behind_the_log_is_refused(store: Store) {
    let node = store.node().await;
    node.fill(3).await;
    store.meddle("UPDATE head SET position = 2").await.unwrap();
    let refused = node.append(unit(vec![record(new_stream(), 1)])).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(node.appender.health().last_error, Some("damaged"));
    store.meddle("DELETE FROM head").await.unwrap();
    place(node.backend.head().await);
}

pub(crate) async fn altered_columns_are_named(store: Store) {
    let node = store.node().await;
    node.fill(9).await;
    store.disarm().await;
    // Shapes: no read gets past them.
    let short = store.bytes("00");
    for (position, column) in [(2, "stream"), (3, "body_sha256"), (4, "leaf_hash")] {
        store.meddle(&format!("UPDATE events SET {column} = {short} WHERE position = {position}")).await.unwrap();
        let (bad, reason) = place(node.backend.read(Position(position - 1), 1).await);
        assert_eq!(bad, Position(position));
        assert!(reason.contains(column), "{reason}");
        place(node.backend.read_at(bad).await);
    }
    store.meddle("UPDATE events SET revision = -1 WHERE position = 5").await.unwrap();
    assert_eq!(place(node.backend.read(Position(4), 1).await).0, Position(5));
    store.meddle("UPDATE events SET schema_version = 70000 WHERE position = 6").await.unwrap();
    assert_eq!(place(node.backend.read(Position(5), 1).await).0, Position(6));
    // Values of the right shape: the leaf does not fit any more, which whoever opens the record finds.
    store.meddle("UPDATE events SET recorded_at = 1 WHERE position = 8").await.unwrap();
    let feed = Feed::open(Arc::clone(&node.backend)).await.unwrap();
    let records = feed.reader(Position(6)).next().await.unwrap();
    let (bad, reason) = place(records.iter().try_for_each(merkle::check_leaf));
    assert_eq!(bad, Position(8));
    assert!(reason.contains("leaf"), "{reason}");
}

pub(crate) async fn destroyed_keys_leave_no_trace(store: Store) {
    let Store::Sqlite(directory) = &store else { unreachable!() };
    let node = store.node().await;
    node.append(unit(vec![keyed(new_stream(), 1), keyed(new_stream(), 1)])).await.unwrap();
    let keys: Vec<_> =
        node.backend.read(Position::START, 2).await.unwrap().into_iter().map(|r| r.data_key.unwrap()).collect();
    let found = |key: &WrappedDataKey| {
        std::fs::read_dir(directory.path()).unwrap().any(|file| {
            std::fs::read(file.unwrap().path()).unwrap().windows(key.0.len()).any(|window| window == &*key.0)
        })
    };
    assert!(found(&keys[0]) && found(&keys[1]));
    node.append(Unit { shred: vec![Position(1)], ..unit(Vec::new()) }).await.unwrap();
    assert!(!found(&keys[0]) && found(&keys[1]));
}
