//! Time travel: the fold of one stream that stops earlier.

use std::sync::Arc;

use scaivault_domain::secret::delete::{self, DeleteSecret};
use scaivault_domain::secret::restore::{self, RestoreSecret};
use scaivault_domain::secret::{Condition, Secret, SecretEvent, SecretType};
use scaivault_domain::{Event, SecretPath};

use crate::node::{Node, acme, path, second};

async fn delete(node: &Node, path: &SecretPath, version: Option<u32>, permanent: bool) {
    let command = DeleteSecret { path: path.clone(), version, permanent, condition: Condition::default() };
    node.command(&acme(), path, "", |secret, context| delete::decide(secret, &command, context)).await.unwrap();
}

async fn secret_at(node: &Node, path: &SecretPath, seconds: i64) -> Option<Secret> {
    let stream = node.stream(&acme(), "secret", path.as_str());
    node.history().secret_at(stream, second(seconds)).await.unwrap()
}

async fn current_at(node: &Node, path: &SecretPath, seconds: i64) -> Option<u32> {
    secret_at(node, path, seconds).await.and_then(|secret| secret.current_number())
}

#[tokio::test]
async fn each_moment_has_its_state() {
    let node = Node::start().await;
    let place = path("app/db");
    for (at, value) in [(10, "{\"a\":1}"), (20, "{\"a\":2}")] {
        node.at(at);
        node.write(&acme(), &place, value).await;
    }
    node.at(30);
    delete(&node, &place, Some(2), false).await;
    node.at(40);
    delete(&node, &place, None, false).await;
    node.at(50);
    let command = RestoreSecret { path: place.clone(), version: None };
    node.command(&acme(), &place, "", |secret, context| restore::decide(secret, &command, context)).await.unwrap();

    assert_eq!(secret_at(&node, &place, 9).await, None);
    for (at, current) in [(10, 1), (19, 1), (20, 2), (29, 2), (30, 1), (50, 1), (99, 1)] {
        assert_eq!(current_at(&node, &place, at).await, Some(current), "{at}");
    }
    let is_deleted = async |at| secret_at(&node, &place, at).await.unwrap().deleted.is_some();
    assert!(!is_deleted(39).await && is_deleted(40).await && is_deleted(49).await && !is_deleted(50).await);
    let live = node.projections.view().secrets(&acme()).held("app/db").unwrap().secret.clone();
    assert_eq!(secret_at(&node, &place, 50).await, Some(Arc::unwrap_or_clone(live)), "now is the live state");
}

#[tokio::test]
async fn an_earlier_life_is_as_if_it_had_never_been() {
    let node = Node::start().await;
    let place = path("app/db");
    node.at(10);
    node.write(&acme(), &place, "{\"a\":1}").await;
    node.at(20);
    delete(&node, &place, None, true).await;
    for at in [10, 15, 20, 30] {
        assert_eq!(secret_at(&node, &place, at).await, None, "{at}");
    }
    node.at(40);
    node.write(&acme(), &place, "{\"b\":1}").await;
    for at in [10, 15, 20, 39] {
        assert_eq!(secret_at(&node, &place, at).await, None, "{at}");
    }
    let again = secret_at(&node, &place, 40).await.unwrap();
    assert_eq!((again.versions.len(), again.created_at), (1, second(40)));
}

#[tokio::test]
async fn values_are_found_by_place_until_they_are_destroyed() {
    let node = Node::start().await;
    let place = path("app/db");
    node.write(&acme(), &place, "{\"a\":1}").await;
    node.write(&acme(), &place, "{\"a\":2}").await;
    let secret = node.projections.view().secrets(&acme()).held("app/db").unwrap().secret.clone();
    let history = node.history();
    for (version, value) in secret.versions.iter().zip(["{\"a\":1}", "{\"a\":2}"]) {
        let sealed = history.value_at(version.position).await.unwrap().unwrap();
        assert_eq!(node.sealer.open_value(&sealed).unwrap().as_slice(), value.as_bytes());
    }
    delete(&node, &place, Some(1), true).await;
    assert!(history.value_at(secret.versions[0].position).await.unwrap().is_none());
    assert!(history.value_at(secret.versions[1].position).await.unwrap().is_some());
    assert!(history.value_at(999).await.is_err(), "nothing is there, which nobody should have asked for");
}

#[tokio::test]
async fn a_long_stream_is_read_to_its_end() {
    let node = Node::start().await;
    let place = path("app/db");
    node.write(&acme(), &place, "{}").await;
    let stream = node.stream(&acme(), "secret", "app/db");
    let more = (2..=1_203_u32).map(|version| {
        let event = SecretEvent::VersionAdded {
            version,
            previous_version: Some(version - 1),
            secret_type: SecretType::Kv,
            metadata: None,
            options: None,
            expires_at: None,
            rotation: None,
        };
        node.at(i64::from(version));
        node.draft(&acme(), stream, version.into(), Event::Secret(place.clone(), event), Some("{}"))
    });
    node.folded(node.append(more.collect(), Vec::new(), Vec::new()).await).await;
    for at in [499, 500, 501, 1_000, 1_203] {
        assert_eq!(current_at(&node, &place, at).await, Some(u32::try_from(at).unwrap()));
    }
}
