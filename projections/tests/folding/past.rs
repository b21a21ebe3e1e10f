//! The past of one owner: what is in it, what is not, and who waits for whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{join, join_all};
use scaivault_domain::access::Target;
use scaivault_domain::directory::{Change, IdentityEvent, Noted, Partner, Provenance, Status};
use scaivault_domain::id::UserId;
use scaivault_domain::installation::UserCreated;
use scaivault_domain::policy::PolicyEvent;
use scaivault_domain::{Event, IdentityId, Owner, PartnerId, Role};
use scaivault_eventstore::{Owner as KeyOwner, Position};
use scaivault_projections::past::Past;
use scaivault_projections::snapshot::Snapshots;
use scaivault_projections::{Frozen, View};
use tempfile::TempDir;

use crate::identities::{self, tenant, user};
use crate::node::{Node, acme, other, path};
use crate::policies::{self, binding, content, policy};

const PATIENCE: Duration = Duration::from_secs(20);

fn partner() -> Owner {
    Owner::Partner(PartnerId::parse("ptn_acme").unwrap())
}

fn target(owner: Owner) -> Target {
    Target { owner, partner: Some(PartnerId::parse("ptn_acme").unwrap()) }
}

/// Two tenants of a partner, with a policy, a secret and a user each; in the second one the first user came otherwise.
async fn filled() -> Node {
    let node = Node::start().await;
    node.sealer.keyring().ensure(&KeyOwner::Partner("ptn_acme".into()), &KeyOwner::Platform, 0).await.unwrap();
    let record = Partner {
        id: PartnerId::parse("ptn_acme").unwrap(),
        name: "Acme".into(),
        slug: "acme".into(),
        region: None,
        status: Status::Active,
        provenance: Provenance::local(),
    };
    let partner_created = IdentityEvent::Partner(Noted::single(Change::Created, record));
    let platform = vec![partner_created, tenant(&node, &acme(), false), tenant(&node, &other(), false)];
    identities::happen(&node, &Owner::Platform, 1, platform).await;
    let first = UserCreated {
        id: UserId::parse("usr_root").unwrap(),
        identity: IdentityId::user("root@other.example"),
        tenant_id: other().tenant().unwrap().clone(),
        partner_id: PartnerId::parse("ptn_acme").unwrap(),
        display_name: "Root".into(),
        roles: vec![Role::TenantAdmin],
    };
    let stream = node.stream(&other(), "user", "root");
    let draft = node.draft(&other(), stream, 1, Event::UserCreated(first), None);
    node.folded(node.append(vec![draft], Vec::new(), Vec::new()).await).await;
    for (name, owner) in [("a", acme()), ("b", other()), ("p", partner())] {
        let created = PolicyEvent::Created { id: policy(name), content: content(name, "app/*") };
        let bound = PolicyEvent::Bound(binding(&format!("bnd_{name}"), name, IdentityId::user("x@acme.example")));
        policies::happen(&node, &owner, 1, vec![created, bound]).await;
        if owner.tenant().is_some() {
            let email = format!("{name}@acme.example");
            let somebody = user(&node, &format!("usr_{name}"), &email, Status::Active);
            identities::happen(&node, &owner, 1, vec![somebody]).await;
            node.write(&owner, &path("app/db"), "{}").await;
        }
    }
    node
}

/// What of a view an answer about the first tenant is made of.
fn told(view: &View) -> Vec<String> {
    let mut told = Vec::new();
    for owner in [acme(), partner()] {
        let policies = view.policies.of(&owner).newest_first().map(|held| format!("{held:?}"));
        told.extend(policies);
        told.extend(view.secrets(&owner).with_prefix("").map(|(path, held)| format!("{path} {:?}", held.secret)));
    }
    for owner in [acme(), other()] {
        let id = owner.tenant().unwrap();
        told.push(format!("{:?}", view.installation.tenant(id)));
        let mut users: Vec<_> = view.installation.people(id).users().map(|held| format!("{held:?}")).collect();
        users.sort();
        told.extend(users);
    }
    told.push(format!("{:?}", view.installation.partners().collect::<Vec<_>>()));
    told.push(format!("{} {:?} {:?}", view.applied, view.leaf, view.tree));
    told
}

#[tokio::test]
async fn an_owner_s_past_has_what_its_answers_need_and_no_more() {
    let node = filled().await;
    let then = node.projections.view();
    node.write(&acme(), &path("later"), "{}").await;
    node.write(&other(), &path("later"), "{}").await;
    let directory = TempDir::new().unwrap();
    let snapshots = Snapshots::new(directory.path().to_owned(), node.sealer.clone());
    let plain = Past::new(node.history(), node.projections.clone());
    // From the beginning, and from a snapshot of everybody's.
    snapshots.write(&Frozen { view: View::clone(&then), ..Frozen::default() }).unwrap();
    let resuming = Past::new(node.history(), node.projections.clone()).resuming(Some(snapshots));
    let position = then.applied;
    for past in [plain, resuming].map(Arc::new) {
        let view = past.view(&target(acme()), position, PATIENCE).await.unwrap();
        assert_eq!(told(&view), told(&then));
        assert!(view.secrets(&other()).is_empty(), "secrets of others are not in it");
        assert!(view.policies.of(&other()).is_empty(), "nor are their policies");
        let sister = view.installation.people(other().tenant().unwrap());
        assert_eq!(sister.users().count(), 2, "who is in a sister tenant, is");
        let later = past.view(&target(acme()), position.next(), PATIENCE).await.unwrap();
        assert_eq!(later.secrets(&acme()).len(), 2, "it goes on from there");
        let again = past.view(&target(acme()), position, Duration::ZERO).await.unwrap();
        assert!(Arc::ptr_eq(&view, &again), "and is kept");
        let of_other = past.view(&target(other()), position, PATIENCE).await.unwrap();
        assert_eq!((of_other.secrets(&other()).len(), of_other.secrets(&acme()).len()), (1, 0), "for its owner alone");
        let alone = Target { owner: acme(), partner: None };
        let alone = past.view(&alone, position, PATIENCE).await.unwrap();
        assert!(alone.policies.of(&partner()).is_empty(), "what belongs to a partner is its partner's");
    }
}

#[tokio::test]
async fn nobody_waits_for_all_that_another_one_asks() {
    let node = filled().await;
    for _ in 0..40 {
        node.write(&acme(), &path("app/db"), "{}").await;
    }
    let end = node.projections.applied().0;
    let past = Arc::new(Past::new(node.history(), node.projections.clone()));
    let (busy, quiet) = (target(acme()), target(other()));
    let done = AtomicUsize::new(0);
    let many = (end - 40..end).map(|position| {
        let (past, busy, done) = (&past, &busy, &done);
        async move {
            past.view(busy, Position(position), PATIENCE).await.unwrap();
            done.fetch_add(1, Ordering::SeqCst);
        }
    });
    let one = async {
        past.view(&quiet, Position(end - 1), PATIENCE).await.unwrap();
        done.load(Ordering::SeqCst)
    };
    let (_, before) = join(join_all(many), one).await;
    assert!(before < 10, "{before} of 40 came first");
}

#[tokio::test]
async fn what_is_destroyed_is_in_no_view_of_the_past() {
    let node = filled().await;
    let then = node.projections.applied();
    node.write(&other(), &path("later"), "{}").await;
    let past = Arc::new(Past::new(node.history(), node.projections.clone()));
    for owner in [acme(), other()] {
        let view = past.view(&target(owner.clone()), then, PATIENCE).await.unwrap();
        assert_eq!(view.secrets(&owner).len(), 1);
    }
    identities::happen(&node, &Owner::Platform, 4, vec![tenant(&node, &acme(), true)]).await;
    node.sealer.keyring().destroy(&KeyOwner::Tenant("tnt_acme".into())).await.unwrap();
    let id = acme().tenant().unwrap().clone();
    let shredded = IdentityEvent::TenantShredded { id: id.clone(), at: node.now() };
    identities::happen(&node, &Owner::Platform, 5, vec![shredded]).await;
    let of_it = past.view(&target(acme()), then, PATIENCE).await.unwrap();
    assert!(of_it.secrets(&acme()).is_empty() && of_it.policies.of(&acme()).is_empty());
    let of_sister = past.view(&target(other()), then, PATIENCE).await.unwrap();
    assert_eq!(of_sister.secrets(&other()).len(), 1);
    assert_eq!(of_sister.installation.people(&id).users().count(), 0, "nor of another's");
}
