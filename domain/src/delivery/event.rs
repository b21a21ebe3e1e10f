//! What happens to deliveries. Those to one recipient stand in one stream.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Recipient, Series, Slot};
use crate::Timestamp;
use crate::id::DeliveryId;
use crate::publication::EventKey;

/// A step of deliveries. The names are those stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DeliveryEvent {
    /// What was tried, or given up untried.
    #[serde(rename = "delivery.attempted")]
    Attempted {
        /// To whom.
        to: Recipient,
        /// In the order of their ends.
        attempts: Vec<Attempt>,
    },
    /// Somebody wants events again.
    #[serde(rename = "delivery.requested")]
    Requested {
        /// By whom they are to be had.
        to: Recipient,
        /// As what.
        series: Series,
        /// Whether they are marked as a replay.
        replay: bool,
        /// Which, in order.
        events: Vec<Asked>,
    },
    /// Events of a polled subscription were acknowledged, or passed over because its owner may not see them.
    #[serde(rename = "delivery.acknowledged")]
    Acknowledged {
        /// Whose.
        to: Recipient,
        /// Which.
        events: Vec<EventKey>,
        /// Whether its owner said so, which ends what is told of dropped ones.
        #[serde(default)]
        by_owner: bool,
    },
}

impl DeliveryEvent {
    /// Every stored type.
    pub const KINDS: [&'static str; 3] = ["delivery.attempted", "delivery.requested", "delivery.acknowledged"];

    /// Stored type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Attempted { .. } => "delivery.attempted",
            Self::Requested { .. } => "delivery.requested",
            Self::Acknowledged { .. } => "delivery.acknowledged",
        }
    }

    /// Whose.
    pub fn to(&self) -> &Recipient {
        match self {
            Self::Attempted { to, .. } | Self::Requested { to, .. } | Self::Acknowledged { to, .. } => to,
        }
    }
}

/// An event that is wanted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Which.
    pub key: EventKey,
    /// What it is in order with.
    pub lane: u64,
}

/// One attempt at a delivery, or the end of one without any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which delivery.
    pub id: DeliveryId,
    /// Of which event, and why; `None` of a test, whose event is in no log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// Id of the event.
    pub event_id: Arc<str>,
    /// Its type.
    pub event_type: Arc<str>,
    /// Which attempt, from 1; where there was none, how many there had been.
    pub number: u32,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, if there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Status of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_code: Option<u16>,
    /// The beginning of the answer's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_body: Option<Arc<str>>,
    /// What went wrong, in the words of the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Arc<str>>,
    /// What follows.
    pub outcome: Outcome,
}

/// Why a delivery ended without an attempt: its recipient is disabled.
pub const DISABLED: &str = "webhook_disabled";
/// Its event was erased before it could be sent.
pub const ERASED: &str = "event_erased";
/// The subscription's owner may not see it.
pub const HIDDEN: &str = "not_permitted";

impl Attempt {
    /// Whether something was sent; else it is the end of a delivery without an attempt.
    pub fn was_made(&self) -> bool {
        !matches!(self.error.as_deref(), Some(DISABLED | ERASED | HIDDEN))
    }
}

/// What an attempt leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Outcome {
    /// It arrived.
    Success {},
    /// It is tried again.
    Pending {
        /// When.
        next_attempt_at: Timestamp,
    },
    /// It is given up.
    Failed {},
}

impl Outcome {
    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success {} => "success",
            Self::Pending { .. } => "pending",
            Self::Failed {} => "failed",
        }
    }

    /// When it is tried again.
    pub fn next_attempt_at(self) -> Option<Timestamp> {
        match self {
            Self::Pending { next_attempt_at } => Some(next_attempt_at),
            Self::Success {} | Self::Failed {} => None,
        }
    }
}
