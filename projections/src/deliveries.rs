//! Deliveries to one recipient as they are told: read from the stream in which their attempts stand, newest first, and
//! from the queue of those that have not been tried. There is no other index of them.

mod listing;
mod one;
mod waiting;

use std::sync::Arc;

use scaivault_domain::delivery::{Attempt, DISABLED, DeliveryEvent, Outcome, Recipient, Slot};
use scaivault_domain::id::DeliveryId;
use scaivault_domain::{Event, Timestamp};
use scaivault_eventstore::{Record, RecordedAt, Revision, StoreError, StreamId};

use crate::decode::{Decoded, decode};
use crate::events::EventReader;
use crate::history::History;
use crate::outboxes::Outbox;
use crate::projector::Projections;

pub use listing::{Place, Wanted};

/// Deliveries are told for so long, in seconds.
pub const KEPT_SECONDS: i64 = 30 * 86_400;
/// Records read at once.
const PAGE: usize = 64;

/// A delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its id.
    pub id: DeliveryId,
    /// Which it is; `None` of a test.
    pub slot: Option<Slot>,
    /// Id of the event.
    pub event_id: Arc<str>,
    /// Its type.
    pub event_type: Arc<str>,
    /// When it was tried last, or since when it waits.
    pub timestamp: Timestamp,
    /// `success`, `failed` or `pending`.
    pub status: &'static str,
    /// Status of the last answer.
    pub response_code: Option<u16>,
    /// How long that took.
    pub duration_ms: Option<u64>,
    /// How often it was tried.
    pub attempt: u32,
    /// When it is tried again.
    pub next_attempt_at: Option<Timestamp>,
    /// What went wrong last.
    pub error: Option<Arc<str>>,
}

/// A delivery with what was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// As in a list.
    pub row: Row,
    /// Oldest first.
    pub attempts: Vec<Attempt>,
}

/// Reads the deliveries to one recipient.
pub struct DeliveryReader {
    projections: Arc<Projections>,
    history: History,
    events: EventReader,
    stream: StreamId,
    to: Recipient,
}

impl DeliveryReader {
    /// Of the recipient whose deliveries stand in that stream.
    pub fn new(projections: Arc<Projections>, history: History, stream: StreamId, to: Recipient) -> Self {
        let events = EventReader::new(projections.clone(), history.clone());
        Self { projections, history, events, stream, to }
    }

    fn outbox(&self) -> Option<Outbox> {
        self.projections.outboxes(|all| all.outbox(&self.to).cloned())
    }

    /// Attempts in a record; none where it says something else.
    fn attempts(&self, record: &Record) -> Result<Vec<Attempt>, StoreError> {
        if record.kind != KIND {
            return Ok(Vec::new());
        }
        let Decoded::Event { recorded, .. } = decode(&self.history.sealer, record)? else { return Ok(Vec::new()) };
        #[allow(clippy::wildcard_enum_match_arm, reason = "the type says what it is")]
        match recorded.body.event {
            Event::Delivery(DeliveryEvent::Attempted { attempts, .. }) => Ok(attempts),
            _ => Ok(Vec::new()),
        }
    }

    /// The last revision up to `end` that was recorded before `at`; times never decrease along a stream.
    async fn last_before(&self, at: Timestamp, end: Revision) -> Result<Revision, StoreError> {
        let at = RecordedAt(at.as_micros());
        // The one at `low` is earlier than `at`, that at `high` is not.
        let (mut low, mut high) = (0, end.0 + 1);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let found = self.history.backend.read_stream(self.stream, Revision(middle - 1), 1).await?;
            match found.first().is_some_and(|record| record.recorded_at < at) {
                true => low = middle,
                false => high = middle,
            }
        }
        Ok(Revision(low))
    }
}

/// Type of records with attempts.
const KIND: &str = "delivery.attempted";

impl Row {
    fn of(attempt: &Attempt) -> Self {
        Self {
            id: attempt.id.clone(),
            slot: attempt.slot,
            event_id: attempt.event_id.clone(),
            event_type: attempt.event_type.clone(),
            timestamp: attempt.at,
            status: attempt.outcome.as_str(),
            response_code: attempt.response_code,
            duration_ms: attempt.duration_ms,
            attempt: attempt.number,
            next_attempt_at: attempt.outcome.next_attempt_at(),
            error: attempt.error.clone(),
        }
    }

    /// One that ended because its recipient is disabled, which is not noted yet.
    fn dropped(self) -> Self {
        Self { status: Outcome::Failed {}.as_str(), next_attempt_at: None, error: Some(DISABLED.into()), ..self }
    }
}
