//! What one appender does with one unit after another.

use std::sync::atomic::Ordering;

use scaivault_eventstore::log::{Committed, Unit};
use scaivault_eventstore::{Owner, Position, RecordedAt, Revision, StoreError};

use crate::fixture::{access, all, follow, keyed, new_stream, record, tenant, unit};
use crate::store::Store;

fn at(first: u64, last: u64) -> Committed {
    Committed { first: Position(first), last: Position(last) }
}

pub(crate) async fn positions_have_no_holes(store: Store) {
    let node = store.node().await;
    let stream = new_stream();
    assert_eq!(node.append(unit(vec![record(stream, 1)])).await.unwrap(), at(1, 1));
    assert_eq!(node.append(unit(vec![record(stream, 2), record(new_stream(), 1)])).await.unwrap(), at(2, 3));
    assert!(node.append(unit(vec![record(stream, 2)])).await.is_err());
    assert_eq!(node.append(unit(vec![record(stream, 3)])).await.unwrap(), at(4, 4));
    assert_eq!(node.feed.committed(), Position(4));
    assert_eq!(node.backend.head().await.unwrap().position, Position(4));
    let fed = follow(node.feed.reader(Position::START), Position(4)).await;
    assert_eq!(fed, all(&*node.backend).await);
}

pub(crate) async fn a_stale_revision_is_refused_alone(store: Store) {
    let node = store.node().await;
    let stream = new_stream();
    node.append(unit(vec![record(stream, 1)])).await.unwrap();
    let (stale, fresh) =
        tokio::join!(node.append(unit(vec![record(stream, 1)])), node.append(unit(vec![record(stream, 2)])));
    let Err(StoreError::Conflict { stream: refused, actual }) = stale else { panic!("{stale:?}") };
    assert_eq!(refused, stream);
    assert!(actual == Revision(1) || actual == Revision(2));
    fresh.unwrap();
}

pub(crate) async fn units_move_all_their_streams_or_none(store: Store) {
    let node = store.node().await;
    let (first, second) = (new_stream(), new_stream());
    node.append(unit(vec![record(second, 1)])).await.unwrap();
    let refused = node.append(unit(vec![record(first, 1), record(second, 1)])).await;
    assert!(matches!(refused, Err(StoreError::Conflict { stream, .. }) if stream == second), "{refused:?}");
    assert_eq!(node.append(unit(vec![record(first, 1), record(second, 2)])).await.unwrap(), at(2, 3));
}

pub(crate) async fn a_command_is_accepted_once(store: Store) {
    let node = store.node().await;
    node.fill(3).await;
    let stream = new_stream();
    let first = unit(vec![record(stream, 1), record(stream, 2)]);
    let id = first.command_id;
    assert_eq!(node.backend.find_command(id).await.unwrap(), None);
    assert_eq!(node.append(first).await.unwrap(), at(4, 5));
    let again = Unit { command_id: id, ..unit(vec![record(stream, 3)]) };
    assert!(matches!(node.append(again).await, Err(StoreError::Duplicate(Position(4)))));
    assert_eq!(node.backend.find_command(id).await.unwrap(), Some(Position(4)));
    let records = all(&*node.backend).await;
    assert_eq!(records.len(), 5);
    assert_eq!(records[3].command_id, Some(id));
    assert_eq!(records[4].command_id, None);
}

pub(crate) async fn entries_share_records(store: Store) {
    let node = store.node().await;
    // All are queued before the appender sees the first: they share its commits.
    let appends: Vec<_> = (0..60)
        .map(|number| {
            let owner = if number % 2 == 0 { tenant("a") } else { Owner::Platform };
            let mut unit = access(&owner, &format!("entry {number}"));
            if number == 30 {
                unit.records.push(record(new_stream(), 1));
            }
            let node = node.clone();
            tokio::spawn(async move { (owner, unit.records.len(), node.append(unit).await.unwrap()) })
        })
        .collect();
    let mut answers = Vec::new();
    for append in appends {
        answers.push(append.await.unwrap());
    }
    let records = all(&*node.backend).await;
    assert!(records.len() < 61, "{} records for 60 units", records.len());
    let text: String = records
        .iter()
        .filter(|record| record.kind == "access.recorded")
        .map(|record| {
            assert!(record.entries_root.is_some() && record.command_id.is_none());
            String::from_utf8(record.body.to_vec()).unwrap() + "\n"
        })
        .collect();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), 60);
    for (owner, own, committed) in answers {
        let first = &records[usize::try_from(committed.first.0).unwrap() - 1];
        if own == 0 {
            assert_eq!(first.stream, node.composer.stream(&owner).unwrap().0, "it holds the entry of {owner}");
        } else {
            assert_eq!(first.kind, "test.happened");
        }
        assert!(committed.last >= committed.first);
    }
}

pub(crate) async fn a_unit_may_be_empty(store: Store) {
    let node = store.node().await;
    assert_eq!(node.append(unit(Vec::new())).await.unwrap(), at(0, 0));
    node.fill(1).await;
    assert_eq!(node.append(unit(Vec::new())).await.unwrap(), at(1, 1));
}

pub(crate) async fn time_never_decreases(store: Store) {
    let node = store.node().await;
    let timed = |at: i64| {
        let mut record = record(new_stream(), 1);
        record.recorded_at = RecordedAt(at);
        unit(vec![record])
    };
    node.append(timed(5_000_000)).await.unwrap();
    node.append(timed(4_000_000)).await.unwrap();
    node.now.store(3_000_000, Ordering::SeqCst);
    node.append(access(&Owner::Platform, "late")).await.unwrap();
    node.now.store(9_000_000, Ordering::SeqCst);
    node.append(access(&Owner::Platform, "later")).await.unwrap();
    node.append(timed(7_000_000)).await.unwrap();
    let times: Vec<i64> = all(&*node.backend).await.iter().map(|record| record.recorded_at.0).collect();
    assert_eq!(times, [5_000_000, 5_000_000, 5_000_000, 9_000_000, 9_000_000]);
}

pub(crate) async fn data_keys_are_destroyed(store: Store) {
    let node = store.node().await;
    let stream = new_stream();
    node.append(unit(vec![keyed(stream, 1), keyed(stream, 2), record(stream, 3)])).await.unwrap();
    let before = all(&*node.backend).await;
    assert!(before[0].data_key.is_some() && before[1].data_key.is_some() && before[2].data_key.is_none());
    let shred = Unit { shred: vec![Position(1)], ..unit(vec![record(stream, 4)]) };
    node.append(shred).await.unwrap();
    let after = all(&*node.backend).await;
    assert_eq!(after[0].data_key, None);
    assert_eq!(after[0].leaf_hash, before[0].leaf_hash);
    assert_eq!(after[1], before[1]);
    // Refused units destroy nothing; units without records may.
    let refused = Unit { shred: vec![Position(2)], ..unit(vec![record(stream, 4)]) };
    assert!(node.append(refused).await.is_err());
    assert!(node.backend.read_at(Position(2)).await.unwrap().unwrap().data_key.is_some());
    node.append(Unit { shred: vec![Position(2)], ..unit(Vec::new()) }).await.unwrap();
    assert!(node.backend.read_at(Position(2)).await.unwrap().unwrap().data_key.is_none());
}

pub(crate) async fn what_waits_at_closing_is_committed(store: Store) {
    let node = store.node().await;
    let appends: Vec<_> = (0..50)
        .map(|_| {
            let node = node.clone();
            let mut append = Box::pin(async move { node.append(unit(vec![record(new_stream(), 1)])).await });
            // The first poll puts it into the queue.
            assert!(poll_once(&mut append).is_none());
            tokio::spawn(append)
        })
        .collect();
    node.appender.close().await;
    for append in appends {
        append.await.unwrap().unwrap();
    }
    assert!(matches!(node.append(unit(Vec::new())).await, Err(StoreError::Unavailable(_))));
    assert_eq!(all(&*node.backend).await.len(), 50);
    node.appender.close().await;
}

pub(crate) async fn a_dropped_waiter_changes_nothing(store: Store) {
    let node = store.node().await;
    let mut append = Box::pin(node.append(unit(vec![record(new_stream(), 1)])));
    assert!(poll_once(&mut append).is_none());
    drop(append);
    node.fill(1).await;
    assert_eq!(all(&*node.backend).await.len(), 2);
    node.appender.ping().await.unwrap();
    assert!(node.appender.health().running);
    assert_eq!(node.appender.health().last_error, None);
}

/// Polls once.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
