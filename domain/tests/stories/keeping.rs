//! `max_versions`: how many versions keep their value.

use scaivault_domain::secret::event::DestroyReason::Requested;
use scaivault_domain::secret::{Options, SecretEvent};

use crate::story::{day, given, hour};
use crate::vocabulary::*;

#[test]
fn the_oldest_goes_with_the_write_that_exceeds() {
    let story = given([created_keeping(2), added(2)]).when(write()).then([added(3), aged_out(1)]);
    assert_eq!(story.states(), ["destroyed", "previous", "current"]);
    story.when(write()).then([added(4), aged_out(2)]);
}

#[test]
fn a_lower_limit_acts_at_once() {
    let update = SecretEvent::MetadataUpdated {
        version: Some(4),
        metadata: None,
        options: Some(Options { max_versions: 2, ..options() }),
        expires_at: None,
    };
    let story = given([created(), added(2), added(3), added(4)]).when(update_with(keep(2)));
    story.then([update, aged_out(1), aged_out(2)]);
}

#[test]
fn a_version_in_its_grace_period_is_kept_besides() {
    let story = given([created_keeping(1)]).when(rotate(48)).then([rotated(2, hour(48))]);
    let story = story.at(hour(24)).when(rotate(48)).then([rotated(3, hour(72))]);
    assert_eq!(story.states(), ["grace", "grace", "current"]);
    assert_eq!(story.secret().next_due(hour(24)), Some(hour(48)));
    let story = story.at(hour(47)).due([]).at(hour(48)).due([aged_out(1)]);
    assert_eq!(story.secret().next_due(hour(48)), Some(hour(72)));
    let story = story.at(hour(72)).due([aged_out(2)]);
    assert_eq!(story.states(), ["destroyed", "destroyed", "current"]);
    assert_eq!(story.secret().next_due(hour(72)), None);
}

#[test]
fn the_end_of_a_grace_period_that_exceeds_nothing_is_not_due() {
    let story = given([created_keeping(2), rotated(2, hour(100)), rotated(3, hour(50))]);
    assert_eq!(story.secret().next_due(hour(0)), Some(hour(100)), "at 50 two are kept and one is in grace");
    story.at(hour(50)).due([]).at(hour(100)).due([aged_out(1)]);
}

#[test]
fn a_write_after_the_grace_period_finds_it_ended() {
    let story = given([created_keeping(1), rotated(2, hour(48))]).at(hour(48)).when(write());
    assert_eq!(story.then([added(3), aged_out(2)]).states(), ["destroyed", "destroyed", "current"]);
}

#[test]
fn deleted_versions_count_and_destroyed_ones_do_not() {
    let story = given([created_keeping(2), added(2), version_deleted(1, day(30))]).when(write());
    story.then([added(3), aged_out(1)]);
    let story = given([created_keeping(2), added(2), destroyed(1, Requested)]).when(write());
    story.then([added(3)]);
}

#[test]
fn deleting_a_version_never_costs_another_its_value() {
    // Back to the replaced version: the deleted one stays restorable, as was announced.
    let story = given([created_keeping(1), rotated(2, hour(48))]).when(delete_version(2));
    let story = story.then([version_deleted(2, day(30)), current_changed(2, 1)]).due([]).at(day(3)).due([]);
    assert_eq!(story.states(), ["current", "deleted"]);
    // A replaced version that is deleted keeps what was left of its grace period.
    let story = given([created_keeping(1), rotated(2, hour(48))]).when(delete_version(1)).accepted();
    story.due([]).at(hour(48)).due([aged_out(1)]);
    // One that is current again does not push out others while its grace period runs.
    let story = given([created_keeping(2), added(2), rotated(3, hour(48))]).when(delete_version(3)).accepted();
    story.due([]).at(hour(48)).due([aged_out(1)]);
}
