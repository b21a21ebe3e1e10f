//! Deliveries that were not tried yet.

use std::collections::BTreeSet;

use scaivault_domain::Timestamp;
use scaivault_domain::delivery::{Outcome, Recipient, Slot};
use scaivault_domain::publication::Published;
use scaivault_eventstore::StoreError;

use super::{DeliveryReader, Row};
use crate::outboxes::Outbox;

const PENDING: &str = "pending";

/// Since when one waits, and which it is.
pub(super) type Stand = (Timestamp, Slot);

/// The newest that wait untried and are wanted, by where they stand and their status; at most `most`, newest first.
pub(super) fn newest(outbox: &Outbox, is_wanted: impl Fn(Stand, &str) -> bool, most: usize) -> Vec<Stand> {
    let mut newest = BTreeSet::new();
    let waiting = outbox.waiting.iter().map(|held| (held, PENDING));
    let dropped = outbox.dropped.iter().map(|held| (held, Outcome::Failed {}.as_str()));
    for ((slot, waiting), status) in waiting.chain(dropped) {
        let stand = (waiting.since, *slot);
        if waiting.tries.is_some() || !is_wanted(stand, status) {
            continue;
        }
        if newest.len() < most {
            newest.insert(stand);
        } else if newest.first().is_some_and(|oldest| *oldest < stand) {
            newest.pop_first();
            newest.insert(stand);
        }
    }
    newest.into_iter().rev().collect()
}

impl DeliveryReader {
    /// One that waits untried; `None` if its event is gone, which is about to be noted.
    pub(super) async fn untried(&self, outbox: &Outbox, stand: Stand) -> Result<Option<Row>, StoreError> {
        let (_, slot) = stand;
        let Some(event) = self.events.event(slot.key).await? else { return Ok(None) };
        let row = Row::untried(&self.to, &event, stand);
        Ok(Some(if outbox.dropped.contains_key(&slot) { row.dropped() } else { row }))
    }
}

impl Row {
    /// A delivery of an event that waits untried.
    pub fn untried(to: &Recipient, event: &Published, (since, slot): (Timestamp, Slot)) -> Self {
        Self {
            id: slot.delivery(to, since),
            slot: Some(slot),
            event_id: event.event_id.as_str().into(),
            event_type: event.event_type.into(),
            timestamp: since,
            status: PENDING,
            response_code: None,
            duration_ms: None,
            attempt: 0,
            next_attempt_at: None,
            error: None,
        }
    }
}
