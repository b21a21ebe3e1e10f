//! Restore of a secret or a version.

use scaivault_domain::secret::SecretEvent;
use scaivault_domain::secret::event::DestroyReason::Requested;
use scaivault_domain::secret::restore::Restored;
use scaivault_domain::{ErrorCode, Timestamp};
use serde_json::json;

use crate::story::{day, given, hour, nothing};
use crate::vocabulary::*;

fn version_restored(version: u32, with_secret: bool) -> SecretEvent {
    SecretEvent::VersionRestored { version, with_secret }
}

fn restored(version: u32) -> SecretEvent {
    SecretEvent::Restored { version }
}

fn told(version: u32, restored_at: Option<Timestamp>) -> impl FnOnce(&Restored) {
    move |answer| assert_eq!(*answer, Restored { version: Some(version), restored_at })
}

#[test]
fn a_secret_comes_back_as_it_was() {
    let before = given([created(), added(2), version_deleted(1, day(30))]);
    let secret = before.secret().clone();
    let story =
        before.at(day(1)).happened([deleted(day(31), 2)]).at(day(2)).when(restore()).answering(told(2, Some(day(2))));
    assert_eq!(*story.then([restored(2)]).secret(), secret);
}

#[test]
fn what_is_not_deleted_stays_and_nothing_is_told() {
    given([created(), added(2)]).when(restore()).answering(told(2, None)).then([]);
    given([created(), added(2)]).when(restore_version(1)).answering(told(2, None)).then([]);
}

#[test]
fn a_version_comes_back_and_is_current_if_it_is_the_highest() {
    let story = given([created(), added(2), added(3), version_deleted(1, day(30)), version_deleted(3, day(30))]);
    let story = story.when(restore_version(1)).answering(told(2, Some(day(0)))).then([version_restored(1, false)]);
    let story = story.when(restore_version(3)).answering(told(3, Some(day(0))));
    let story = story.then([version_restored(3, false), current_changed(2, 3)]);
    assert_eq!(story.states(), ["previous", "previous", "current"]);
}

#[test]
fn a_secret_deleted_with_its_last_version_comes_back_with_a_version() {
    let story = given([created(), added(2), version_deleted(1, day(30)), version_deleted(2, day(30))]);
    let story = story.happened([deleted(day(30), 2)]);
    let as_a_whole = story.clone().when(restore()).answering(told(2, Some(day(0))));
    assert_eq!(as_a_whole.then([version_restored(2, true), restored(2)]).states(), ["deleted", "current"]);
    let by_version = story.when(restore_version(1)).answering(told(1, Some(day(0))));
    assert_eq!(by_version.then([version_restored(1, true), restored(1)]).states(), ["current", "deleted"]);
}

#[test]
fn what_is_not_there_cannot_be_restored() {
    let absent = json!({"path": "app/db"});
    nothing().when(restore()).refused(ErrorCode::SecretNotFound, absent.clone());
    nothing().when(restore_version(1)).refused(ErrorCode::SecretNotFound, absent.clone());
    let late = given([created(), deleted(day(30), 1)]).at(day(30));
    late.when(restore()).refused(ErrorCode::SecretNotFound, absent.clone());
    let gone = given([created()]).when(destroy()).accepted();
    gone.when(restore()).refused(ErrorCode::SecretNotFound, absent);
}

#[test]
fn versions_past_their_window_or_never_written_are_refused() {
    let story = given([created(), added(2), added(3), version_deleted(1, day(30)), destroyed(2, Requested)]);
    let story = story.at(day(30));
    for (version, reason) in [(1, "destroyed"), (2, "destroyed"), (9, "unknown")] {
        let refused = json!({"path": "app/db", "version": version, "reason": reason});
        story.clone().when(restore_version(version)).refused(ErrorCode::VersionNotFound, refused);
    }
}

#[test]
fn versions_of_a_secret_deleted_as_a_whole_come_back_with_it_only() {
    let story = given([created(), added(2), version_deleted(1, day(30)), deleted(day(30), 2)]);
    for version in [1, 2] {
        story.clone().when(restore_version(version)).refused(
            ErrorCode::SecretNotFound,
            json!({"path": "app/db", "deleted_at": "2026-01-01T00:00:00Z",
                   "recoverable_until": "2026-01-31T00:00:00Z"}),
        );
    }
}

#[test]
fn versions_above_the_limit_go_when_a_higher_one_is_current_again() {
    // While the secret was deleted, the grace period ended unnoticed.
    let story = given([created_keeping(1), rotated(2, hour(48)), deleted(day(30), 2)]);
    let story = story.at(day(3)).due([]).when(restore()).then([restored(2), aged_out(1)]);
    assert_eq!(story.states(), ["destroyed", "current"]);
    // While version 1 was current, the limit became smaller than what was deleted above it.
    let story = given([created(), added(2), added(3), version_deleted(2, day(30)), version_deleted(3, day(30))]);
    let story = story.when(update_with(keep(1))).accepted().when(restore_version(3));
    let story = story.then([version_restored(3, false), current_changed(1, 3), aged_out(1), aged_out(2)]);
    assert_eq!(story.states(), ["destroyed", "destroyed", "current"]);
}
