//! What waits to be pushed to one recipient, and how it has been doing.

use std::sync::Arc;

use imbl::OrdMap;
use scaivault_domain::delivery::{Asked, Attempt, Outcome, Series, Slot, retry};
use scaivault_domain::endpoint::DisabledReason;
use scaivault_domain::id::DeliveryId;
use scaivault_domain::publication::EventKey;
use scaivault_domain::{Owner, Timestamp};
use scaivault_eventstore::Revision;

use super::{Day, Statistics};

/// Most deliveries that may wait. Beyond it the receiver does not keep up, and is given up as one that fails: a replay
/// makes up for it later.
const MOST_WAITING: usize = 1_000_000;
/// The status that ends an endpoint (RFC 9110, section 15.5.11).
const GONE: u16 = 410;

/// The queue of one recipient.
#[derive(Clone, Debug, PartialEq)]
pub struct Outbox {
    /// Whose it is.
    pub owner: Owner,
    /// Deliveries that have not ended.
    pub waiting: OrdMap<Slot, Waiting>,
    /// Those that ended when the recipient was disabled, until each is noted.
    pub dropped: OrdMap<Slot, Waiting>,
    /// Revision of the stream of deliveries.
    pub revision: Revision,
    /// The last 24 hours.
    pub statistics: Arc<Statistics>,
    /// The first and the last of the attempts that have failed since one succeeded.
    pub failing: Option<(Timestamp, Timestamp)>,
    /// When the receiver said that it wants nothing any more.
    pub gone_at: Option<Timestamp>,
    /// Revision at which events were asked for again last.
    pub asked: Revision,
    /// The last attempt.
    pub last: Option<Arc<LastAttempt>>,
}

/// A delivery that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// What it is in order with.
    pub lane: u64,
    /// Since when it is due; part of its id.
    pub since: Timestamp,
    /// Whether it is marked as a replay.
    pub replay: bool,
    /// What was tried.
    pub tries: Option<Arc<Tries>>,
}

/// Attempts at a delivery that have failed so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tries {
    /// How many.
    pub made: u32,
    /// When the last began.
    pub last_at: Timestamp,
    /// When it is tried again.
    pub next_attempt_at: Timestamp,
}

/// The last attempt at any delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastAttempt {
    /// At which.
    pub id: DeliveryId,
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
    /// Status of the answer.
    pub response_code: Option<u16>,
    /// What went wrong.
    pub error: Option<Arc<str>>,
}

impl Outbox {
    pub(crate) fn of(owner: &Owner) -> Self {
        Self {
            owner: owner.clone(),
            waiting: OrdMap::new(),
            dropped: OrdMap::new(),
            revision: Revision::NONE,
            statistics: Arc::default(),
            failing: None,
            gone_at: None,
            asked: Revision::NONE,
            last: None,
        }
    }

    /// Whether there is nothing to do, now or later.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.dropped.is_empty() && self.verdict().is_none()
    }

    /// The 24 hours before `now`, with what was tried and has not ended.
    pub fn day(&self, now: Timestamp) -> Day {
        let since = now.plus_seconds(-86_400);
        let is_of_day = |waiting: &&Waiting| waiting.tries.as_ref().is_some_and(|tries| tries.last_at > since);
        let mut day = self.statistics.day(now);
        day.deliveries += self.waiting.values().filter(is_of_day).count() as u64;
        day
    }

    /// Why the recipient is to be given up, if it is: its receiver said so, every attempt has failed for days, or more
    /// waits than there is room for.
    pub fn verdict(&self) -> Option<DisabledReason> {
        if self.gone_at.is_some() {
            return Some(DisabledReason::Gone);
        }
        if self.waiting.len() > MOST_WAITING {
            return Some(DisabledReason::Failing);
        }
        let (first, last) = self.failing?;
        (last >= first.plus_seconds(retry::PATIENCE)).then_some(DisabledReason::Failing)
    }

    pub(super) fn enter(&mut self, key: EventKey, lane: u64, since: Timestamp) {
        self.waiting.insert(Slot::live(key), Waiting { lane, since, replay: false, tries: None });
    }

    pub(super) fn requested(
        &mut self,
        series: Series,
        replay: bool,
        events: &[Asked],
        since: Timestamp,
        revision: Revision,
    ) {
        self.revision = revision;
        self.asked = revision;
        for Asked { key, lane } in events {
            self.waiting.insert(Slot { series, key: *key }, Waiting { lane: *lane, since, replay, tries: None });
        }
    }

    pub(super) fn attempted(&mut self, attempts: &[Attempt], now: Timestamp, revision: Revision) {
        self.revision = revision;
        for attempt in attempts {
            if let Some(slot) = attempt.slot {
                let counts = self.settle(slot, attempt);
                if counts && attempt.was_made() {
                    self.count(attempt, now);
                }
            }
            if attempt.was_made() {
                self.last = Some(Arc::new(LastAttempt {
                    id: attempt.id.clone(),
                    at: attempt.at,
                    outcome: attempt.outcome,
                    response_code: attempt.response_code,
                    error: attempt.error.clone(),
                }));
            }
        }
    }

    /// Tells whether it still says something of the recipient as it is: not if that was disabled meanwhile.
    fn settle(&mut self, slot: Slot, attempt: &Attempt) -> bool {
        self.dropped.remove(&slot);
        let is_waited_for = self.waiting.contains_key(&slot);
        match attempt.outcome {
            Outcome::Success {} | Outcome::Failed {} => _ = self.waiting.remove(&slot),
            Outcome::Pending { next_attempt_at } => {
                if let Some(waiting) = self.waiting.get_mut(&slot) {
                    let tries = Tries { made: attempt.number, last_at: attempt.at, next_attempt_at };
                    waiting.tries = Some(Arc::new(tries));
                }
            }
        }
        is_waited_for
    }

    fn count(&mut self, attempt: &Attempt, now: Timestamp) {
        let succeeded = attempt.outcome == Outcome::Success {};
        Arc::make_mut(&mut self.statistics).count(attempt, now);
        let first = self.failing.map_or(attempt.at, |(first, _)| first);
        self.failing = (!succeeded).then_some((first, attempt.at));
        if attempt.response_code == Some(GONE) {
            self.gone_at = Some(attempt.at);
        }
    }

    /// While disabled nothing is queued, and what was ends.
    pub(super) fn switch(&mut self, is_enabled: bool) {
        self.failing = None;
        self.gone_at = None;
        if is_enabled {
            return;
        }
        for (slot, waiting) in std::mem::take(&mut self.waiting) {
            self.dropped.insert(slot, waiting);
        }
    }
}
