//! What must not lie in a server's files, nor stand in a log line.

use scaivault_eventstore::Position;

use crate::broker::Broker;
use crate::cluster::Cluster;
use crate::fixture::{Node, follow, keyed, new_stream, unit};
use crate::member::{Installation, Member, memory, postgres, start_with, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_keys_never_leave_the_database() {
    let broker = Broker::start("");
    let url = Cluster::shared().database();
    let installation = Installation::new(&broker.url());
    let writer = Member::join(&installation, postgres(&url).await).await;
    let idle = Member::join(&installation, postgres(&url).await).await;
    writer.up().await;
    idle.up().await;
    for _ in 0..20 {
        writer.node.append(unit(vec![keyed(new_stream(), 1)])).await.unwrap();
    }
    let log = writer.published(&installation).await;
    assert_eq!(follow(idle.node.feed.reader(Position::START), Position(20)).await, log, "keys included");
    for record in &log {
        assert!(broker.keeps(&record.body), "this is where bodies would be found");
        assert!(!broker.keeps(&record.data_key.as_ref().unwrap().0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_ask_for_names_and_passwords() {
    let broker = Broker::start("authorization: { user: vault, password: \"p@ss word\" }\n");
    let installation = Installation::new(&format!("nats://{}", broker.address()));
    let node = Node::start(memory().await, Default::default()).await;
    node.fill(5).await;
    let wrong = start_with(&installation, &node, vec![format!("nats://vault:hunter2@{}", broker.address())]);
    until("it is refused", async || wrong.health().fault.is_some_and(|fault| fault.contains("authorization"))).await;
    assert!(!format!("{:?}", wrong.health()).contains("hunter2"));
    wrong.close().await;
    let right = start_with(&installation, &node, vec![format!("nats://vault:p%40ss%20word@{}", broker.address())]);
    until("it is let in", async || right.health().fault.is_none()).await;
    right.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_of_several_is_enough() {
    let (gone, there) =
        (Broker::start("authorization: { token: t0ken }\n"), Broker::start("authorization: { token: t0ken }\n"));
    gone.crash();
    let installation = Installation::new(&there.url());
    let node = Node::start(memory().await, Default::default()).await;
    let urls = vec![format!("nats://t0ken@{}", gone.address()), format!("nats://{}", there.address())];
    let bus = start_with(&installation, &node, urls);
    until("it is up", async || bus.health().fault.is_none()).await;
    bus.close().await;
}
