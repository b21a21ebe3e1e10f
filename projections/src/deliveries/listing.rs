//! Deliveries in a list, newest first.

use std::collections::VecDeque;

use scaivault_domain::Timestamp;
use scaivault_domain::delivery::{Attempt, Outcome, Series, Slot};
use scaivault_domain::publication::EventKey;
use scaivault_eventstore::{Revision, StoreError};
use serde::{Deserialize, Serialize};

use super::{DeliveryReader, KEPT_SECONDS, PAGE, Row, waiting};
use crate::outboxes::{Outbox, Waiting};

/// Attempts that are looked at for one page, and deliveries that wait untried. Where more are needed the page is shorter,
/// and the next goes on.
const MOST: usize = 200_000;
const MOST_UNTRIED: usize = 2_000;
/// How long after an attempt it is noted at the latest, as far as a list by times relies on it, in seconds.
const NOTED: i64 = 600;

/// Which deliveries are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Those that stand so.
    pub status: Option<String>,
    /// Of events of this type.
    pub event_type: Option<String>,
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
}

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// When the list began, in microseconds, and at which revision.
    began: i64,
    end: u64,
    /// Before which revision, and attempt of it.
    attempt: (u64, usize),
    /// Before which that waits: since when, its series, its event.
    untried: Option<(i64, String, u64, u32)>,
}

/// The attempts before a place, record by record.
struct Attempts<'r> {
    reader: &'r DeliveryReader,
    /// Not read yet: those before.
    before: Revision,
    from: Timestamp,
    read: VecDeque<(u64, usize, Attempt)>,
    is_over: bool,
}

impl Wanted {
    fn has(&self, row: &Row) -> bool {
        self.status.as_deref().is_none_or(|status| status == row.status)
            && self.event_type.as_deref().is_none_or(|event_type| event_type == &*row.event_type)
            && self.from.is_none_or(|from| from <= row.timestamp)
            && self.to.is_none_or(|to| row.timestamp < to)
    }
}

impl Attempts<'_> {
    async fn next(&mut self) -> Result<Option<(u64, usize, Attempt)>, StoreError> {
        while self.read.is_empty() && !self.is_over {
            let reader = self.reader;
            let page = reader.history.backend.read_stream_back(reader.stream, Some(self.before), PAGE).await?;
            self.is_over = page.len() < PAGE;
            for record in page {
                self.before = record.revision;
                // What was noted earlier was tried earlier.
                if record.recorded_at.0 < self.from.as_micros() {
                    self.is_over = true;
                    break;
                }
                let attempts = reader.attempts(&record)?.into_iter().enumerate().rev();
                self.read.extend(attempts.map(|(index, attempt)| (record.revision.0, index, attempt)));
            }
        }
        Ok(self.read.pop_front())
    }
}

impl DeliveryReader {
    /// A page, and where the next begins if there is one.
    pub async fn list(
        &self,
        wanted: &Wanted,
        after: Option<Place>,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<Row>, Option<Place>), StoreError> {
        let Some(outbox) = self.outbox() else { return Ok((Vec::new(), None)) };
        let oldest = now.plus_seconds(-KEPT_SECONDS);
        let from = wanted.from.map_or(oldest, |from| from.max(oldest));
        let is_later = after.is_some();
        let mut place = match after {
            Some(place) => place,
            None => self.beginning(&outbox, wanted, now).await?,
        };
        let most = if wanted.event_type.is_some() { MOST_UNTRIED } else { limit + 1 };
        let before = place.untried.as_ref().and_then(stand);
        let untried = waiting::newest(
            &outbox,
            |stand, row_status| {
                before.is_none_or(|before| stand < before)
                    && from <= stand.0
                    && wanted.to.is_none_or(|to| stand.0 < to)
                    && wanted.status.as_deref().is_none_or(|status| status == row_status)
            },
            most,
        );
        // Where not all fit, more may follow than are looked at.
        let is_cut = untried.len() == most;
        let mut untried = VecDeque::from(untried);
        let (revision, index) = place.attempt;
        let mut attempts = Attempts {
            reader: self,
            before: Revision(if index == 0 { revision } else { revision + 1 }),
            from,
            read: VecDeque::new(),
            is_over: false,
        };
        let mut ahead = attempts.next().await?;
        while ahead.as_ref().is_some_and(|(of, at, _)| (*of, *at) >= (revision, index)) {
            ahead = attempts.next().await?;
        }
        let mut rows = Vec::new();
        let mut looked_at = 0;
        loop {
            looked_at += 1;
            let takes_untried = match (untried.front(), &ahead) {
                (Some((since, _)), Some((_, _, attempt))) => *since >= attempt.at,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => return Ok((rows, is_cut.then_some(place))),
            };
            let here = place.clone();
            let row = if takes_untried {
                let Some(next) = untried.pop_front() else { continue };
                place.untried = Some(written(next));
                self.untried(&outbox, next).await?
            } else {
                let Some((of, at, attempt)) = ahead.take() else { continue };
                place.attempt = (of, at);
                ahead = attempts.next().await?;
                // Beyond those that were looked up may be some that are newer than this.
                if untried.is_empty() && is_cut {
                    return Ok((rows, Some(here)));
                }
                match last(&outbox, &attempt) {
                    None if is_later => self.was_last(&attempt, &place).await?.then(|| Row::of(&attempt)),
                    row => row,
                }
            };
            let Some(row) = row.filter(|row| wanted.has(row) && row.timestamp >= from) else {
                if looked_at < MOST {
                    continue;
                }
                return Ok((rows, Some(place)));
            };
            // It follows on the next page.
            if rows.len() == limit {
                return Ok((rows, Some(here)));
            }
            rows.push(row);
        }
    }

    /// Whether an attempt that is followed by others was the last when the list began: those came too late for it.
    async fn was_last(&self, attempt: &Attempt, place: &Place) -> Result<bool, StoreError> {
        let due = attempt.outcome.next_attempt_at().map_or(i64::MIN, Timestamp::as_micros);
        if due < place.began - NOTED * 1_000_000 {
            return Ok(false);
        }
        let attempts = self.attempts_at(&attempt.id, attempt.at, None, Revision(place.end)).await?;
        Ok(attempts.last().is_some_and(|last| last == attempt))
    }

    async fn beginning(&self, outbox: &Outbox, wanted: &Wanted, now: Timestamp) -> Result<Place, StoreError> {
        let end = match wanted.to {
            Some(to) => self.last_before(to.plus_seconds(NOTED), outbox.revision).await?,
            None => outbox.revision,
        };
        let (began, at) = (now.as_micros(), outbox.revision.0);
        Ok(Place { began, end: at, attempt: (end.next().0, 0), untried: None })
    }
}

/// The delivery of an attempt, if it is the last one.
fn last(outbox: &Outbox, attempt: &Attempt) -> Option<Row> {
    let row = Row::of(attempt);
    let (Outcome::Pending { .. }, Some(slot)) = (attempt.outcome, attempt.slot) else { return Some(row) };
    let is_last = |waiting: &Waiting| waiting.tries.as_ref().is_some_and(|tries| tries.made == attempt.number);
    if outbox.dropped.get(&slot).is_some_and(is_last) {
        return Some(row.dropped());
    }
    outbox.waiting.get(&slot).is_some_and(is_last).then_some(row)
}

fn written((since, slot): waiting::Stand) -> (i64, String, u64, u32) {
    (since.as_micros(), slot.series.0.0.to_string(), slot.key.position, slot.key.index)
}

fn stand(written: &(i64, String, u64, u32)) -> Option<waiting::Stand> {
    let (since, series, position, index) = written;
    let slot = Slot {
        series: Series::from_number(series.parse().ok()?),
        key: EventKey { position: *position, index: *index },
    };
    Some((Timestamp::from_micros(*since), slot))
}
