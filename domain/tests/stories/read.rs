//! Which version a read is served with, and why it is not.

use scaivault_domain::secret::event::DestroyReason::Requested;
use scaivault_domain::secret::read::{Selection, select};
use scaivault_domain::{ErrorCode, Rejection};
use serde_json::{Value, json};

use crate::story::{Story, day, given, hour, nothing, path};
use crate::vocabulary::*;

fn read(story: &Story, selection: Selection) -> Result<u32, Rejection> {
    let due = story.state.as_ref().map_or_else(Vec::new, |secret| secret.destructions_due(story.now));
    let story = story.clone().happened(due);
    select(story.state.as_ref(), &path(), selection, story.now).map(|(_, version)| version.number)
}

fn plain(story: &Story) -> Result<u32, Rejection> {
    read(story, Selection::default())
}

fn version(number: u32) -> Selection {
    Selection { version: Some(number), ..Selection::default() }
}

/// A read that includes what has ended, with or without the permission for it.
fn ended(version: Option<u32>, may_include_expired: bool) -> Selection {
    Selection { version, include_expired: true, may_include_expired }
}

#[track_caller]
fn refused(answer: Result<u32, Rejection>, code: ErrorCode, details: Value) {
    let refusal = answer.unwrap_err();
    assert_eq!((refusal.code, Value::Object(refusal.details)), (code, details));
}

fn no_version(version: u32, reason: &str) -> Value {
    json!({"path": "app/db", "version": version, "reason": reason})
}

#[test]
fn the_highest_live_version_is_served_and_others_by_number() {
    let story = given([created(), added(2), added(3), version_deleted(3, day(30))]);
    assert_eq!(plain(&story), Ok(2));
    assert_eq!(read(&story, version(1)), Ok(1));
    // Replaced by an ordinary write: readable until it ages out.
    assert_eq!(read(&story.at(day(29)), version(1)), Ok(1));
}

#[test]
fn what_is_not_there_is_not_found() {
    refused(plain(&nothing()), ErrorCode::SecretNotFound, json!({"path": "app/db"}));
    let story = given([created(), deleted(day(30), 1)]);
    let details =
        json!({"path": "app/db", "deleted_at": "2026-01-01T00:00:00Z", "recoverable_until": "2026-01-31T00:00:00Z"});
    refused(plain(&story), ErrorCode::SecretNotFound, details);
    refused(plain(&story.at(day(30))), ErrorCode::SecretNotFound, json!({"path": "app/db"}));
}

#[test]
fn unreadable_versions_say_why() {
    let story = given([created(), added(2), added(3), version_deleted(1, day(30)), destroyed(2, Requested)]);
    for (number, reason) in [(1, "deleted"), (2, "destroyed"), (4, "unknown"), (0, "unknown")] {
        refused(read(&story, version(number)), ErrorCode::VersionNotFound, no_version(number, reason));
    }
    // Its window is over, whether or not anybody has swept.
    refused(read(&story.at(day(30)), version(1)), ErrorCode::VersionNotFound, no_version(1, "destroyed"));
}

#[test]
fn a_grace_period_ends_to_the_second() {
    let story = given([created(), rotated(2, hour(48))]).at(hour(48).plus_seconds(-1));
    assert_eq!(read(&story, version(1)), Ok(1));
    let story = story.at(hour(48));
    refused(read(&story, version(1)), ErrorCode::VersionNotFound, no_version(1, "grace_period_ended"));
    assert_eq!(read(&story, ended(Some(1), true)), Ok(1));
    let denied = json!({"reason": "no_matching_rule", "permission": "admin"});
    refused(read(&story, ended(Some(1), false)), ErrorCode::AccessDenied, denied);
}

#[test]
fn a_version_that_is_current_again_is_served_whatever_its_grace_period_was() {
    let story = given([created(), rotated(2, hour(48)), version_deleted(2, day(30))]).at(day(5));
    assert_eq!(plain(&story), Ok(1));
    assert_eq!(read(&story, version(1)), Ok(1));
}

#[test]
fn past_its_end_no_version_is_served() {
    let story = given([created_ending(day(1), "1h")]).happened([scaivault_domain::secret::SecretEvent::VersionAdded {
        version: 2,
        previous_version: Some(1),
        secret_type: scaivault_domain::secret::SecretType::Kv,
        metadata: None,
        options: None,
        expires_at: Some(day(1)),
        rotation: None,
    }]);
    let story = story.at(day(1));
    let details = json!({"path": "app/db", "expires_at": "2026-01-02T00:00:00Z"});
    refused(plain(&story), ErrorCode::SecretExpired, details.clone());
    refused(read(&story, version(1)), ErrorCode::SecretExpired, details);
    assert_eq!(read(&story, ended(Some(1), true)), Ok(1));
    let denied = json!({"reason": "no_matching_rule", "permission": "admin"});
    refused(read(&story, ended(None, false)), ErrorCode::AccessDenied, denied);
}

#[test]
fn including_the_expired_needs_no_permission_where_nothing_has_ended() {
    let story = given([created(), rotated(2, hour(48))]);
    assert_eq!(read(&story, ended(None, false)), Ok(2));
    assert_eq!(read(&story, ended(Some(1), false)), Ok(1));
}
