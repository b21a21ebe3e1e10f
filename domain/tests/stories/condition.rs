//! `If-Match` and `If-None-Match`.

use scaivault_domain::ErrorCode;
use scaivault_domain::secret::Condition;
use scaivault_domain::secret::condition::Tag;
use scaivault_domain::secret::delete::DeleteSecret;
use scaivault_domain::secret::rotate::RotateSecret;
use scaivault_domain::secret::update::UpdateSecret;
use scaivault_domain::secret::write::WriteSecret;
use serde_json::{Value, json};

use crate::story::{Story, day, given, nothing};
use crate::vocabulary::*;

fn write_if(condition: Condition) -> WriteSecret {
    WriteSecret { condition, ..write() }
}

fn conflict(current: impl Into<Value>) -> Value {
    json!({"path": "app/db", "current_version": current.into()})
}

fn two_versions() -> Story {
    given([created(), added(2)])
}

#[test]
fn a_write_goes_ahead_on_the_version_it_names() {
    two_versions().when(write_if(if_match(2))).then([added(3)]);
    two_versions().when(write_if(if_match(1))).refused(ErrorCode::VersionConflict, conflict(2));
    nothing().when(write_if(if_match(1))).refused(ErrorCode::VersionConflict, conflict(Value::Null));
}

#[test]
fn a_write_only_if_nothing_is_there() {
    nothing().when(write_if(if_none())).then([created()]);
    two_versions().when(write_if(if_none())).refused(ErrorCode::VersionConflict, conflict(2));
    let deleted = two_versions().happened([deleted(day(30), 2)]).when(write_if(if_none()));
    deleted.refused(
        ErrorCode::SecretExists,
        json!({"path": "app/db", "deleted_at": "2026-01-01T00:00:00Z", "recoverable_until": "2026-01-31T00:00:00Z"}),
    );
}

#[test]
fn any_version_and_another_version() {
    let any = Condition { if_match: Some(Tag::Any), if_none_match: None };
    two_versions().when(write_if(any)).then([added(3)]);
    nothing().when(write_if(any)).refused(ErrorCode::VersionConflict, conflict(Value::Null));
    let other = Condition { if_match: None, if_none_match: Some(Tag::Version(1)) };
    two_versions().when(write_if(other)).then([added(3)]);
    let same = Condition { if_match: None, if_none_match: Some(Tag::Version(2)) };
    two_versions().when(write_if(same)).refused(ErrorCode::VersionConflict, conflict(2));
}

#[test]
fn the_tag_follows_the_current_version_not_the_last_written() {
    let story = two_versions().when(delete_version(2)).accepted();
    let story = story.when(write_if(if_match(2))).refused(ErrorCode::VersionConflict, conflict(1));
    story.when(write_if(if_match(1))).accepted();
}

#[test]
fn every_other_change_can_be_conditional() {
    let condition = if_match(1);
    let refusal = || (ErrorCode::VersionConflict, conflict(2));
    let (code, details) = refusal();
    two_versions().when(UpdateSecret { condition, ..update_with(keep(3)) }).refused(code, details);
    let (code, details) = refusal();
    two_versions().when(RotateSecret { condition, ..rotate(1) }).refused(code, details);
    for command in [delete(), destroy(), delete_version(1), destroy_version(1)] {
        let (code, details) = refusal();
        let story = two_versions().when(DeleteSecret { condition, ..command.clone() }).refused(code, details);
        story.when(DeleteSecret { condition: if_match(2), ..command }).accepted();
    }
    two_versions().when(UpdateSecret { condition: if_match(2), ..update() }).then([]);
    two_versions().when(RotateSecret { condition: if_match(2), ..rotate(1) }).accepted();
}
