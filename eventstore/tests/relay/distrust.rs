//! Nothing in the stream is believed because it is there.

use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::stream::Config;
use scaivault_eventstore::Position;
use scaivault_eventstore::record::hex;

use crate::broker::Broker;
use crate::cluster::Cluster;
use crate::fixture::{follow, random};
use crate::member::{Installation, Member, memory, postgres, until};

async fn occupy(installation: &Installation, description: &str, messages: usize) {
    let context = installation.context().await;
    let config = Config {
        name: installation.stream(),
        subjects: vec![format!("{}.log", installation.prefix)],
        description: Some(description.into()),
        ..Config::default()
    };
    context.create_stream(config).await.unwrap();
    for _ in 0..messages {
        context.publish(format!("{}.log", installation.prefix), "x".into()).await.unwrap().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_in_use_by_another_installation_is_left_alone() {
    let installation = Installation::new(&Broker::shared().url());
    let other = format!("ScaiVault log of installation {}", hex(&random::<16>()));
    occupy(&installation, &other, 3).await;
    let stream = installation.context().await.get_stream(installation.stream()).await.unwrap();
    let config = pull::Config { name: Some("theirs".into()), ..pull::Config::default() };
    stream.create_consumer(config).await.unwrap();
    let member = Member::join(&installation, memory().await).await;
    member.node.fill(10).await;
    until("it is told", async || {
        member
            .health()
            .fault
            .is_some_and(|fault| fault.contains("another installation") && fault.contains("NATS_PREFIX"))
    })
    .await;
    assert_eq!(installation.messages().await.unwrap().len(), 3);
    follow(member.node.feed.reader(Position::START), Position(10)).await;
    // The other one is gone: nobody follows it any more.
    stream.delete_consumer("theirs").await.unwrap();
    assert_eq!(member.published(&installation).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_not_ours_is_never_touched() {
    let installation = Installation::new(&Broker::shared().url());
    occupy(&installation, "orders", 2).await;
    let member = Member::join(&installation, memory().await).await;
    member.node.fill(10).await;
    until("it is told", async || member.health().fault.is_some_and(|fault| fault.contains("not ScaiVault's"))).await;
    assert_eq!(installation.messages().await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_longer_than_the_log_is_made_anew() {
    let installation = Installation::new(&Broker::shared().url());
    let before = Member::join(&installation, memory().await).await;
    before.node.fill(20).await;
    before.published(&installation).await;
    before.bus.close().await;
    // The log was restored to an earlier state, and goes on differently.
    let restored = Member::join(&installation, memory().await).await;
    restored.node.fill(5).await;
    until("it is replaced", async || installation.tail().await == 5).await;
    assert_eq!(restored.published(&installation).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_with_another_past_is_made_anew() {
    let installation = Installation::new(&Broker::shared().url());
    let before = Member::join(&installation, memory().await).await;
    before.node.fill(5).await;
    before.published(&installation).await;
    before.bus.close().await;
    let backend = memory().await;
    let node = crate::fixture::Node::start(backend.clone(), Default::default()).await;
    node.fill(20).await;
    let restored = Member::join(&installation, backend).await;
    assert_eq!(restored.published(&installation).await.len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_messages_are_not_folded() {
    let url = Cluster::shared().database();
    let installation = Installation::new(&Broker::shared().url());
    let writer = Member::join(&installation, postgres(&url).await).await;
    let idle = Member::join(&installation, postgres(&url).await).await;
    writer.up().await;
    idle.up().await;
    writer.node.fill(10).await;
    writer.published(&installation).await;
    let context = installation.context().await;
    let subject = format!("{}.log", installation.prefix);
    // A record of another log in the form of one of ours: it is consistent in itself.
    let elsewhere = Installation { id: installation.id, ..Installation::new(&Broker::shared().url()) };
    let forger = Member::join(&elsewhere, memory().await).await;
    forger.node.fill(12).await;
    forger.published(&elsewhere).await;
    let forged = elsewhere.messages().await.unwrap().swap_remove(10);
    for (headers, payload) in [(forged.headers.clone(), forged.payload.clone()), (Default::default(), "rubbish".into())]
    {
        context.publish_with_headers(subject.clone(), headers, payload).await.unwrap().await.unwrap();
        writer.node.fill(10).await;
        let log = writer.published(&installation).await;
        let last = log.last().unwrap().position;
        assert_eq!(follow(idle.node.feed.reader(Position::START), last).await, log);
        assert_eq!(idle.node.feed.committed(), last);
    }
}
