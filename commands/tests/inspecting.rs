//! A verification that runs while another node erases what is old: what was ordered is no damage, and what was not is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub, dead_code)]
#![allow(clippy::disallowed_methods, reason = "tests have their own tasks")]

#[path = "inspecting/meddling.rs"]
mod meddling;
#[path = "exporting/node.rs"]
mod node;
#[path = "exporting/store.rs"]
mod store;

use std::sync::Arc;
use std::time::Duration;

use scaivault_commands::AuditTree;
use scaivault_commands::export::FileLimits;
use scaivault_domain::audit::AuditErased;
use scaivault_domain::event::SCHEMA_VERSION;
use scaivault_domain::{Event, EventBody, IdentityId};
use scaivault_eventstore::log::{Backend, Unit};
use scaivault_eventstore::sealing::Draft;
use scaivault_eventstore::tree::Notary;
use scaivault_eventstore::{CommandId, Position, RecordedAt, Revision};
use scaivault_projections::owners::key_owner;

use meddling::Meddling;
use node::{Log, Node, acme};
use store::Memory;

const PATIENCE: Duration = Duration::from_secs(30);

async fn start(log: &Log) -> Node {
    Node::start(log, Arc::new(Memory::dying_at(usize::MAX)), FileLimits::default()).await
}

/// The tree of a node, whose records lie in that store.
async fn tree(log: &Log, node: &Node, store: Arc<dyn Backend>) -> AuditTree {
    let keyring = log.sealer.keyring();
    let origin = keyring.audit_origin("vault.test", 0).await.unwrap();
    let signing = keyring.audit_signing(&origin, None, 0).await.unwrap();
    AuditTree::new(node.engine.clone(), store.clone(), Notary::new(store, signing.signer, signing.previous))
}

/// Orders audit entries gone, and destroys their keys, in one commit.
async fn erase(log: &Log, node: &Node, revision: u64, up_to: Position) {
    let owner = key_owner(&acme());
    let event = Event::AuditErased(AuditErased { up_to: up_to.0 });
    let at = node.engine.now();
    let kind = event.kind().into();
    let body = EventBody { at, actor: IdentityId::system("system:key-manager"), request_id: "req_3".into(), event };
    let draft = Draft {
        stream: log.sealer.keyring().stream(&owner, "audit", "").unwrap(),
        owner,
        revision: Revision(revision),
        kind,
        schema_version: SCHEMA_VERSION,
        recorded_at: RecordedAt(at.as_micros()),
        json: body.encode().unwrap(),
        erasable: None,
        entries_root: None,
    };
    let command_id = CommandId(u128::from(revision).to_be_bytes());
    let records = log.sealer.seal_unit(command_id, vec![draft]).unwrap();
    node.appender.append(Unit { command_id, records, entries: Vec::new(), shred: vec![up_to] }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_node_erases_meanwhile_is_no_damage() {
    let log = Log::new().await;
    let other = Arc::new(start(&log).await);
    for _ in 0..3 {
        other.record(1).await;
    }
    let node = start(&log).await;
    let log = Arc::new(log);
    let (backend, erasing) = (log.backend.clone(), log.clone());
    // It was looked up what is ordered to be gone, and the records are not read yet. So too at the second look.
    let meddled = Meddling::new(backend, 2, move |time| {
        let (log, other) = (erasing.clone(), other.clone());
        Box::pin(async move { erase(&log, &other, time, Position(time)).await })
    });
    let meddled = Arc::new(meddled);
    let tree = tree(&log, &node, meddled.clone()).await;
    let inspected = tree.inspect(1, 1_000, PATIENCE).await.unwrap();
    assert_eq!((inspected.bad, inspected.to), (None, 3));
    assert_eq!(meddled.times(), 2, "it was erased between looks");
    assert!(node.engine.projections().damage().is_none(), "no alarm");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_goes_without_an_order_is_damage_however_often_one_looks() {
    let log = Log::new().await;
    let node = start(&log).await;
    for _ in 0..3 {
        node.record(1).await;
    }
    let backend = log.backend.clone();
    let destroying = backend.clone();
    let meddled = Meddling::new(backend, 1, move |_| {
        let backend = destroying.clone();
        Box::pin(async move {
            let mut append = backend.begin().await.unwrap();
            append.shred(&[Position(2)]).await.unwrap();
            append.commit().await.unwrap();
        })
    });
    let tree = tree(&log, &node, Arc::new(meddled)).await;
    let inspected = tree.inspect(1, 1_000, PATIENCE).await.unwrap();
    assert_eq!(inspected.bad, Some((2, "seal_broken")));
    assert!(node.engine.projections().damage().is_some());
}
