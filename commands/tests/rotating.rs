//! Rotation by the clock, by processes that are cut off and processes that believe to be alone: once for each due date.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, unreachable_pub, dead_code)]
#![allow(clippy::disallowed_methods, reason = "tests have their own tasks and clock")]

#[path = "rotating/node.rs"]
mod node;

use std::time::Duration;

use node::{Log, Node, acme, path};
use scaivault_domain::Timestamp;
use scaivault_projections::View;
use scaivault_projections::snapshot::Snapshots;

const DAY: i64 = 86_400;

/// Secrets under a policy that makes values once a day.
async fn begun(node: &Node, count: usize) {
    node.policy("daily", "1d", true).await;
    for number in 0..count {
        node.attach(&path(number), "rot_daily").await;
    }
}

/// Due dates and history by policy, in their order.
fn told(view: &View) -> Vec<String> {
    let set = view.rotations.of(&acme());
    let policies = set.by_name(None).map(|(_, policy)| policy);
    let rows = policies.flat_map(|policy| {
        let due = set.lines(policy).into_iter().flat_map(|lines| lines.by_due()).map(|row| format!("{row:?}"));
        let history = set.history(policy).map(|row| format!("{row:?}"));
        due.chain(history).map(|row| format!("{} {row}", policy.id)).collect::<Vec<_>>()
    });
    let next = view.rotations.due(Timestamp::from_micros(i64::MAX)).map(|(_, policy, _)| format!("next {}", policy.id));
    rows.chain(next).collect()
}

/// Does what is due until nothing is.
async fn finish(node: &Node) {
    while node.engine.rotate_what_is_due().await.unwrap() > 0 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn two_schedulers_rotate_each_secret_once() {
    let log = Log::new(None).await;
    let (one, other) = (Node::start(&log).await, Node::start(&log).await);
    begun(&one, 40).await;
    other.reaches(&one).await;
    for round in 2..5 {
        log.advance(DAY);
        tokio::join!(finish(&one), finish(&other));
        other.reaches(&one).await;
        one.reaches(&other).await;
        assert_eq!(one.versions(40), vec![round; 40]);
        assert_eq!(other.versions(40), vec![round; 40]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_cut_off_anywhere_leaves_nothing_half_done() {
    let log = Log::new(None).await;
    let node = Node::start(&log).await;
    begun(&node, 30).await;
    node.kill().await;
    for round in 2..6 {
        log.advance(DAY);
        for cut in 0..8_u64 {
            let node = Node::start(&log).await;
            let working = tokio::time::timeout(Duration::from_micros(300 + 700 * cut), finish(&node));
            let _ = working.await;
            node.kill().await;
        }
        let node = Node::start(&log).await;
        finish(&node).await;
        assert_eq!(node.versions(30), vec![round; 30]);
        let rotated = node.count("rotate").await;
        assert_eq!(rotated, 30 * usize::try_from(round - 1).unwrap(), "one entry for each");
        node.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_folds_the_log_has_the_same_in_the_same_order() {
    let log = Log::new(None).await;
    let node = Node::start(&log).await;
    begun(&node, 30).await;
    node.policy("weekly", "7d", false).await;
    for number in 10..20 {
        node.attach(&path(number), "rot_weekly").await;
    }
    log.advance(DAY / 2);
    node.interval("rot_daily", "36h").await;
    log.advance(DAY);
    finish(&node).await;
    node.attach(&path(29), "rot_daily").await;
    let later = Node::start(&log).await;
    let here = told(&node.engine.projections().view());
    assert_eq!(told(&later.engine.projections().view()), here);
    assert!(here.iter().filter(|row| row.contains("Success")).count() == 20, "{here:?}");
    // And so has one that begins from a snapshot.
    let directory = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(directory.path().to_owned(), log.sealer.clone());
    snapshots.write(&node.engine.projections().freeze().await).unwrap();
    let read = snapshots.read(&snapshots.candidates()[0]).unwrap();
    assert_eq!(told(&read.view), here);
    node.kill().await;
    later.kill().await;
}
