//! Many writers and readers at once.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use scaivault_eventstore::log::AppenderLimits;
use scaivault_eventstore::{Position, Revision, StoreError, StreamId};
use tokio::task::JoinSet;

use crate::fixture::{Node, access, follow, new_stream, record, tenant, unit};
use crate::store::Store;

const WRITERS: usize = 64;
const UNITS: usize = 12;

pub(crate) async fn many_writers_with_live_readers(store: Store) {
    let node = store.node().await;
    // Writers race for a few streams, so each revision has many candidates and one winner.
    let streams: Arc<Vec<StreamId>> = Arc::new((0..8).map(|_| new_stream()).collect());
    let readers: Vec<_> = (0..3).map(|_| node.feed.reader(Position::START)).collect();
    let batches = count_batches(&node);
    let conflicts = Arc::new(AtomicU64::new(0));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (node, streams, conflicts) = (node.clone(), Arc::clone(&streams), Arc::clone(&conflicts));
        writers.spawn(async move {
            let mut won = Vec::new();
            for round in 0..UNITS {
                let stream = streams[(writer + round) % streams.len()];
                let mut revision = 1;
                loop {
                    let mut unit = unit(vec![record(stream, revision)]);
                    unit.entries = access(&tenant("t"), &format!("{writer}-{round}")).entries;
                    match node.append(unit).await {
                        Ok(committed) => {
                            won.push((stream, revision, committed.first));
                            break;
                        }
                        Err(StoreError::Conflict { actual, .. }) => {
                            conflicts.fetch_add(1, Ordering::Relaxed);
                            revision = actual.next().0;
                        }
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
            won
        });
    }
    let mut won = HashSet::new();
    while let Some(writer) = writers.join_next().await {
        for (stream, revision, _) in writer.unwrap() {
            assert!(won.insert((stream, Revision(revision))), "two winners of one revision");
        }
    }
    assert_eq!(won.len(), WRITERS * UNITS);
    assert!(conflicts.load(Ordering::Relaxed) > 0, "nobody raced");
    let last = node.feed.committed();
    for reader in readers {
        let seen = follow(reader, last).await;
        let own: HashSet<_> =
            seen.iter().filter(|r| r.kind == "test.happened").map(|r| (r.stream, r.revision)).collect();
        assert_eq!(own, won);
    }
    node.appender.close().await;
    let commits = batches.load(Ordering::SeqCst);
    assert!(won.len() as u64 > commits * 2, "{commits} commits for {} units", won.len());
}

/// Each commit ends with one composed record, so those tell the number of commits.
fn count_batches(node: &Node) -> Arc<AtomicU64> {
    let count = Arc::new(AtomicU64::new(0));
    let (mut reader, counted) = (node.feed.reader(Position::START), Arc::clone(&count));
    tokio::spawn(async move {
        while let Ok(batch) = reader.next().await {
            let composed = batch.iter().filter(|record| record.kind == "access.recorded").count();
            counted.fetch_add(composed as u64, Ordering::SeqCst);
        }
    });
    count
}

pub(crate) async fn a_full_queue_refuses_at_once(store: Store) {
    let limits = AppenderLimits { queue: 4, batch_units: 2, ..AppenderLimits::default() };
    let node = Node::start(store.open().await, limits).await;
    // While somebody holds the head nothing can be committed, so the queue fills up.
    let head = node.backend.begin().await.unwrap();
    let mut waiting = JoinSet::new();
    let mut refused = 0;
    for _ in 0..40 {
        let mut append = Box::pin({
            let node = node.clone();
            async move { node.append(unit(vec![record(new_stream(), 1)])).await }
        });
        tokio::select! {
            biased;
            answer = &mut append => {
                assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
                refused += 1;
            }
            () = tokio::task::yield_now() => { waiting.spawn(append); }
        }
    }
    assert!((34..=36).contains(&refused), "{refused} refused");
    drop(head);
    while let Some(answer) = waiting.join_next().await {
        answer.unwrap().unwrap();
    }
}

pub(crate) async fn a_slow_reader_loses_nothing(store: Store) {
    let node = store.node().await;
    let slow = node.feed.reader(Position::START);
    // More commits than the feed keeps.
    node.fill(300).await;
    assert_eq!(follow(slow, Position(300)).await.len(), 300);
}
