//! Appending in one step: all that was expected holds, or nothing is written.

use scaivault_eventstore::log::{AtOnce, Backend, Expected, Head};
use scaivault_eventstore::record::NewRecord;
use scaivault_eventstore::{CommandId, Owner, Position, Record, Revision, StreamId, merkle};

use crate::fixture::{access, all, keyed, new_stream, random, record, unit};
use crate::store::Store;

/// As the appender would number it.
fn numbered(new: NewRecord, position: u64, command_id: Option<CommandId>) -> Record {
    let mut record = Record {
        position: Position(position),
        stream: new.stream,
        revision: new.revision,
        kind: new.kind,
        schema_version: new.schema_version,
        recorded_at: new.recorded_at,
        command_id,
        body: new.body,
        body_sha256: new.body_sha256,
        entries_root: new.entries_root,
        leaf_hash: [0; 32],
        data_key: new.data_key,
    };
    record.leaf_hash = merkle::leaf_hash(&record);
    record
}

fn at<'a>(head: Head, revisions: &'a [(StreamId, Revision)], commands: &'a [CommandId]) -> Expected<'a> {
    Expected { head, revisions, commands }
}

/// The end of the log as it is, or as it is not.
async fn head(backend: &dyn Backend, position: u64) -> Head {
    Head { position: Position(position), ..backend.head().await.unwrap() }
}

async fn refused(backend: &dyn Backend, expected: Expected<'_>, record: Record) {
    let before = all(backend).await;
    let answer = backend.append_at_once(expected, &[record], &[]).await.unwrap();
    assert!(matches!(answer, AtOnce::Refused), "{answer:?}");
    assert_eq!(all(backend).await, before);
    assert_eq!(backend.head().await.unwrap().position.0, before.len() as u64);
}

async fn appended(backend: &dyn Backend, expected: Expected<'_>, records: &[Record], shred: &[Position]) {
    let answer = backend.append_at_once(expected, records, shred).await.unwrap();
    assert!(matches!(answer, AtOnce::Appended), "{answer:?}");
}

pub(crate) async fn what_is_as_expected_is_appended(store: Store) {
    let backend = store.node().await.backend;
    let (stream, id) = (new_stream(), CommandId(random()));
    let first = [
        numbered(keyed(stream, 1), 1, Some(id)),
        numbered(keyed(stream, 2), 2, None),
        numbered(record(new_stream(), 1), 3, None),
    ];
    let revisions = [(stream, Revision(0))];
    let expected = Expected { head: Head::default(), revisions: &revisions, commands: &[id] };
    appended(&*backend, expected, &first, &[]).await;
    assert_eq!(all(&*backend).await, first);
    // Entries alone expect nothing but the head.
    let second = [numbered(keyed(new_stream(), 1), 4, None)];
    appended(&*backend, Expected { head: head(&*backend, 3).await, revisions: &[], commands: &[] }, &second, &[]).await;
    let third = [numbered(record(stream, 3), 5, Some(CommandId(random())))];
    let revisions = [(stream, Revision(2))];
    appended(
        &*backend,
        Expected { head: head(&*backend, 4).await, revisions: &revisions, commands: &[] },
        &third,
        &[Position(1)],
    )
    .await;
    let stored = all(&*backend).await;
    assert_eq!(stored.len(), 5);
    assert!(stored[0].data_key.is_none(), "destroyed in the same step");
    assert_eq!((&stored[1], &stored[3], &stored[4]), (&first[1], &second[0], &third[0]));
}

pub(crate) async fn what_is_not_as_expected_is_refused_whole(store: Store) {
    let node = store.node().await;
    let (stream, taken) = (new_stream(), unit(vec![record(new_stream(), 1)]));
    let id = taken.command_id;
    node.append(taken).await.unwrap();
    node.append(unit(vec![record(stream, 1), record(stream, 2)])).await.unwrap();
    let backend = &*node.backend;
    let next = |revision| numbered(record(stream, revision), 4, Some(CommandId(random())));
    let right = &[(stream, Revision(2))];
    refused(backend, at(head(backend, 2).await, right, &[]), numbered(record(stream, 3), 3, None)).await;
    refused(backend, at(head(backend, 9).await, right, &[]), numbered(record(stream, 3), 10, None)).await;
    refused(backend, at(head(backend, 3).await, &[(stream, Revision(1))], &[]), next(2)).await;
    refused(backend, at(head(backend, 3).await, &[(stream, Revision(4))], &[]), next(5)).await;
    refused(backend, at(head(backend, 3).await, right, &[CommandId(random()), id]), next(3)).await;
    // Entries alone, at an end that is not there.
    refused(backend, at(head(backend, 2).await, &[], &[]), numbered(keyed(new_stream(), 1), 3, None)).await;
    refused(backend, at(head(backend, 5).await, &[], &[]), numbered(keyed(new_stream(), 1), 6, None)).await;
    appended(backend, at(head(backend, 3).await, right, &[]), &[next(3)], &[]).await;
    // The log goes on after all of this, whoever writes.
    assert_eq!(node.append(access(&Owner::Platform, "x")).await.unwrap().last, Position(5));
}

pub(crate) async fn what_was_given_up_never_arrives(store: Store) {
    let node = store.node().await;
    node.fill(2).await;
    let backend = &*node.backend;
    let before = head(backend, 2).await;
    let late = numbered(record(new_stream(), 1), 3, Some(CommandId(random())));
    let mut tx = backend.begin().await.unwrap();
    assert_eq!(tx.leaf_at(Position(3)).await.unwrap(), None);
    tx.fence().await.unwrap();
    tx.commit().await.unwrap();
    refused(backend, at(before, &[], &[]), late.clone()).await;
    assert!(backend.head().await.unwrap().recorded_at > before.recorded_at);
    // The log goes on.
    assert_eq!(node.append(unit(vec![record(new_stream(), 1)])).await.unwrap().last, Position(3));
    let after = head(backend, 3).await;
    appended(backend, at(after, &[], &[]), &[Record { position: Position(4), ..late }], &[]).await;
}
