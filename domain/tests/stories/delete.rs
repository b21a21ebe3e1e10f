//! DELETE of a whole secret, soft and for good.

use scaivault_domain::ErrorCode;
use scaivault_domain::secret::delete::Deleted;
use scaivault_domain::secret::event::DestroyReason;
use serde_json::json;

use crate::story::{day, given, nothing};
use crate::vocabulary::*;

#[test]
fn softly_it_can_be_restored_for_the_recovery_window() {
    let story = given([created(), added(2)]).at(day(1)).when(delete()).answering(|answer| {
        assert_eq!(*answer, Deleted::Secret { deleted_at: day(1), recoverable_until: day(31) });
    });
    let story = story.then([deleted(day(31), 2)]);
    assert_eq!(story.secret().deleted.unwrap().recoverable_until, day(31));
    assert_eq!(story.secret().current_number(), Some(2), "versions stay as they were");
}

#[test]
fn the_window_is_that_of_the_tenant() {
    let mut story = given([created()]);
    story.context.settings.recovery_window_seconds = 7 * 86_400;
    story.when(delete()).then([deleted(day(7), 1)]);
}

#[test]
fn permanently_all_values_go_and_the_path_is_free() {
    let story = given([created(), added(2), destroyed(1, DestroyReason::Requested)]);
    let secret = story.secret().clone();
    let events = [gone(DestroyReason::Requested, 1)];
    assert_eq!(secret.shredded_by(&events), [secret.versions[1].position]);
    let story = story.when(destroy()).answering(|answer| assert_eq!(*answer, Deleted::Destroyed)).then(events);
    assert_eq!(story.state, None);
}

#[test]
fn permanently_also_while_soft_deleted() {
    let story = given([created(), deleted(day(30), 1)]).at(day(3)).when(destroy());
    assert_eq!(story.then([gone(DestroyReason::Requested, 1)]).state, None);
}

#[test]
fn what_is_not_there_cannot_be_deleted() {
    for command in [delete(), destroy(), delete_version(1), destroy_version(1)] {
        nothing().when(command).refused(ErrorCode::SecretNotFound, json!({"path": "app/db"}));
    }
    for command in [delete(), delete_version(1)] {
        given([created(), deleted(day(30), 1)]).at(day(1)).when(command).refused(
            ErrorCode::SecretNotFound,
            json!({"path": "app/db", "deleted_at": "2026-01-01T00:00:00Z",
                   "recoverable_until": "2026-01-31T00:00:00Z"}),
        );
    }
    given([created(), deleted(day(30), 1)])
        .at(day(30))
        .when(destroy())
        .refused(ErrorCode::SecretNotFound, json!({"path": "app/db"}));
}
