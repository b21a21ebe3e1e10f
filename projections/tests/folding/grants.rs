//! Who could use a permission: groups stand for their members of that time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::poll_immediate;
use scaivault_domain::access::{Permission, Target};
use scaivault_domain::directory::Status;
use scaivault_domain::policy::PolicyEvent;
use scaivault_domain::{IdentityId, Timestamp};
use scaivault_eventstore::Position;
use scaivault_projections::View;
use scaivault_projections::grants::{Grant, Grants, Through};
use scaivault_projections::past::Past;

use crate::node::{Node, acme, path};
use crate::{identities, policies};

/// Who, through which group, by which binding; those of roles are left out.
fn told(grants: &[Grant]) -> Vec<String> {
    let by_rule = grants.iter().filter_map(|grant| match &grant.through {
        Through::Role(_) => None,
        Through::Rule { policy, rule_index, binding, via_group } => {
            let via = via_group.as_ref().map(ToString::to_string).unwrap_or_default();
            Some(format!("{} {} {rule_index} {binding} {via}", grant.identity, policy.content.name))
        }
    });
    by_rule.collect()
}

fn target() -> Target {
    Target { owner: acme(), partner: None }
}

fn readers(view: &View, at: Timestamp, identity: Option<&str>) -> Vec<String> {
    let target = target();
    let identity = identity.map(IdentityId::user);
    told(&Grants::new(view, &target, at, Permission::Read).on_path("app/db", identity.as_ref(), None, 100))
}

#[tokio::test]
async fn groups_stand_for_their_members_of_that_time() {
    let node = Node::start().await;
    node.write(&acme(), &path("app/db"), "{}").await;
    let people = vec![
        identities::user(&node, "usr_a", "a@acme.example", Status::Active),
        identities::user(&node, "usr_b", "b@acme.example", Status::Active),
        identities::user(&node, "usr_c", "c@acme.example", Status::Suspended),
        identities::group(&node, "all", &[]),
        identities::group(&node, "sre", &["all"]),
        identities::member(&node, "sre", "usr_a", true),
        identities::member(&node, "all", "usr_b", true),
        identities::member(&node, "all", "usr_c", true),
    ];
    let count = people.len() as u64;
    identities::happen(&node, &acme(), 1, people).await;
    let events = vec![
        PolicyEvent::Created { id: policies::policy("p"), content: policies::content("p", "app/*") },
        PolicyEvent::Bound(policies::binding("bnd_1", "p", IdentityId::group("sre"))),
        PolicyEvent::Bound(policies::binding("bnd_2", "p", IdentityId::group("all"))),
        PolicyEvent::Bound(policies::binding("bnd_3", "p", IdentityId::user("b@acme.example"))),
        PolicyEvent::Bound(policies::binding("bnd_4", "p", IdentityId::user("unknown@acme.example"))),
    ];
    policies::happen(&node, &acme(), 1, events).await;
    let then = node.projections.applied();
    let all = [
        "user:a@acme.example p 0 bnd_2 group:all",
        "user:b@acme.example p 0 bnd_3 ",
        "user:unknown@acme.example p 0 bnd_4 ",
    ];
    assert_eq!(readers(&node.projections.view(), node.now(), None), all, "each once, whom a binding names by that");

    // The groups change, and somebody goes.
    let later = vec![
        identities::member(&node, "sre", "usr_a", false),
        identities::member(&node, "all", "usr_b", false),
        identities::user(&node, "usr_b", "b@acme.example", Status::Deleted),
    ];
    identities::happen(&node, &acme(), count + 1, later).await;
    node.write(&acme(), &path("app/db"), "{}").await;
    assert_eq!(readers(&node.projections.view(), node.now(), None), all[2..]);
    let past = Arc::new(Past::new(node.history(), node.projections.clone()));
    let view = past.view(&target(), then, Duration::from_secs(20)).await.unwrap();
    assert_eq!(readers(&view, node.now(), None), all, "as it was");
    for (row, email) in all.iter().zip(["a@acme.example", "b@acme.example", "unknown@acme.example"]) {
        assert_eq!(readers(&view, node.now(), Some(email)), [*row], "asked about one");
    }
    let acme = target();
    let grants = Grants::new(&view, &acme, node.now(), Permission::Read);
    let of_one = grants.of_identity(&IdentityId::user("b@acme.example"), None, 10);
    assert_eq!(of_one.iter().map(|grant| grant.path.as_ref()).collect::<Vec<_>>(), ["app/db"]);
    let start = past.view(&target(), Position(0), Duration::from_secs(20)).await.unwrap();
    assert!(readers(&start, node.now(), None).is_empty());
}

#[tokio::test]
async fn who_does_not_wait_finds_it_later() {
    let node = Node::start().await;
    for _ in 0..20 {
        node.write(&acme(), &path("app/db"), "{}").await;
    }
    let past = Arc::new(Past::new(node.history(), Arc::default()));
    let target = target();
    let impatient = past.view(&target, Position(10), Duration::from_secs(20));
    assert!(poll_immediate(impatient).await.is_none(), "it is on its way, and nobody waits for it any more");
    let view = past.view(&target, Position(10), Duration::from_secs(20)).await.unwrap();
    assert_eq!(view.applied, Position(10));
    let again = past.view(&target, Position(10), Duration::ZERO).await.unwrap();
    assert!(Arc::ptr_eq(&view, &again), "it is kept");
    assert!(past.view(&target, Position(1_000), Duration::from_secs(20)).await.is_err(), "beyond the end");
}
