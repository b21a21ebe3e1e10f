//! Outcomes kept for repetitions, and forgotten in time.

use scaivault_domain::idempotency::OutcomeKept;
use scaivault_domain::{Event, IdentityId};
use scaivault_eventstore::Revision;
use scaivault_projections::outcomes::OutcomeKey;

use crate::node::{Node, acme, other, path, second};

fn identity() -> IdentityId {
    IdentityId::user("alice@acme.example")
}

fn key() -> OutcomeKey {
    OutcomeKey { owner: acme(), identity: identity(), key_sha256: "ab".into() }
}

async fn keep(node: &Node, revision: u64, ends: i64, body: &str) {
    let kept = OutcomeKept {
        identity: identity(),
        key_sha256: "ab".into(),
        request_sha256: "cd".into(),
        status: 201,
        etag: None,
        expires_at: second(ends),
    };
    let stream = node.stream(&acme(), "outcome", "ab");
    let draft = node.draft(&acme(), stream, revision, Event::OutcomeKept(kept), Some(body));
    node.folded(node.append(vec![draft], Vec::new(), Vec::new()).await).await;
}

async fn body(node: &Node, now: i64) -> Option<String> {
    let view = node.projections.view();
    let held = view.outcomes.find(&key(), second(now))?;
    assert!(held.has_body);
    let opened = node.reader().part(held.position.0).await.unwrap().unwrap();
    Some(String::from_utf8(opened.to_vec()).unwrap())
}

#[tokio::test]
async fn an_outcome_is_found_until_its_time_has_passed() {
    let node = Node::start().await;
    keep(&node, 1, 100, "first").await;
    assert_eq!(body(&node, 0).await.as_deref(), Some("first"));
    assert_eq!(body(&node, 99).await.as_deref(), Some("first"));
    assert_eq!(body(&node, 100).await, None, "although nothing was folded since");
    let view = node.projections.view();
    for stranger in [
        OutcomeKey { owner: other(), ..key() },
        OutcomeKey { identity: IdentityId::user("bob@acme.example"), ..key() },
        OutcomeKey { key_sha256: "ef".into(), ..key() },
    ] {
        assert!(view.outcomes.find(&stranger, second(0)).is_none());
    }
}

#[tokio::test]
async fn a_forgotten_outcome_keeps_its_revision() {
    let node = Node::start().await;
    assert_eq!(node.projections.view().outcomes.revision(&key()), Revision::NONE);
    keep(&node, 1, 100, "first").await;
    // An hour past its time, in which the sweeper destroys its key.
    node.at(3_700);
    node.write(&acme(), &path("app/db"), "{}").await;
    let view = node.projections.view();
    assert!(view.outcomes.find(&key(), second(0)).is_none(), "dropped as the fold goes on");
    assert_eq!(view.outcomes.revision(&key()), Revision(1));
    keep(&node, 2, 3_900, "second").await;
    assert_eq!(body(&node, 3_800).await.as_deref(), Some("second"));
    assert_eq!(node.projections.view().outcomes.revision(&key()), Revision(2));
}

#[tokio::test]
async fn the_end_of_an_earlier_use_does_not_end_a_later_one() {
    let node = Node::start().await;
    keep(&node, 1, 100, "first").await;
    keep(&node, 2, 300, "second").await;
    node.at(200);
    node.write(&acme(), &path("app/db"), "{}").await;
    assert_eq!(body(&node, 200).await.as_deref(), Some("second"));
}
