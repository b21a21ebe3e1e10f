//! DELETE of one version, soft and for good.

use scaivault_domain::ErrorCode;
use scaivault_domain::secret::delete::Deleted;
use scaivault_domain::secret::event::DestroyReason::Requested;
use serde_json::{Value, json};

use crate::story::{day, given};
use crate::vocabulary::*;

fn refusal(version: u32, reason: &str) -> Value {
    json!({"path": "app/db", "version": version, "reason": reason})
}

#[test]
fn an_older_version_goes_alone() {
    let story = given([created(), added(2)]).when(delete_version(1)).answering(|answer| {
        let expected = Deleted::Version {
            deleted_at: day(0),
            recoverable_until: day(30),
            current_version: Some(2),
            secret_deleted: false,
        };
        assert_eq!(*answer, expected);
    });
    assert_eq!(story.then([version_deleted(1, day(30))]).states(), ["deleted", "current"]);
}

#[test]
fn after_the_current_one_the_highest_live_one_is_current() {
    let story = given([created(), added(2), added(3), version_deleted(2, day(30))]).when(delete_version(3));
    let story = story.then([version_deleted(3, day(30)), current_changed(3, 1)]);
    assert_eq!(story.states(), ["current", "deleted", "deleted"]);
}

#[test]
fn with_the_last_live_one_the_secret_goes_softly() {
    let story = given([created(), added(2), version_deleted(1, day(30))]).at(day(5)).when(delete_version(2));
    let story = story.answering(|answer| {
        let expected = Deleted::Version {
            deleted_at: day(5),
            recoverable_until: day(35),
            current_version: None,
            secret_deleted: true,
        };
        assert_eq!(*answer, expected);
    });
    let story = story.then([version_deleted(2, day(35)), deleted(day(35), 2)]);
    assert!(story.secret().deleted.is_some());
}

#[test]
fn destroying_leaves_the_others() {
    let story = given([created(), added(2)]);
    let events = [destroyed(1, Requested)];
    assert_eq!(story.secret().shredded_by(&events), [1]);
    let story = story.when(destroy_version(1)).answering(|answer| assert_eq!(*answer, Deleted::Destroyed));
    assert_eq!(story.then(events).states(), ["destroyed", "current"]);
    let story = given([created(), added(2)]).when(destroy_version(2));
    story.then([destroyed(2, Requested), current_changed(2, 1)]);
}

#[test]
fn a_soft_deleted_version_can_be_destroyed() {
    let story = given([created(), added(2), version_deleted(1, day(30))]).when(destroy_version(1));
    story.then([destroyed(1, Requested)]);
    // Also within a soft-deleted secret, which stays so.
    let story = given([created(), added(2), deleted(day(30), 2)]).when(destroy_version(2));
    assert!(story.then([destroyed(2, Requested)]).secret().deleted.is_some());
}

#[test]
fn destroying_the_last_live_one_deletes_the_secret_softly() {
    let story = given([created(), added(2), version_deleted(1, day(30))]).when(destroy_version(2));
    let story = story.then([destroyed(2, Requested), deleted(day(30), 1)]);
    assert_eq!(story.states(), ["deleted", "destroyed"]);
}

#[test]
fn destroying_the_last_value_ends_the_secret() {
    let story = given([created(), added(2), destroyed(1, Requested)]);
    let secret = story.secret().clone();
    let events = [destroyed(2, Requested), gone(Requested, 0)];
    assert_eq!(secret.shredded_by(&events), [2]);
    assert_eq!(story.when(destroy_version(2)).then(events).state, None);
    let story = given([created(), deleted(day(30), 1)]).when(destroy_version(1));
    assert_eq!(story.then([destroyed(1, Requested), gone(Requested, 0)]).state, None);
}

#[test]
fn what_is_gone_cannot_be_deleted_again() {
    let events = [created(), added(2), added(3), version_deleted(1, day(30)), destroyed(2, Requested)];
    let story = given(events);
    for (command, version, reason) in [
        (delete_version(1), 1, "deleted"),
        (delete_version(2), 2, "destroyed"),
        (delete_version(4), 4, "unknown"),
        (delete_version(0), 0, "unknown"),
        (destroy_version(2), 2, "destroyed"),
        (destroy_version(4), 4, "unknown"),
    ] {
        story.clone().when(command).refused(ErrorCode::VersionNotFound, refusal(version, reason));
    }
    // Its recovery window is over, whether or not anybody has swept.
    let late = story.at(day(30)).when(delete_version(1));
    late.refused(ErrorCode::VersionNotFound, refusal(1, "destroyed"));
}
