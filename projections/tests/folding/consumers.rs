//! Who reads a secret.

use scaivault_projections::Consumer;

use crate::node::{Node, Read, acme, second};

async fn read() -> Node {
    let node = Node::with_secrets().await;
    let reads = [
        ("sa:billing", 1, 10),
        ("user:alice@acme.example", 1, 20),
        ("sa:billing", 1, 30),
        ("sa:billing", 2, 40),
        ("user:alice@acme.example", 2, 50),
        ("user:alice@acme.example", 1, 60),
        ("sa:old", 1, 5),
    ];
    let entries =
        reads.map(|(identity, version, at)| Read { identity, path: "app/db", version, at: second(at) }.entry(&acme()));
    node.audited(entries.into()).await;
    node
}

fn consumers(node: &Node, version: Option<u32>, from: i64, to: i64) -> Vec<Consumer> {
    node.projections.accesses(|accesses| accesses.consumers(&acme(), "app/db", version, second(from), second(to)))
}

fn summary(consumers: &[Consumer]) -> Vec<(&str, u32, u64)> {
    consumers.iter().map(|consumer| (&*consumer.identity, consumer.last_version, consumer.read_count)).collect()
}

#[tokio::test]
async fn one_row_for_each_reader_the_last_one_first() {
    let node = read().await;
    let rows = consumers(&node, None, 0, 100);
    assert_eq!(summary(&rows), [("user:alice@acme.example", 1, 3), ("sa:billing", 2, 3), ("sa:old", 1, 1)]);
    let versions: Vec<_> =
        rows[1].versions.iter().map(|reads| (reads.version, reads.read_count, reads.last_read_at)).collect();
    assert_eq!(versions, [(2, 1, second(40)), (1, 2, second(30))], "the newest version first");
    assert_eq!(rows[0].last_read_at, second(60));
}

#[tokio::test]
async fn the_period_includes_its_start_and_excludes_its_end() {
    let node = read().await;
    assert_eq!(summary(&consumers(&node, None, 10, 40)), [("sa:billing", 1, 2), ("user:alice@acme.example", 1, 1)]);
    assert_eq!(summary(&consumers(&node, None, 11, 20)), []);
    assert_eq!(summary(&consumers(&node, None, 60, 61)), [("user:alice@acme.example", 1, 1)]);
}

#[tokio::test]
async fn only_the_readers_of_one_version() {
    let node = read().await;
    // The version chooses the rows, and changes nothing about them.
    assert_eq!(summary(&consumers(&node, Some(2), 0, 100)), [("user:alice@acme.example", 1, 3), ("sa:billing", 2, 3)]);
    assert!(consumers(&node, Some(3), 0, 100).is_empty());
}
