//! The stream is the log: the same records under the same numbers, whoever publishes.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use scaivault_eventstore::record::NewRecord;
use scaivault_eventstore::{Position, RecordedAt};
use tokio::task::JoinSet;

use crate::broker::Broker;
use crate::cluster::Cluster;
use crate::fixture::{access, follow, keyed, new_stream, record, sized, tenant, unit};
use crate::member::{Installation, Member, memory, postgres, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stream_has_every_record_at_its_position() {
    let installation = Installation::new(&Broker::shared().url());
    let member = Member::join(&installation, memory().await).await;
    // Before, while and after the bus comes up.
    member.node.fill(20).await;
    member.up().await;
    for number in 0..50_u64 {
        member.node.append(access(&tenant("t"), &number.to_string())).await.unwrap();
        member.node.append(unit(vec![keyed(new_stream(), 1), record(new_stream(), 1)])).await.unwrap();
    }
    assert_eq!(member.published(&installation).await.len(), 170);
    assert!(member.health().latency > Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relays_never_interleave() {
    let url = Cluster::shared().database();
    let installation = Installation::new(&Broker::shared().url());
    let members = [
        Member::join(&installation, postgres(&url).await).await,
        Member::join(&installation, postgres(&url).await).await,
    ];
    let readers: Vec<_> = members.iter().map(|member| member.node.feed.reader(Position::START)).collect();
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        let node = members[writer % 2].node.clone();
        writers.spawn(async move {
            for number in 0..40 {
                node.append(access(&tenant("t"), &format!("{writer}-{number}"))).await.unwrap();
                node.append(unit(vec![record(new_stream(), 1)])).await.unwrap();
            }
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
    let log = members[0].published(&installation).await;
    for reader in readers {
        assert_eq!(follow(reader, log.last().unwrap().position).await, log);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_follows_without_polling() {
    let url = Cluster::shared().database();
    let installation = Installation::new(&Broker::shared().url());
    let writer = Member::join(&installation, postgres(&url).await).await;
    let idle = Member::join(&installation, postgres(&url).await).await;
    writer.up().await;
    idle.up().await;
    let mut delays = Vec::new();
    let mut reader = idle.node.feed.reader(Position::START);
    for _ in 0..20 {
        let committed = writer.node.append(unit(vec![keyed(new_stream(), 1)])).await.unwrap();
        let since = Instant::now();
        while reader.position() <= committed.last {
            let batch = reader.next().await.unwrap();
            assert!(batch.iter().all(|record| record.data_key.is_some()), "the key comes from the database");
        }
        delays.push(since.elapsed());
    }
    delays.sort();
    // The log itself is looked at every half second: most would take longer than this.
    assert!(delays[10] < Duration::from_millis(100), "{delays:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_old_is_not_published() {
    // Of an empty stream, and of one that was left behind.
    for before in [0, 10] {
        let installation = Installation::new(&Broker::shared().url());
        let backend = memory().await;
        let node = crate::fixture::Node::start(backend.clone(), Default::default()).await;
        node.fill(before).await;
        if before > 0 {
            let member = Member::join(&installation, backend.clone()).await;
            member.published(&installation).await;
            member.bus.close().await;
        }
        node.fill(30 - before).await;
        let day = 24 * 3_600 * 1_000_000;
        node.now.fetch_add(3 * day, Ordering::SeqCst);
        for _ in 0..5 {
            let recorded_at = RecordedAt(node.now.load(Ordering::SeqCst));
            node.append(unit(vec![NewRecord { recorded_at, ..record(new_stream(), 1) }])).await.unwrap();
        }
        node.appender.close().await;
        let member = Member::join(&installation, backend).await;
        member.published(&installation).await;
        // Servers before 2.10 cannot let a stream begin at a number: it gets all.
        let first = if installation.context().await.client().is_server_compatible(2, 10, 0) { 31 } else { 1 };
        let messages = installation.messages().await.unwrap();
        assert_eq!(messages[0].sequence, first, "the numbers are those of the log all the same");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_too_large_for_the_server_is_referred_to() {
    let broker = Broker::start("max_payload: 65536\n");
    let url = Cluster::shared().database();
    let installation = Installation::new(&broker.url());
    let writer = Member::join(&installation, postgres(&url).await).await;
    let idle = Member::join(&installation, postgres(&url).await).await;
    writer.up().await;
    idle.up().await;
    writer.node.append(unit(vec![sized(200_000)])).await.unwrap();
    writer.node.fill(3).await;
    let log = writer.published(&installation).await;
    let messages = installation.messages().await.unwrap();
    assert!(messages[0].headers.get("ce-dataref").is_some() && messages[1].headers.get("ce-dataref").is_none());
    assert_eq!(follow(idle.node.feed.reader(Position::START), Position(4)).await, log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_vanished_node_owes_another_publishes() {
    let url = Cluster::shared().database();
    let installation = Installation::new(&Broker::shared().url());
    let member = Member::join(&installation, postgres(&url).await).await;
    member.up().await;
    // It commits and never publishes.
    let mute = crate::fixture::Node::start(postgres(&url).await, Default::default()).await;
    mute.fill(10).await;
    member.published(&installation).await;
    member.bus.close().await;
    member.node.fill(3).await;
    let again = crate::member::start(&installation, &mute);
    until("the rest is published", async || installation.tail().await == 13).await;
    again.close().await;
}
