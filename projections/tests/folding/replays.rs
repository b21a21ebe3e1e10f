//! What is kept of replays: live, rebuilt, from a snapshot, and for how long.

use scaivault_domain::Event;
use scaivault_domain::access::Permission;
use scaivault_domain::id::ReplayId;
use scaivault_domain::policy::replay::{Base, KEPT_SECONDS, ReplayCreated, ReplayEvent, ReplayFilters};
use scaivault_projections::View;
use scaivault_projections::snapshot::Snapshots;
use tempfile::TempDir;

use crate::node::{Node, acme};

fn created(id: &str) -> ReplayEvent {
    ReplayEvent::Created(ReplayCreated {
        id: ReplayId::parse(id).unwrap(),
        base: Base::Recorded,
        from: crate::node::second(0),
        to: crate::node::second(1),
        since: crate::node::second(0),
        filters: ReplayFilters { permission: Some(Permission::Read), ..ReplayFilters::default() },
    })
}

async fn happened(node: &Node, revision: u64, events: Vec<ReplayEvent>) {
    let stream = node.stream(&acme(), "policy_replays", "");
    let drafts = (revision..).zip(events);
    let drafts = drafts.map(|(at, event)| node.draft(&acme(), stream, at, Event::Replay(event), Some("{}")));
    let committed = node.append(drafts.collect(), Vec::new(), Vec::new()).await;
    node.folded(committed).await;
}

/// Ids with how they ended, those that are open, the revision.
fn held(view: &View) -> (Vec<String>, Vec<String>, u64) {
    let set = view.replays.of(&acme());
    let of = |id: &str| {
        set.get(&ReplayId::parse(id).unwrap()).map(|held| format!("{id} {:?} {:?}", held.progress, held.end))
    };
    let open = view.replays.open().map(|(owner, held)| format!("{owner:?} {}", held.created.id));
    (["rpl_1", "rpl_2", "rpl_3"].into_iter().filter_map(of).collect(), open.collect(), set.revision().0)
}

#[tokio::test]
async fn replays_are_kept_live_rebuilt_and_in_snapshots_for_seven_days() {
    let node = Node::start().await;
    let id = |text: &str| ReplayId::parse(text).unwrap();
    let completed =
        ReplayEvent::Completed { id: id("rpl_1"), evaluated: 3, allowed_to_denied: 2, denied_to_allowed: 1 };
    let progressed = |name: &str, reached: u64| ReplayEvent::Progressed {
        id: id(name),
        from: 1,
        reached,
        to: 9,
        evaluated: reached,
        allowed_to_denied: 1,
        denied_to_allowed: 0,
    };
    let failed = ReplayEvent::Failed { id: id("rpl_2"), code: "internal_error".into(), message: "why".into() };
    happened(&node, 1, vec![created("rpl_1"), created("rpl_2"), created("rpl_3"), completed.clone(), failed]).await;
    let noted = vec![progressed("rpl_3", 2), progressed("rpl_3", 5), progressed("rpl_1", 7)];
    happened(&node, 6, noted).await;
    let live = held(&node.projections.view());
    assert_eq!((live.0.len(), live.1.len(), live.2), (3, 1, 8), "{live:?}");
    assert!(live.0[2].contains("reached: 5") && live.0[2].ends_with("None"), "{live:?}");
    // How one has ended stands.
    assert!(live.0[0].starts_with("rpl_1 None"), "{live:?}");
    happened(&node, 9, vec![ReplayEvent::Failed { id: id("rpl_1"), code: "x".into(), message: "y".into() }]).await;
    let live = held(&node.projections.view());
    assert!(live.0[0].contains("Completed") && live.2 == 9, "{live:?}");
    assert_eq!(held(&node.rebuild().await.view()), live);
    let directory = TempDir::new().unwrap();
    let snapshots = Snapshots::new(directory.path().to_owned(), node.sealer.clone());
    snapshots.write(&node.projections.freeze().await).unwrap();
    let read = snapshots.read(&snapshots.candidates()[0]).unwrap();
    assert_eq!(held(&read.view), live);

    node.at(KEPT_SECONDS - 1);
    node.write(&acme(), &crate::node::path("app/db"), "{}").await;
    assert_eq!(held(&node.projections.view()).0.len(), 3);
    node.at(KEPT_SECONDS);
    node.write(&acme(), &crate::node::path("app/db"), "{}").await;
    let left = held(&node.projections.view());
    assert_eq!((left.0.len(), left.1, left.2), (1, live.1, 9), "what has not ended stays");
}
