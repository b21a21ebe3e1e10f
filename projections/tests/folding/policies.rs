//! Access policies: what counts for whom, live, rebuilt and from a snapshot; and decisions looked up again.

use scaivault_domain::access::Permission;
use scaivault_domain::id::BindingId;
use scaivault_domain::policy::{
    Asked, Binding, Candidates, Conditions, Content, PolicyEvent, Recollection, Rule, permitting,
};
use scaivault_domain::{Event, IdentityId, Owner, Pattern, PolicyId};
use scaivault_eventstore::log::Entry;
use scaivault_projections::View;
use scaivault_projections::audit::{Filter, Order, Sizes};
use scaivault_projections::decisions::RecordedDecision;
use scaivault_projections::snapshot::Snapshots;
use tempfile::TempDir;

use crate::audit::Indexed;
use crate::node::{Node, Read, acme, other};

pub fn policy(name: &str) -> PolicyId {
    PolicyId::parse(&format!("pol_{name}")).unwrap()
}

pub fn content(name: &str, pattern: &str) -> Content {
    let path_pattern = Pattern::parse(pattern).unwrap();
    let rule = Rule { path_pattern, permissions: vec![Permission::Read], conditions: Conditions::default() };
    Content { name: name.into(), description: None, rules: vec![rule], is_active: true }
}

fn group(name: &str) -> IdentityId {
    IdentityId::parse(&format!("group:{name}")).unwrap()
}

pub fn binding(id: &str, of: &str, identity: IdentityId) -> Binding {
    Binding { id: BindingId::parse(id).unwrap(), policy_id: policy(of), identity, expires_at: None }
}

pub async fn happen(node: &Node, owner: &Owner, revision: u64, events: Vec<PolicyEvent>) {
    let stream = node.stream(owner, "policies", "");
    let drafts = (revision..).zip(events);
    let drafts =
        drafts.map(|(revision, event)| node.draft(owner, stream, revision, Event::Policy(event), None)).collect();
    let committed = node.append(drafts, Vec::new(), Vec::new()).await;
    node.folded(committed).await;
}

/// Policies of a tenant: `a` is for the group sre, `b` for oncall, `c` for both.
async fn filled() -> Node {
    let node = Node::start().await;
    let created =
        |name: &str, pattern: &str| PolicyEvent::Created { id: policy(name), content: content(name, pattern) };
    let events = vec![
        created("a", "app/*"),
        created("b", "web/*"),
        created("c", "both/*"),
        PolicyEvent::Bound(binding("bnd_1", "a", group("sre"))),
        PolicyEvent::Bound(binding("bnd_2", "b", group("oncall"))),
        PolicyEvent::Bound(binding("bnd_3", "c", group("sre"))),
        PolicyEvent::Bound(Binding {
            expires_at: Some(node.now().plus_seconds(60)),
            ..binding("bnd_4", "c", group("oncall"))
        }),
    ];
    happen(&node, &acme(), 1, events).await;
    node
}

/// Which of three paths a group may read now.
fn readable(node: &Node, view: &View, owner: &Owner, name: &str) -> Vec<&'static str> {
    let subject = view.policies.of(owner).subject(&group(name));
    let candidates = Candidates::new(subject.into_iter().collect());
    let at = node.now();
    let mut paths = vec!["app/db", "web/db", "both/db"];
    paths.retain(|path| {
        let asked = Asked { permission: Permission::Read, path, address: None, mfa_verified_at: None, at };
        permitting(&candidates, &asked).is_some()
    });
    paths
}

fn check(node: &Node, view: &View) {
    let set = view.policies.of(&acme());
    assert_eq!((set.revision().0, set.len(), set.get(&policy("c")).unwrap().bindings.len()), (7, 3, 2));
    assert_eq!((set.named("b"), set.named("d")), (Some(&policy("b")), None));
    assert_eq!(readable(node, view, &acme(), "sre"), ["app/db", "both/db"]);
    assert_eq!(readable(node, view, &acme(), "oncall"), ["web/db", "both/db"]);
    assert!(readable(node, view, &acme(), "others").is_empty());
    assert!(readable(node, view, &other(), "sre").is_empty(), "another tenant's group of that name");
    assert_eq!(set.ended(node.now()).count(), 0);
    let ended: Vec<_> = set.ended(node.now().plus_seconds(60)).map(|held| held.binding.id.as_str()).collect();
    assert_eq!(ended, ["bnd_4"]);
    let bound: Vec<_> = set.bindings_of(&group("sre")).map(|held| held.binding.policy_id.as_str()).collect();
    assert_eq!(bound, ["pol_a", "pol_c"]);
}

#[tokio::test]
async fn live_rebuilt_and_from_a_snapshot_they_are_the_same() {
    let (node, directory) = (filled().await, TempDir::new().unwrap());
    check(&node, &node.projections.view());
    check(&node, &node.rebuild().await.view());
    let snapshots = Snapshots::new(directory.path().join("snapshots"), node.sealer.clone());
    snapshots.write(&node.projections.freeze().await).unwrap();
    let candidate = &snapshots.candidates()[0];
    check(&node, &snapshots.read(candidate).unwrap().view);
}

#[tokio::test]
async fn a_change_counts_for_whom_it_concerns_and_not_for_views_taken_before() {
    let node = filled().await;
    let before = node.projections.view();
    assert_eq!(readable(&node, &before, &acme(), "sre"), ["app/db", "both/db"]);
    let inactive = Content { is_active: false, ..content("c", "both/*") };
    let events = vec![
        PolicyEvent::Updated { id: policy("a"), revision: 2, content: content("a2", "web/*") },
        PolicyEvent::Updated { id: policy("c"), revision: 2, content: inactive },
    ];
    happen(&node, &acme(), 8, events).await;
    let after = node.projections.view();
    assert_eq!(readable(&node, &after, &acme(), "sre"), ["web/db"]);
    assert_eq!(readable(&node, &after, &acme(), "oncall"), ["web/db"]);
    assert_eq!(readable(&node, &before, &acme(), "sre"), ["app/db", "both/db"]);
    let names = |name: &str| after.policies.of(&acme()).named(name).cloned();
    assert_eq!((names("a"), names("a2")), (None, Some(policy("a"))));

    let unbound = |id: &str, of: &str, identity| {
        let Binding { id, policy_id, identity, .. } = binding(id, of, identity);
        PolicyEvent::Unbound { id, policy_id, identity, expired: false }
    };
    let deleted = PolicyEvent::Deleted { id: policy("a"), revision: 2, name: "a2".into(), rule_count: 1 };
    let renewed =
        PolicyEvent::Renewed { id: BindingId::parse("bnd_4").unwrap(), policy_id: policy("c"), expires_at: None };
    happen(&node, &acme(), 10, vec![unbound("bnd_1", "a", group("sre")), deleted, renewed]).await;
    let last = node.projections.view();
    let set = last.policies.of(&acme());
    assert!(readable(&node, &last, &acme(), "sre").is_empty());
    assert_eq!((set.len(), set.named("a2"), set.get(&policy("a")).is_none()), (2, None, true));
    assert_eq!(set.ended(node.now().plus_seconds(100_000)).count(), 0, "it has no end any more");
    let kept = set.binding(&policy("c"), &group("oncall")).unwrap();
    assert_eq!((kept.binding.id.as_str(), kept.binding.expires_at), ("bnd_4", None));
}

/// An entry of a request, with what is kept of its decision.
fn decided(node: &Node, owner: &Owner, request_id: &str, path: &str) -> Entry {
    let entry = Read { identity: "user:bob@acme.example", path, version: 1, at: node.now() }.entry(owner);
    let json = entry.json.replace(r#""request_id":"req_1""#, &format!(r#""request_id":"{request_id}""#)).into();
    let kept = Recollection { denial: Some("insufficient_scope".into()), ..Recollection::default() };
    Entry { json, detail: Some(serde_json::to_string(&kept).unwrap().into()), ..entry }
}

#[tokio::test]
async fn decisions_are_found_by_request_in_their_own_tenant() {
    let node = Node::start().await;
    for (owner, request, path) in [
        (acme(), "mine", "app/one"),
        (acme(), "mine", "app/two"),
        (other(), "mine", "app/three"),
        (acme(), "his", "app/four"),
    ] {
        node.audited(vec![decided(&node, &owner, request, path)]).await;
    }
    let indexed = Indexed::of(&node, Sizes::default()).await;
    indexed.caught_up(&node).await;
    let found = async |owner: Owner, request: &str| -> Vec<String> {
        let filter = Filter { request_id: Some(request.into()), ..Filter::default() };
        let page = indexed.page(&[owner], &filter, Order::OldestFirst, None, 10).await;
        let found: Vec<_> = page.entries.iter().map(|entry| RecordedDecision::of(entry).unwrap()).collect();
        assert!(found.iter().all(|decision| decision.recollection.denial.as_deref() == Some("insufficient_scope")));
        found.into_iter().map(|decision| decision.path.unwrap()).collect()
    };
    assert_eq!(found(acme(), "mine").await, ["app/one", "app/two"]);
    assert_eq!(found(other(), "mine").await, ["app/three"]);
    assert_eq!(found(acme(), "his").await, ["app/four"]);
    assert!(found(other(), "his").await.is_empty() && found(acme(), "min").await.is_empty());
}
