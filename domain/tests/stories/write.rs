//! PUT: a new secret, a further version.

use std::sync::Arc;

use scaivault_domain::context::Found;
use scaivault_domain::secret::options::OptionsChange;
use scaivault_domain::secret::write::WriteSecret;
use scaivault_domain::secret::{Metadata, NoticeTimes, Options, Secret, SecretEvent, SecretType};
use scaivault_domain::secret_policy::{PolicyUid, SecretPolicyId, SecretPolicyReference};
use scaivault_domain::{Context, ErrorCode};
use serde_json::json;

use crate::story::{context, day, given, hour, nothing, path};
use crate::vocabulary::*;

#[test]
fn the_first_write_makes_version_1() {
    let story = nothing()
        .when(write())
        .answering(|written| {
            assert_eq!((written.version, written.previous_version, written.created), (1, None, true));
        })
        .then([created()]);
    let secret = story.secret();
    assert_eq!(secret.current_number(), Some(1));
    assert_eq!((secret.created_at, secret.updated_at), (day(0), day(0)));
    assert_eq!(secret.versions[0].created_by.as_str(), "user:alice@acme.example");
}

#[test]
fn a_new_secret_takes_the_settings_of_its_tenant() {
    let mut story = nothing();
    story.context.settings.default_max_versions = 3;
    story.when(write()).then([created_keeping(3)]);
}

#[test]
fn each_write_makes_a_version_also_with_equal_data() {
    let story = given([created()]).at(hour(1)).when(write()).answering(|written| {
        assert_eq!((written.version, written.previous_version, written.created), (2, Some(1), false));
        assert_eq!(written.at, hour(1));
    });
    let story = story.then([added(2)]);
    assert_eq!(story.states(), ["previous", "current"]);
    assert_eq!((story.secret().created_at, story.secret().updated_at), (day(0), hour(1)));
    story.when(write()).then([added(3)]);
}

#[test]
fn the_type_is_that_of_the_version_before_unless_given() {
    let typed = WriteSecret { secret_type: Some(SecretType::ApiKey), ..write() };
    let story = given([created()]).when(typed).answering(|written| assert_eq!(written.secret_type, SecretType::ApiKey));
    story.accepted().when(write()).answering(|written| assert_eq!(written.secret_type, SecretType::ApiKey));
}

#[test]
fn metadata_is_replaced_as_a_whole_and_kept_when_absent() {
    let told = |owner: &str| Metadata { owner: Some(owner.into()), ..Metadata::default() };
    let first = Metadata { description: Some("one".into()), ..told("team:a") };
    let story = nothing().when(WriteSecret { metadata: Some(first.clone()), ..write() }).accepted();
    let story = story.when(write()).then([added(2)]);
    assert_eq!(story.secret().metadata, first);
    let story = story.when(WriteSecret { metadata: Some(told("team:b")), ..write() }).accepted();
    assert_eq!(story.secret().metadata, told("team:b"));
    // Equal metadata is not written again.
    story.when(WriteSecret { metadata: Some(told("team:b")), ..write() }).then([added(4)]);
}

#[test]
fn a_given_option_changes_that_option_alone() {
    let story = given([created_keeping(5)])
        .when(write_with(OptionsChange { notify_before: Some(NoticeTimes::parse("1h")), ..OptionsChange::default() }))
        .accepted();
    let changed = Options { max_versions: 5, notify_before: NoticeTimes::parse("1h"), ..options() };
    assert_eq!(story.secret().options, changed);
    // Null restores the default, or clears.
    let cleared = OptionsChange { max_versions: Some(None), notify_before: Some(None), ..OptionsChange::default() };
    let story = story.when(write_with(cleared)).accepted();
    assert_eq!(story.secret().options, Options { notify_before: None, ..options() });
}

#[test]
fn policies_that_do_not_exist_are_refused() {
    let rotation = OptionsChange { rotation_policy_id: Some(Some("rot_x".into())), ..OptionsChange::default() };
    let recipe = OptionsChange { secret_policy_id: Some(Some("sp_x".into())), ..OptionsChange::default() };
    nothing().when(write_with(rotation.clone())).refused(ErrorCode::RotationPolicyNotFound, json!({}));
    nothing().when(write_with(recipe.clone())).refused(ErrorCode::SecretPolicyNotFound, json!({}));
    given([created()]).when(update_with(recipe)).refused(ErrorCode::SecretPolicyNotFound, json!({}));
    given([created()]).when(update_with(rotation)).refused(ErrorCode::RotationPolicyNotFound, json!({}));
    let detach =
        OptionsChange { rotation_policy_id: Some(None), secret_policy_id: Some(None), ..OptionsChange::default() };
    given([created()]).when(write_with(detach)).then([added(2)]);
}

#[test]
fn a_recipe_is_attached_kept_and_detached() {
    let reference = |time| {
        let id = SecretPolicyId::parse("sp_x").unwrap();
        Arc::new(SecretPolicyReference { id, uid: PolicyUid(ulid::Ulid::from_parts(time, 0)) })
    };
    let found =
        |time| Context { found: Found { secret_policy: Some(reference(time)), ..Found::default() }, ..context(day(0)) };
    let change =
        |id: Option<&str>| OptionsChange { secret_policy_id: Some(id.map(Into::into)), ..OptionsChange::default() };
    let apply =
        |change: &OptionsChange, options: &Options, context: &Context| change.apply(options, None, true, context);
    let (attached, _) = apply(&change(Some("sp_x")), &options(), &found(1)).unwrap();
    assert_eq!(attached.secret_policy, Some(reference(1)));
    let (kept, _) = apply(&OptionsChange::default(), &attached, &context(day(0))).unwrap();
    assert_eq!(kept, attached);
    let (again, _) = apply(&change(Some("sp_x")), &attached, &found(2)).unwrap();
    assert_eq!(again.secret_policy, Some(reference(2)), "another policy has the id by now");
    let (detached, _) = apply(&change(None), &attached, &context(day(0))).unwrap();
    assert_eq!(detached, options());
    // What was found is not what is named.
    assert!(apply(&change(Some("sp_y")), &options(), &found(1)).is_err());
    let secret = Secret::preview(None, &[created_with(attached, None)], day(0), &path()).unwrap();
    assert_eq!(secret.clone().with_policies(|named| named.uid == reference(1).uid, |_| true), secret);
    assert_eq!(secret.with_policies(|named| named.uid == reference(2).uid, |_| true).options, options());
}

#[test]
fn a_soft_deleted_path_is_refused_and_says_until_when() {
    given([created(), deleted(day(30), 1)]).at(day(1)).when(write()).refused(
        ErrorCode::SecretExists,
        json!({"path": "app/db", "deleted_at": "2026-01-01T00:00:00Z", "recoverable_until": "2026-01-31T00:00:00Z"}),
    );
}

#[test]
fn after_its_window_or_a_hard_deletion_the_path_starts_anew() {
    let again = given([created(), added(2), deleted(day(30), 2)]).at(day(30)).when(write()).then([created()]);
    assert_eq!(again.secret().versions.len(), 1);
    assert_eq!(again.secret().created_at, day(30));
    let again = given([created(), added(2)]).when(destroy()).accepted().when(write());
    again.answering(|written| assert!(written.created)).then([created()]);
}

#[test]
fn an_expired_secret_may_be_written_and_stays_expired() {
    let story = given([created_ending(day(1), "1h")]).at(day(2)).when(write()).answering(|written| {
        assert_eq!(written.expires_at, Some(day(1)));
    });
    let story = story.accepted();
    assert!(story.secret().is_expired(day(2)));
    let story = story.when(write_with(expire_at(day(9)))).accepted();
    assert!(!story.secret().is_expired(day(2)));
}

#[test]
fn version_numbers_are_never_reused() {
    let story = given([created(), added(2), added(3)]);
    let story = story.when(destroy_version(3)).accepted().when(write());
    let event = SecretEvent::VersionAdded {
        version: 4,
        previous_version: Some(2),
        secret_type: SecretType::Kv,
        metadata: None,
        options: None,
        expires_at: None,
        rotation: None,
    };
    let story = story.then([event]);
    assert_eq!(story.states(), ["previous", "previous", "destroyed", "current"]);
}
