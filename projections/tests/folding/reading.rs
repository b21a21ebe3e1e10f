//! Values as readers get them: now, by number, and of the past.

use scaivault_domain::secret::Condition;
use scaivault_domain::secret::delete::{self, DeleteSecret};
use scaivault_domain::secret::read::Selection;
use scaivault_domain::secret::rotate::{self, RotateSecret};
use scaivault_domain::{Owner, SecretPath};
use scaivault_projections::ReadError;

use crate::node::{Node, acme, other, path, second};

/// The value, or the code and reason of the refusal.
async fn read(node: &Node, owner: &Owner, version: Option<u32>, at: Option<i64>) -> Result<String, String> {
    let selection = Selection { version, ..Selection::default() };
    match node.reader().read(owner, &path("app/db"), selection, at.map(second), node.now()).await {
        Ok(reading) => Ok(String::from_utf8(reading.data.to_vec()).unwrap()),
        Err(ReadError::Rejected(refusal)) => {
            let reason = refusal.details.get("reason").and_then(|reason| reason.as_str()).unwrap_or_default();
            Err(format!("{} {reason}", refusal.code.as_str()).trim().to_owned())
        }
        Err(error) => panic!("{error}"),
    }
}

async fn delete(node: &Node, path: &SecretPath, version: Option<u32>, permanent: bool) {
    let command = DeleteSecret { path: path.clone(), version, permanent, condition: Condition::default() };
    node.command(&acme(), path, "", |secret, context| delete::decide(secret, &command, context)).await.unwrap();
}

async fn written() -> Node {
    let node = Node::start().await;
    for (at, value) in [(10, "one"), (20, "two"), (30, "three")] {
        node.at(at);
        node.write(&acme(), &path("app/db"), value).await;
    }
    node
}

#[tokio::test]
async fn now_and_by_number() {
    let node = written().await;
    assert_eq!(read(&node, &acme(), None, None).await.as_deref(), Ok("three"));
    assert_eq!(read(&node, &acme(), Some(1), None).await.as_deref(), Ok("one"));
    assert_eq!(read(&node, &acme(), Some(4), None).await, Err("version_not_found unknown".into()));
    assert_eq!(read(&node, &other(), None, None).await, Err("secret_not_found".into()));
    node.at(40);
    delete(&node, &path("app/db"), Some(3), false).await;
    assert_eq!(read(&node, &acme(), None, None).await.as_deref(), Ok("two"), "the one before is current again");
}

#[tokio::test]
async fn of_the_past() {
    let node = written().await;
    assert_eq!(read(&node, &acme(), None, Some(9)).await, Err("version_not_found not_yet_created".into()));
    for (at, value) in [(10, "one"), (25, "two"), (30, "three")] {
        assert_eq!(read(&node, &acme(), None, Some(at)).await.as_deref(), Ok(value));
    }
    node.at(40);
    delete(&node, &path("app/db"), Some(1), true).await;
    assert_eq!(read(&node, &acme(), None, Some(15)).await, Err("version_not_found destroyed".into()));
}

/// What was current then, but whether it may be read is judged as of now.
#[tokio::test]
async fn the_past_is_judged_as_of_now() {
    let node = written().await;
    node.at(40);
    let place = path("app/db");
    let grace_seconds = Some(100);
    let command = RotateSecret {
        path: place.clone(),
        value: scaivault_domain::secret::rotate::NewValue::Given,
        reason: None,
        grace_seconds,
        condition: Condition::default(),
    };
    node.command(&acme(), &place, "four", |secret, context| rotate::decide(secret, &command, context)).await.unwrap();
    node.at(139);
    assert_eq!(read(&node, &acme(), None, Some(35)).await.as_deref(), Ok("three"));
    node.at(140);
    assert_eq!(read(&node, &acme(), None, Some(35)).await, Err("version_not_found grace_period_ended".into()));
    delete(&node, &place, None, false).await;
    assert_eq!(read(&node, &acme(), None, Some(25)).await, Err("secret_not_found".into()));
}

#[tokio::test]
async fn a_path_written_anew_has_no_past() {
    let node = written().await;
    node.at(40);
    delete(&node, &path("app/db"), None, true).await;
    assert_eq!(read(&node, &acme(), None, Some(25)).await, Err("secret_not_found".into()));
    node.at(50);
    node.write(&acme(), &path("app/db"), "new").await;
    assert_eq!(read(&node, &acme(), None, Some(25)).await, Err("version_not_found not_yet_created".into()));
    assert_eq!(read(&node, &acme(), Some(2), None).await, Err("version_not_found unknown".into()));
    assert_eq!(read(&node, &acme(), None, Some(50)).await.as_deref(), Ok("new"));
}
