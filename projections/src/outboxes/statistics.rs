//! How deliveries to one recipient went in the last 24 hours, by the minute.

use std::collections::BTreeMap;

use scaivault_domain::Timestamp;
use scaivault_domain::delivery::{Attempt, Outcome};

/// Minutes of a day.
const DAY: i64 = 24 * 60;

/// Attempts by the minute in which they began. Only minutes with some are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    pub(crate) minutes: BTreeMap<i64, Minute>,
}

/// Attempts of a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Minute {
    pub(crate) deliveries: u64,
    pub(crate) attempts: u64,
    pub(crate) succeeded: u64,
    pub(crate) answered: u64,
    pub(crate) millis: u64,
}

/// Sums of the last 24 hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Deliveries that ended.
    pub deliveries: u64,
    /// Attempts.
    pub attempts: u64,
    /// Those that succeeded.
    pub succeeded: u64,
    /// Those that were answered.
    pub answered: u64,
    /// How long these took together, in milliseconds.
    pub millis: u64,
}

impl Statistics {
    /// The 24 hours before `now`.
    pub fn day(&self, now: Timestamp) -> Day {
        let mut day = Day::default();
        for (_, minute) in self.minutes.range(minute_of(now) - DAY + 1..) {
            day.deliveries += minute.deliveries;
            day.attempts += minute.attempts;
            day.succeeded += minute.succeeded;
            day.answered += minute.answered;
            day.millis += minute.millis;
        }
        day
    }

    pub(super) fn count(&mut self, attempt: &Attempt, now: Timestamp) {
        let minute = self.minutes.entry(minute_of(attempt.at)).or_default();
        minute.deliveries += u64::from(attempt.outcome.next_attempt_at().is_none());
        minute.attempts += 1;
        minute.succeeded += u64::from(attempt.outcome == Outcome::Success {});
        if let Some(millis) = attempt.duration_ms {
            minute.answered += 1;
            minute.millis += millis;
        }
        let oldest = minute_of(now) - DAY;
        while self.minutes.first_key_value().is_some_and(|(first, _)| *first < oldest) {
            self.minutes.pop_first();
        }
    }
}

fn minute_of(at: Timestamp) -> i64 {
    at.as_seconds().div_euclid(60)
}
