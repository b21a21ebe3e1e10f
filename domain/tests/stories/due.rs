//! What the clock alone brings about: notices, ends, recovery windows.

use scaivault_domain::secret::event::DestroyReason::RecoveryEnded;
use scaivault_domain::secret::options::OptionsChange;
use scaivault_domain::secret::settle::days_remaining;
use scaivault_domain::secret::{NoticeTimes, SecretEvent};

use crate::story::{day, given, hour, second};
use crate::vocabulary::*;

#[test]
fn the_recovery_window_of_a_secret_ends_to_the_second() {
    let story = given([created(), added(2), deleted(day(30), 2)]);
    assert_eq!(story.secret().next_due(day(0)), Some(day(30)));
    let story = story.at(day(30).plus_seconds(-1)).due([]).at(day(30)).due([gone(RecoveryEnded, 2)]);
    assert_eq!(story.state, None);
}

#[test]
fn the_recovery_window_of_a_version_ends_alone() {
    let story = given([created(), added(2), version_deleted(1, day(30))]);
    let story = story.at(day(30)).due([destroyed(1, RecoveryEnded)]);
    assert_eq!(story.states(), ["destroyed", "current"]);
    story.due([]);
}

#[test]
fn windows_of_versions_end_also_within_a_deleted_secret() {
    let story = given([created(), added(2), version_deleted(1, day(30))]).at(day(20)).happened([deleted(day(50), 2)]);
    let story = story.at(day(30)).due([destroyed(1, RecoveryEnded)]);
    story.at(day(50)).due([gone(RecoveryEnded, 1)]);
}

#[test]
fn a_secret_without_values_left_ends() {
    let story = given([created(), version_deleted(1, day(30)), deleted(day(40), 1)]);
    assert_eq!(story.at(day(30)).due([gone(RecoveryEnded, 1)]).state, None);
}

#[test]
fn each_notice_is_given_once_and_the_end_is_told_once() {
    let story = given([created_ending(day(60), "30d,7d,1d")]);
    assert_eq!(story.secret().next_due(day(0)), Some(day(30)));
    let story = story.at(day(30)).due([announced("30d", day(60), 30)]).due([]);
    let story = story.at(day(53)).due([announced("7d", day(60), 7)]).due([]);
    let story = story.at(day(59)).due([announced("1d", day(60), 1)]).due([]);
    assert_eq!(story.secret().next_due(day(59)), Some(day(60)));
    let story = story.at(day(60)).due([expired(day(60))]).due([]);
    assert_eq!(story.secret().next_due(day(60)), None);
}

#[test]
fn after_downtime_all_that_was_missed_is_given_in_order() {
    let notices = [announced("30d", day(60), 3), announced("7d", day(60), 3)];
    let story = given([created_ending(day(60), "7d,30d,1d")]).at(day(57).plus_seconds(1)).due(notices);
    story.at(day(70)).due([announced("1d", day(60), 0), expired(day(60))]);
}

#[test]
fn notices_that_lay_before_the_end_was_set_are_not_given() {
    let story = given([created_ending(day(5), "30d,7d,1d")]);
    story.at(day(1)).due([]).at(day(4)).due([announced("1d", day(5), 1)]);
}

#[test]
fn a_notice_listed_twice_is_given_once() {
    let story = given([created_ending(day(5), "1d,24h,1d")]).at(day(4));
    story.due([announced("1d", day(5), 1), announced("24h", day(5), 1)]);
}

#[test]
fn a_new_end_has_notices_of_its_own() {
    let story = given([created_ending(day(5), "1d")]).at(day(4)).due([announced("1d", day(5), 1)]);
    let story = story.when(update_with(expire_at(day(9)))).accepted().due([]);
    let story = story.at(day(9)).due([announced("1d", day(9), 0), expired(day(9))]);
    // The same end again is not a new one.
    story.when(write()).accepted().due([]);
}

#[test]
fn without_notices_only_the_end_is_told() {
    let silent = OptionsChange { notify_before: Some(None), ..expire_at(day(5)) };
    let story = given([created()]).when(write_with(silent)).accepted();
    story.at(day(4)).due([]).at(day(5)).due([expired(day(5))]);
}

#[test]
fn a_deleted_secret_gives_no_notices_until_it_is_back() {
    let story = given([created_ending(day(10), "1d"), deleted(day(30), 1)]).at(day(9)).due([]);
    let story = story.at(day(11)).due([]).happened([SecretEvent::Restored { version: 1 }]);
    story.due([announced("1d", day(10), 0), expired(day(10))]);
}

#[test]
fn destructions_come_before_notices() {
    let story = given([created_ending(day(31), "1d"), added(2)]).happened([SecretEvent::MetadataUpdated {
        version: Some(2),
        metadata: None,
        options: None,
        expires_at: Some(day(31)),
    }]);
    let story = story.happened([version_deleted(1, day(30))]).at(day(30));
    story.due([destroyed(1, RecoveryEnded), announced("1d", day(31), 1)]);
}

#[test]
fn remaining_days_are_rounded_up() {
    assert_eq!(days_remaining(hour(25), day(0)), 2);
    assert_eq!(days_remaining(hour(24), day(0)), 1);
    assert_eq!(days_remaining(second(1), day(0)), 1);
    assert_eq!(days_remaining(day(0), day(0)), 0);
    assert_eq!(days_remaining(day(0), day(3)), 0);
    assert!(NoticeTimes::parse("1d,2d,3d,4d,5d,6d,7d,8d,9d,10d,11d").is_none(), "at most ten");
}
