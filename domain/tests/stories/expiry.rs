//! When a secret ends: relative, absolute, remembered.

use scaivault_domain::ErrorCode;
use scaivault_domain::secret::SecretEvent;
use scaivault_domain::secret::options::OptionsChange;
use serde_json::json;

use crate::story::{Story, day, given, nothing};
use crate::vocabulary::*;

fn ends(story: &Story) -> (Option<scaivault_domain::Timestamp>, Option<String>) {
    let remembered = story.secret().options.expires_in.as_ref().map(|text| text.as_str().to_owned());
    (story.secret().expires_at(), remembered)
}

fn for_90_days() -> Story {
    nothing().when(write_with(expire_in("90d"))).accepted()
}

#[test]
fn a_duration_is_remembered_and_starts_anew_with_every_version() {
    let story = for_90_days();
    assert_eq!(ends(&story), (Some(day(90)), Some("90d".into())));
    let story = story.at(day(10)).when(write()).accepted();
    assert_eq!(ends(&story), (Some(day(100)), Some("90d".into())));
    // A change of metadata does not start it.
    let story = story.at(day(20)).when(update_with(keep(3))).accepted();
    assert_eq!(ends(&story), (Some(day(100)), Some("90d".into())));
}

#[test]
fn a_fixed_end_stays_until_it_is_changed() {
    let story = nothing().when(write_with(expire_at(day(5)))).accepted();
    let story = story.at(day(1)).when(write()).accepted();
    assert_eq!(ends(&story), (Some(day(5)), None));
}

#[test]
fn each_replaces_the_other() {
    let story = for_90_days().when(write_with(expire_at(day(5)))).accepted();
    assert_eq!(ends(&story), (Some(day(5)), None));
    let story = story.at(day(1)).when(write_with(expire_in("1w"))).accepted();
    assert_eq!(ends(&story), (Some(day(8)), Some("1w".into())));
}

#[test]
fn both_at_once_are_refused() {
    let both = OptionsChange { expires_at: Some(Some(day(5))), ..expire_in("1d") };
    let details = json!({"fields": [{"field": "options", "message": "may have expires_in or expires_at, not both"}]});
    nothing().when(write_with(both.clone())).refused(ErrorCode::ValidationError, details.clone());
    given([created()]).when(update_with(both)).refused(ErrorCode::ValidationError, details);
}

#[test]
fn one_given_beside_the_other_cleared_counts() {
    let relative = OptionsChange { expires_at: Some(None), ..expire_in("1d") };
    assert_eq!(ends(&nothing().when(write_with(relative)).accepted()), (Some(day(1)), Some("1d".into())));
    let absolute = OptionsChange { expires_in: Some(None), ..expire_at(day(4)) };
    assert_eq!(ends(&for_90_days().when(write_with(absolute)).accepted()), (Some(day(4)), None));
}

#[test]
fn null_clears() {
    let no_duration = OptionsChange { expires_in: Some(None), ..OptionsChange::default() };
    let no_end = OptionsChange { expires_at: Some(None), ..OptionsChange::default() };
    for change in [no_duration.clone(), no_end.clone()] {
        assert_eq!(ends(&for_90_days().when(update_with(change.clone())).accepted()), (None, None));
        assert_eq!(ends(&for_90_days().when(write_with(change)).accepted()), (None, None));
    }
    let fixed = given([created_ending(day(5), "1d")]);
    assert_eq!(ends(&fixed.clone().when(update_with(no_end)).accepted()), (None, None));
    assert_eq!(ends(&fixed.when(update_with(no_duration)).then([])), (Some(day(5)), None));
}

#[test]
fn an_end_lies_in_the_future() {
    let details = json!({"fields": [{"field": "options.expires_at", "message": "must be in the future"}]});
    let story = given([created()]).at(day(2));
    for end in [day(1), day(2)] {
        story.clone().when(write_with(expire_at(end))).refused(ErrorCode::ValidationError, details.clone());
        story.clone().when(update_with(expire_at(end))).refused(ErrorCode::ValidationError, details.clone());
    }
    story.when(update_with(expire_at(day(2).plus_seconds(1)))).accepted();
}

#[test]
fn a_changed_duration_counts_from_now_and_the_same_one_is_no_change() {
    let story = for_90_days().at(day(10)).when(update_with(expire_in("90d"))).then([]);
    let story = story.when(update_with(expire_in("30d"))).accepted();
    assert_eq!(ends(&story), (Some(day(40)), Some("30d".into())));
    story.when(update_with(expire_in("30d"))).then([]);
}

#[test]
fn extending_makes_an_expired_secret_readable_again() {
    let story = given([created_ending(day(1), "1h")]).at(day(3)).when(update_with(expire_at(day(9)))).accepted();
    assert!(!story.secret().is_expired(day(3)));
}

#[test]
fn a_changed_end_alone_is_told_as_changed_options() {
    let event = SecretEvent::MetadataUpdated {
        version: Some(1),
        metadata: None,
        options: Some(options()),
        expires_at: Some(day(9)),
    };
    given([created()]).when(update_with(expire_at(day(9)))).then([event]);
}

#[test]
fn the_end_is_exact_to_the_second() {
    let story = given([created_ending(day(1), "1h")]);
    assert!(!story.secret().is_expired(day(1).plus_seconds(-1)));
    assert!(story.secret().is_expired(day(1)));
}
