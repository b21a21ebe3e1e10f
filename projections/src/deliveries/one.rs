//! One delivery, with all that was tried: its id says since when it was due, and each attempt when the next was.

use scaivault_domain::Timestamp;
use scaivault_domain::delivery::{Attempt, Outcome, Slot, due_since};
use scaivault_domain::id::DeliveryId;
use scaivault_eventstore::{Revision, StoreError};

use super::{DeliveryReader, KEPT_SECONDS, PAGE, Row, Told};
use crate::outboxes::{Outbox, Waiting};

/// Records that are looked at for one delivery.
const MOST: usize = 4_000;

impl DeliveryReader {
    /// A delivery; `None` if there is none of that id, or no longer.
    pub async fn delivery(&self, id: &DeliveryId, now: Timestamp) -> Result<Option<Told>, StoreError> {
        let Some(due) =
            due_since(id).filter(|due| now.plus_seconds(-KEPT_SECONDS) <= *due && *due <= now.plus_seconds(1))
        else {
            return Ok(None);
        };
        let Some(outbox) = self.outbox() else { return Ok(None) };
        let queued = self.queued(&outbox, id, due);
        let made = match &queued {
            Some((slot, waiting)) => match &waiting.tries {
                Some(tries) => Some(tries.made),
                None => {
                    let row = self.untried(&outbox, (waiting.since, *slot)).await?;
                    return Ok(row.map(|row| Told { row, attempts: Vec::new() }));
                }
            },
            None => None,
        };
        let attempts = self.attempts_at(id, due, made, outbox.revision).await?;
        let Some(last) = attempts.last() else { return Ok(None) };
        let is_dropped = queued.is_some_and(|(slot, _)| outbox.dropped.contains_key(&slot));
        let row = if is_dropped { Row::of(last).dropped() } else { Row::of(last) };
        let attempts = attempts.into_iter().filter(|attempt| attempt.was_made()).collect();
        Ok(Some(Told { row, attempts }))
    }

    /// The one of that id among those that have not ended.
    fn queued(&self, outbox: &Outbox, id: &DeliveryId, due: Timestamp) -> Option<(Slot, Waiting)> {
        let millis = |at: Timestamp| at.as_micros() / 1_000;
        let mut all = outbox.waiting.iter().chain(&outbox.dropped);
        let found = all.find(|(slot, waiting)| {
            millis(waiting.since) == millis(due) && slot.delivery(&self.to, waiting.since) == *id
        });
        found.map(|(slot, waiting)| (*slot, waiting.clone()))
    }

    /// What was tried since `due`, up to the attempt of number `made`, or to the end.
    pub(super) async fn attempts_at(
        &self,
        id: &DeliveryId,
        due: Timestamp,
        made: Option<u32>,
        end: Revision,
    ) -> Result<Vec<Attempt>, StoreError> {
        let mut found: Vec<Attempt> = Vec::new();
        let mut after = self.last_before(due, end).await?;
        let mut left = MOST / PAGE;
        while left > 0 && after < end {
            left -= 1;
            let page = self.history.backend.read_stream(self.stream, after, PAGE).await?;
            let known = found.len();
            for record in page.iter().filter(|record| record.revision <= end) {
                after = record.revision;
                found.extend(self.attempts(record)?.into_iter().filter(|attempt| attempt.id == *id));
            }
            if page.is_empty() {
                break;
            }
            let Some(last) = found.last() else { continue };
            match last.outcome {
                Outcome::Success {} | Outcome::Failed {} => break,
                Outcome::Pending { .. } if made == Some(last.number) => break,
                // Nothing is to be found before.
                Outcome::Pending { next_attempt_at } if found.len() > known => {
                    after = after.max(self.last_before(next_attempt_at, end).await?);
                }
                Outcome::Pending { .. } => {}
            }
        }
        Ok(found)
    }
}
