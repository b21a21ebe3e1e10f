//! The fold stops at what it cannot be sure of, says where, and never skips.

use std::sync::Arc;
use std::time::Duration;

use scaivault_eventstore::log::{Backend, Entry, SqliteBackend, Unit};
use scaivault_eventstore::sealing::root::EphemeralRoot;
use scaivault_eventstore::sealing::{Draft, Keyring, Sealer};
use scaivault_eventstore::{Owner as KeyOwner, Position};
use scaivault_projections::owners::key_owner;
use scaivault_projections::{Projections, ProjectorState};

use crate::node::{Node, acme, path};

/// Two good records, then a bad one, then a good one.
async fn around(bad: impl AsyncFnOnce(&Node)) -> (Node, String) {
    let node = Node::start().await;
    node.write(&acme(), &path("a"), "{}").await;
    node.write(&acme(), &path("b"), "{}").await;
    bad(&node).await;
    let stream = node.stream(&acme(), "secret", "c");
    let event = node.projections.view().secrets(&acme()).held("a").unwrap().secret.clone();
    let created = scaivault_domain::secret::SecretEvent::Created {
        secret_type: event.versions[0].secret_type,
        metadata: event.metadata.clone(),
        options: event.options.clone(),
        expires_at: None,
    };
    let after = node.draft(&acme(), stream, 1, scaivault_domain::Event::Secret(path("c"), created), Some("{}"));
    let last = node.append(vec![after], Vec::new(), Vec::new()).await.last;
    assert!(last > Position(3));
    assert!(!node.projections.wait_for(last, Duration::from_secs(20)).await, "nobody waits for what never comes");
    let ProjectorState::Stopped(text) = node.projections.state() else { panic!("it goes on") };
    assert_eq!(node.projections.applied(), Position(2));
    let view = node.projections.view();
    assert_eq!(view.secrets(&acme()).len(), 2);
    assert!(view.secrets(&acme()).held("c").is_none(), "nothing is skipped");
    (node, text)
}

/// Seals any text as an event of that type.
async fn sealed(node: &Node, kind: &'static str, schema_version: u16, json: &str) {
    let event = scaivault_domain::Event::ClockMoved(scaivault_domain::installation::ClockMoved { offset_micros: 0 });
    let stream = node.stream(&acme(), "odd", "odd");
    let draft = node.draft(&acme(), stream, 1, event, None);
    let odd = Draft { kind: kind.into(), schema_version, json: json.into(), ..draft };
    node.append(vec![odd], Vec::new(), Vec::new()).await;
}

#[tokio::test]
async fn at_a_body_that_is_no_event() {
    let (_, text) = around(async |node| sealed(node, "secret.created", 1, "{}").await).await;
    assert_eq!(text, "log is damaged at position 3: event body of type secret.created is malformed");
}

#[tokio::test]
async fn at_an_event_of_a_later_build() {
    for (kind, version) in [("secret.renamed", 1), ("secret.created", 2)] {
        let (_, text) = around(async |node| sealed(node, kind, version, "{}").await).await;
        assert!(text.contains("position 3") && text.contains("upgrade"), "{text}");
    }
}

#[tokio::test]
async fn at_a_record_that_does_not_open() {
    let (node, text) = around(async |node| {
        let event =
            scaivault_domain::Event::ClockMoved(scaivault_domain::installation::ClockMoved { offset_micros: 0 });
        let stream = node.stream(&acme(), "odd", "odd");
        let command_id = node.command_id();
        let draft = || node.draft(&acme(), stream, 1, event.clone(), None);
        // Sealed for one command, appended by another.
        let records = node.sealer.seal_unit(node.command_id(), vec![draft()]).unwrap();
        node.appender.append(Unit { command_id, records, entries: Vec::new(), shred: Vec::new() }).await.unwrap();
    })
    .await;
    assert_eq!(text, "log is damaged at position 3: the seal of the body does not match its place");
    // A start after that stops as well, and tells the same.
    let again: Arc<Projections> = Arc::default();
    let error = Arc::clone(&again).run(node.feed.reader(Position::START), node.sealer.clone()).await;
    assert_eq!(error.to_string(), text);
    assert!(again.applied() < Position(3));
    assert_eq!(again.state(), ProjectorState::Stopped(text));
}

#[tokio::test]
async fn at_an_entry_that_is_none() {
    let (_, text) = around(async |node| {
        let entry = Entry { owner: key_owner(&acme()), json: "{\"action\":1}".into(), detail: None };
        node.append(Vec::new(), vec![entry], Vec::new()).await;
    })
    .await;
    assert!(text.starts_with("log is damaged at position 3: an entry is malformed"), "{text}");
}

#[tokio::test]
async fn not_at_a_key_that_another_process_made_since() {
    let memory = SqliteBackend::open(None).await.unwrap();
    memory.migrate().await.unwrap();
    let backend: Arc<dyn Backend> = Arc::new(memory);
    let root = EphemeralRoot::new().unwrap();
    let open = async || Keyring::open_or_create(Arc::clone(&backend), &root, 1).await.unwrap();
    let (ours, theirs) = (open().await, open().await);
    theirs.ensure(&key_owner(&acme()), &KeyOwner::Platform, 1).await.unwrap();
    let node = Node::with(Arc::clone(&backend), Sealer::new(Arc::new(theirs))).await;
    node.write(&acme(), &path("a"), "{\"a\":1}").await;

    let projections: Arc<Projections> = Arc::default();
    let sealer = Sealer::new(Arc::new(ours));
    tokio::spawn(Arc::clone(&projections).run(node.feed.reader(Position::START), sealer.clone()));
    assert!(projections.wait_for(Position(1), Duration::from_secs(20)).await, "{:?}", projections.state());
    let view = projections.view();
    let position = view.secrets(&acme()).held("a").unwrap().secret.versions[0].position;
    let value = projections.values().at(position).unwrap();
    assert_eq!(sealer.open_value(&value).unwrap().as_slice(), b"{\"a\":1}");
}
