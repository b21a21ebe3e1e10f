//! Rotation by call.

use scaivault_domain::ErrorCode;
use scaivault_domain::secret::event::Rotation;
use scaivault_domain::secret::rotate::{NewValue, RotateSecret};
use scaivault_domain::secret::{SecretEvent, SecretType};
use serde_json::json;

use crate::story::{day, given, hour, nothing};
use crate::vocabulary::*;

#[test]
fn the_replaced_version_stays_readable_for_the_grace_period() {
    let story = given([created()]).at(hour(1)).when(rotate(24)).answering(|rotated| {
        assert_eq!((rotated.written.version, rotated.written.previous_version), (2, Some(1)));
        assert_eq!((rotated.written.at, rotated.grace_ends_at), (hour(1), hour(25)));
    });
    let story = story.then([rotated(2, hour(25))]);
    assert_eq!(story.states(), ["grace", "current"]);
    assert_eq!(story.at(hour(25)).states(), ["previous", "current"]);
}

#[test]
fn without_a_period_it_is_48_hours() {
    let plain = RotateSecret { grace_seconds: None, ..rotate(0) };
    given([created()]).when(plain).then([rotated(2, hour(48))]);
}

#[test]
fn a_duration_of_expiry_is_applied_anew_and_a_fixed_end_stays() {
    let story = nothing().when(write_with(expire_in("90d"))).accepted().at(day(10)).when(rotate(1)).accepted();
    assert_eq!(story.secret().expires_at(), Some(day(100)));
    let story = given([created_ending(day(50), "1d")]).at(day(10)).when(rotate(1)).accepted();
    assert_eq!(story.secret().expires_at(), Some(day(50)));
}

#[test]
fn an_expired_secret_may_be_rotated() {
    let story = given([created_ending(day(1), "1h")]).at(day(2)).when(rotate(1)).accepted();
    assert_eq!(story.secret().current_number(), Some(2));
}

#[test]
fn the_reason_is_kept() {
    let reasoned = RotateSecret { reason: Some("leaked".into()), ..rotate(1) };
    let SecretEvent::VersionAdded { rotation: Some(plain), .. } = rotated(2, hour(1)) else { unreachable!() };
    let event = SecretEvent::VersionAdded {
        version: 2,
        previous_version: Some(1),
        secret_type: SecretType::Kv,
        metadata: None,
        options: None,
        expires_at: None,
        rotation: Some(Rotation { reason: Some("leaked".into()), ..plain }),
    };
    given([created()]).when(reasoned).then([event]);
}

#[test]
fn a_value_is_required() {
    let bare = RotateSecret { value: NewValue::Missing, ..rotate(1) };
    given([created()]).when(bare.clone()).refused(
        ErrorCode::ValidationError,
        json!({"fields": [{"field": "new_value",
                           "message": "is required: no rotation policy generates values for this secret"}]}),
    );
    nothing().when(bare).refused(ErrorCode::SecretNotFound, json!({"path": "app/db"}));
}

#[test]
fn what_is_not_there_cannot_be_rotated() {
    nothing().when(rotate(1)).refused(ErrorCode::SecretNotFound, json!({"path": "app/db"}));
    given([created(), deleted(day(30), 1)]).when(rotate(1)).refused(
        ErrorCode::SecretNotFound,
        json!({"path": "app/db", "deleted_at": "2026-01-01T00:00:00Z", "recoverable_until": "2026-01-31T00:00:00Z"}),
    );
}

#[test]
fn deleting_the_replaced_version_ends_its_grace_period_at_once() {
    let story = given([created(), rotated(2, hour(48))]).at(hour(1)).when(delete_version(1));
    let story = story.then([version_deleted(1, day(30).plus_seconds(3_600))]);
    assert_eq!(story.states(), ["deleted", "current"]);
}

#[test]
fn only_rotations_carry_a_grace_period() {
    let story = given([created(), rotated(2, hour(48)), added(3)]);
    let graced: Vec<_> = story.secret().versions.iter().map(|version| version.grace_ends_at).collect();
    assert_eq!(graced, [Some(hour(48)), None, None]);
}
