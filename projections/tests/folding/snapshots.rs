//! Snapshots: what comes out of a file equals what went in, and the fold goes on from there.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use scaivault_domain::secret::Condition;
use scaivault_domain::secret::delete::{self, DeleteSecret};
use scaivault_projections::snapshot::Snapshots;
use scaivault_projections::{Frozen, Projections};
use tempfile::TempDir;

use crate::node::{Node, Read, acme, other, path};
use crate::rebuilt::check_against;

/// A node with a little of everything.
async fn filled() -> Node {
    let node = Node::start().await;
    for owner in [acme(), other()] {
        for name in ["app/db", "app/key", "web"] {
            node.write(&owner, &path(name), "{\"a\":1}").await;
        }
        node.write(&owner, &path("app/db"), "{\"a\":2}").await;
        let web = path("web");
        let command =
            DeleteSecret { path: web.clone(), version: None, permanent: true, condition: Condition::default() };
        node.command(&owner, &web, "", |secret, context| delete::decide(secret, &command, context)).await.unwrap();
        for version in 1..=2 {
            let read = Read { identity: "user:alice@acme.example", path: "app/db", version, at: node.now() };
            node.audited(vec![read.entry(&owner)]).await;
        }
    }
    node
}

fn snapshots(directory: &TempDir, node: &Node) -> Snapshots {
    Snapshots::new(directory.path().join("snapshots"), node.sealer.clone())
}

fn files(directory: &TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.path().join("snapshots")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn read(snapshots: &Snapshots) -> Option<Frozen> {
    snapshots.candidates().iter().find_map(|candidate| snapshots.read(candidate).ok())
}

#[tokio::test]
async fn the_fold_goes_on_where_one_was_taken() {
    let (directory, node) = (TempDir::new().unwrap(), filled().await);
    let snapshots = snapshots(&directory, &node);
    let frozen = node.projections.freeze().await;
    node.write(&acme(), &path("later"), "{\"a\":3}").await;
    assert_eq!(snapshots.write(&frozen).unwrap(), frozen.view.applied);
    let candidate = &snapshots.candidates()[0];
    let at = node.backend.read_at(candidate.position).await.unwrap().unwrap();
    assert_eq!((candidate.position, candidate.leaf), (frozen.view.applied, at.leaf_hash));

    let resumed = Arc::new(Projections::resumed(snapshots.read(candidate).unwrap()));
    assert_eq!(resumed.applied(), frozen.view.applied);
    let reader = node.feed.reader(resumed.applied());
    tokio::spawn(Arc::clone(&resumed).run(reader, node.sealer.clone()));
    assert!(resumed.wait_for(node.feed.committed(), Duration::from_secs(20)).await, "{:?}", resumed.state());
    check_against(&node, &resumed);
}

#[tokio::test]
async fn no_value_no_key_and_no_name_lies_open_in_it() {
    let (directory, node) = (TempDir::new().unwrap(), filled().await);
    snapshots(&directory, &node).write(&node.projections.freeze().await).unwrap();
    let bytes = fs::read(&files(&directory)[0]).unwrap();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    for name in ["app/db", "alice", "tnt_acme"] {
        assert!(!holds(name.as_bytes()), "{name}");
    }
    let mut after = scaivault_eventstore::Position::START;
    while let Some(record) = node.backend.read(after, 1).await.unwrap().pop() {
        after = record.position;
        assert!(!record.data_key.is_some_and(|key| holds(&key.0)), "the data key of {after}");
    }
}

#[tokio::test]
async fn only_the_newest_stay() {
    let (directory, node) = (TempDir::new().unwrap(), filled().await);
    let snapshots = snapshots(&directory, &node);
    let place = directory.path().join("snapshots");
    for number in 0..4 {
        snapshots.write(&node.projections.freeze().await).unwrap();
        fs::write(place.join(format!("left-{number}.draft")), "cut off").unwrap();
        fs::write(place.join(format!("other-{number}.snapshot")), "of another schema").unwrap();
        node.write(&acme(), &path("more"), "{}").await;
    }
    snapshots.write(&node.projections.freeze().await).unwrap();
    assert_eq!(files(&directory).len(), 2, "{:?}", files(&directory));
    let positions: Vec<_> = snapshots.candidates().iter().map(|candidate| candidate.position).collect();
    assert_eq!(positions[0], node.projections.applied());
    assert!(positions[1] < positions[0]);
}

#[tokio::test]
async fn whatever_is_altered_is_refused() {
    let (directory, node) = (TempDir::new().unwrap(), filled().await);
    let snapshots = snapshots(&directory, &node);
    snapshots.write(&node.projections.freeze().await).unwrap();
    let file = &files(&directory)[0];
    let whole = fs::read(file).unwrap();
    assert!(read(&snapshots).is_some());
    for length in (0..whole.len()).step_by(7) {
        fs::write(file, &whole[..length]).unwrap();
        assert!(read(&snapshots).is_none(), "cut to {length} bytes");
    }
    for index in 0..whole.len() {
        let mut altered = whole.clone();
        altered[index] ^= 0x10;
        fs::write(file, &altered).unwrap();
        assert!(read(&snapshots).is_none(), "byte {index}");
    }
    fs::write(file, [whole.as_slice(), b"more"].concat()).unwrap();
    assert!(read(&snapshots).is_none(), "something added");
    fs::write(file, &whole).unwrap();
    assert!(read(&snapshots).is_some());
}

#[tokio::test]
async fn an_empty_state_can_be_kept_too() {
    let (directory, node) = (TempDir::new().unwrap(), Node::start().await);
    let snapshots = snapshots(&directory, &node);
    assert!(snapshots.candidates().is_empty(), "there is no directory yet");
    snapshots.write(&node.projections.freeze().await).unwrap();
    assert_eq!(read(&snapshots).unwrap().view.applied, node.projections.applied());
}
