//! A server that goes away, forgets, or loses messages: the log fills what is missing.

use std::time::Duration;

use scaivault_eventstore::Position;

use crate::broker::Broker;
use crate::cluster::Cluster;
use crate::fixture::{follow, new_stream, record, sized, unit};
use crate::member::{Installation, Member, memory, postgres, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_delays_nothing() {
    let broker = Broker::start("");
    broker.crash();
    let installation = Installation::new(&broker.url());
    let member = Member::join(&installation, memory().await).await;
    member.node.fill(10).await;
    until("the fault is told", async || member.health().fault.is_some_and(|fault| fault.contains("reached"))).await;
    broker.resume();
    assert_eq!(member.published(&installation).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_server_gets_the_rest() {
    let broker = Broker::start("");
    let url = Cluster::shared().database();
    let installation = Installation::new(&broker.url());
    let writer = Member::join(&installation, postgres(&url).await).await;
    let idle = Member::join(&installation, postgres(&url).await).await;
    writer.up().await;
    idle.up().await;
    for _ in 0..3 {
        writer.node.fill(30).await;
        broker.crash();
        until("the loss is noticed", async || writer.health().fault.is_some() && idle.health().fault.is_some()).await;
        writer.node.fill(30).await;
        // Polled meanwhile.
        let last = writer.node.feed.committed();
        follow(idle.node.feed.reader(Position::START), last).await;
        broker.resume();
        writer.up().await;
        idle.up().await;
    }
    let log = writer.published(&installation).await;
    assert_eq!(log.len(), 180);
    assert_eq!(installation.messages().await.unwrap().len(), 180, "nothing was lost in the crashes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wiped_server_is_filled_from_the_log() {
    let broker = Broker::start("");
    let url = Cluster::shared().database();
    let installation = Installation::new(&broker.url());
    let writer = Member::join(&installation, postgres(&url).await).await;
    let idle = Member::join(&installation, postgres(&url).await).await;
    writer.up().await;
    writer.node.fill(100).await;
    writer.published(&installation).await;
    broker.crash();
    broker.wipe();
    writer.node.fill(50).await;
    broker.resume();
    writer.node.fill(50).await;
    assert_eq!(writer.published(&installation).await.len(), 200);
    assert_eq!(installation.messages().await.unwrap().len(), 200, "from the first record on");
    idle.up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_deleted_under_way_comes_back() {
    let url = Cluster::shared().database();
    let broker = Broker::start("");
    let installation = Installation::new(&broker.url());
    let writer = Member::join(&installation, postgres(&url).await).await;
    let idle = Member::join(&installation, postgres(&url).await).await;
    writer.up().await;
    idle.up().await;
    let context = installation.context().await;
    for round in 1..=3 {
        writer.node.fill(40).await;
        context.delete_stream(installation.stream()).await.unwrap();
        writer.node.fill(40).await;
        assert_eq!(writer.published(&installation).await.len(), 80 * round);
    }
    // Noticed also while nothing is written.
    context.delete_stream(installation.stream()).await.unwrap();
    assert_eq!(writer.published(&installation).await.len(), 240);
    follow(idle.node.feed.reader(Position::START), Position(240)).await;
    idle.up().await;
    drop(context);
    until("connections of the past are closed", async || broker.connections() <= 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_without_its_files_is_made_anew() {
    let broker = Broker::start("");
    let installation = Installation::new(&broker.url());
    let member = Member::join(&installation, memory().await).await;
    member.up().await;
    member.node.fill(5).await;
    member.published(&installation).await;
    std::fs::remove_dir_all(broker.store()).unwrap();
    // More than goes into the file that it has open.
    for _ in 0..14 {
        member.node.append(unit(vec![sized(900_000)])).await.unwrap();
    }
    member.published(&installation).await;
    assert_eq!(installation.messages().await.unwrap().len(), 19, "from the first record on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_messages_are_read_from_the_log() {
    let url = Cluster::shared().database();
    let installation = Installation::new(&Broker::shared().url());
    let writer = Member::join(&installation, postgres(&url).await).await;
    let idle = Member::join(&installation, postgres(&url).await).await;
    writer.up().await;
    idle.up().await;
    let stream = installation.context().await.get_stream(installation.stream()).await.unwrap();
    let reader = idle.node.feed.reader(Position::START);
    let followed = tokio::spawn(follow(reader, Position(400)));
    for _ in 0..40 {
        writer.node.fill(10).await;
        stream.purge().await.unwrap();
    }
    let seen = tokio::time::timeout(Duration::from_secs(30), followed).await.unwrap().unwrap();
    assert_eq!(seen, writer.published(&installation).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_publishes_what_was_committed() {
    let installation = Installation::new(&Broker::shared().url());
    let member = Member::join(&installation, memory().await).await;
    member.up().await;
    let mut records = Vec::new();
    records.resize_with(500, || record(new_stream(), 1));
    member.node.append(unit(records)).await.unwrap();
    member.bus.close().await;
    assert_eq!(installation.tail().await, 500);
}
