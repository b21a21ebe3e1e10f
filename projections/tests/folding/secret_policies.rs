//! Secret policies and who names them: live, rebuilt and from a snapshot they are the same.

use std::sync::Arc;

use scaivault_domain::context::Found;
use scaivault_domain::secret::delete::{self, DeleteSecret};
use scaivault_domain::secret::options::OptionsChange;
use scaivault_domain::secret::update::{self, UpdateSecret};
use scaivault_domain::secret::{Condition, SecretEvent};
use scaivault_domain::secret_policy::{
    Content, PolicyType, PolicyUid, SecretPolicyEvent, SecretPolicyId, SecretPolicyReference,
};
use scaivault_domain::{Context, Event};
use scaivault_projections::View;
use scaivault_projections::snapshot::Snapshots;
use tempfile::TempDir;

use crate::node::{Node, acme, other, path};

fn uid(number: u64) -> PolicyUid {
    PolicyUid(ulid::Ulid::from_parts(number, u128::MAX >> 48))
}

fn id(name: &str) -> SecretPolicyId {
    SecretPolicyId::of_name(name).unwrap()
}

fn content(name: &str) -> Content {
    let field = serde_json::json!({"name": "a", "generator": "hex", "config": {"length": 4}});
    Content {
        name: name.into(),
        description: "".into(),
        policy_type: PolicyType::Custom,
        fields: vec![serde_json::from_value(field).unwrap()],
        is_active: true,
    }
}

async fn happen(node: &Node, events: Vec<SecretPolicyEvent>) {
    let stream = node.stream(&acme(), "secret_policies", "");
    let revision = node.projections.view().secret_policies.of(&acme()).revision().0;
    let drafts = (revision + 1..).zip(events);
    let drafts =
        drafts.map(|(revision, event)| node.draft(&acme(), stream, revision, Event::SecretPolicy(event), None));
    let committed = node.append(drafts.collect(), Vec::new(), Vec::new()).await;
    node.folded(committed).await;
}

fn reference(name: &str, number: u64) -> SecretPolicyReference {
    SecretPolicyReference { id: id(name), uid: uid(number) }
}

async fn attach(node: &Node, to: &str, name: &str, number: u64) {
    let found = Found { secret_policy: Some(Arc::new(reference(name, number))), ..Found::default() };
    let secret_policy_id = Some(Some(id(name).as_str().into()));
    let command = UpdateSecret {
        path: path(to),
        metadata: None,
        options: OptionsChange { secret_policy_id, ..OptionsChange::default() },
        condition: Condition::default(),
    };
    let decide = |secret: Option<&_>, context: &Context| {
        update::decide(secret, &command, &Context { found: found.clone(), ..context.clone() })
    };
    node.command(&acme(), &path(to), "", decide).await.unwrap();
}

/// Two policies of which one was renamed, one that is gone, and three secrets.
async fn filled() -> Node {
    let node = Node::start().await;
    let created =
        |name: &str, number| SecretPolicyEvent::Created { id: id(name), uid: uid(number), content: content(name) };
    happen(&node, vec![created("One", 1), created("two", 2), created("Three", 3)]).await;
    for name in ["app/a", "app/b", "app/c"] {
        node.write(&acme(), &path(name), "{}").await;
        attach(&node, name, "One", 1).await;
    }
    attach(&node, "app/b", "Three", 3).await;
    let renamed = SecretPolicyEvent::Updated { id: id("One"), content: content("Zero!") };
    happen(&node, vec![renamed, SecretPolicyEvent::Deleted { id: id("Three") }]).await;
    node
}

fn check(view: &View, node: &Node) {
    let policies = view.secret_policies.of(&acme());
    let names: Vec<&str> = policies.by_name(None).map(|(name, _)| name).collect();
    assert_eq!(names, ["two", "zero!"]);
    assert_eq!(policies.by_name(Some("two")).count(), 1);
    assert_eq!(policies.revision().0, 5);
    for taken in ["ZERO!", "zero", "one", "O-N-E".replace("-", "").as_str(), "Two "] {
        assert!(policies.is_taken(taken, None), "{taken}");
    }
    assert!(!policies.is_taken("three", None) && !policies.is_taken("one", Some(&id("One"))));
    assert_eq!(view.secret_policies.of(&other()).by_name(None).count(), 0);
    // Who names what: also what is gone is counted, and means nothing.
    let secrets = view.secrets(&acme());
    let naming = [1, 2, 3].map(|number| secrets.naming(uid(number), node.now()));
    assert_eq!(naming, [2, 0, 1]);
    let held = |name: &str| secrets.held(name).unwrap().secret.clone();
    assert_eq!(policies.named_by(&held("app/a"), None), Some("sp_one"));
    assert_eq!(policies.named_by(&held("app/b"), None), None);
    assert!(policies.referred(&reference("One", 1)).is_some() && policies.referred(&reference("One", 2)).is_none());
    // It was there until it went.
    assert!(policies.was_there(&reference("Three", 3), node.now().plus_seconds(-1)));
    assert!(!policies.was_there(&reference("Three", 3), node.now()));
}

#[tokio::test]
async fn live_rebuilt_and_from_a_snapshot_they_are_the_same() {
    let (node, directory) = (filled().await, TempDir::new().unwrap());
    check(&node.projections.view(), &node);
    check(&node.rebuild().await.view(), &node);
    let snapshots = Snapshots::new(directory.path().join("snapshots"), node.sealer.clone());
    snapshots.write(&node.projections.freeze().await).unwrap();
    check(&snapshots.read(&snapshots.candidates()[0]).unwrap().view, &node);
}

#[tokio::test]
async fn secrets_that_end_name_nothing() {
    let node = filled().await;
    let naming = |node: &Node| node.projections.view().secrets(&acme()).naming(uid(1), node.now());
    let delete =
        |permanent| DeleteSecret { path: path("app/a"), version: None, permanent, condition: Condition::default() };
    let soft = delete(false);
    node.command(&acme(), &path("app/a"), "", |secret, context| delete::decide(secret, &soft, context)).await.unwrap();
    assert_eq!(naming(&node), 2, "it can be restored");
    let until = node.now().plus_seconds(30 * 86_400);
    let secrets = node.projections.view();
    assert_eq!(secrets.secrets(&acme()).naming(uid(1), until), 1, "its time is over, though nobody has swept");
    let hard = delete(true);
    node.command(&acme(), &path("app/a"), "", |secret, context| delete::decide(secret, &hard, context)).await.unwrap();
    assert_eq!(naming(&node), 1);
    let detached = SecretEvent::MetadataUpdated {
        version: Some(1),
        metadata: None,
        options: Some(scaivault_domain::secret::Options {
            secret_policy: None,
            ..node.projections.view().secrets(&acme()).held("app/c").unwrap().secret.options.clone()
        }),
        expires_at: None,
    };
    node.happened(&acme(), &path("app/c"), vec![detached], "").await;
    assert_eq!(naming(&node), 0);
}
