//! Deliveries: what becomes of an event on its way to a webhook or a subscription.
//!
//! Which events are due to whom follows from the log; what was tried stands in it. Nothing else is kept anywhere.

pub mod event;
pub mod retry;

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use ulid::Ulid;

use crate::Timestamp;
use crate::id::{DeliveryId, SubscriptionId, WebhookId};
use crate::publication::EventKey;

pub use event::{Asked, Attempt, DISABLED, DeliveryEvent, ERASED, HIDDEN, Outcome};

/// To whom events are handed over.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// To a webhook.
    Webhook(WebhookId),
    /// To a subscription.
    Subscription(SubscriptionId),
}

impl Recipient {
    /// Its id.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Webhook(id) => id.as_str(),
            Self::Subscription(id) => id.as_str(),
        }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What events are in order with: as they come, or as somebody asked for some of them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Series(pub Ulid);

impl Series {
    /// As they come.
    pub const LIVE: Self = Self(Ulid::nil());

    /// From a number, and back with `.0.0`.
    pub fn from_number(number: u128) -> Self {
        Self(Ulid(number))
    }

    /// Whether they come for the first time.
    pub fn is_live(self) -> bool {
        self == Self::LIVE
    }
}

/// One delivery to a recipient: an event, and why it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot {
    /// Why.
    pub series: Series,
    /// Which event.
    pub key: EventKey,
}

impl Slot {
    /// An event as it comes.
    pub fn live(key: EventKey) -> Self {
        Self { series: Series::LIVE, key }
    }

    /// The id of the delivery that was due since `at`: always the same, whichever process asks.
    pub fn delivery(self, to: &Recipient, at: Timestamp) -> DeliveryId {
        let mut digest = Sha256::new();
        digest.update(b"delivery\0");
        digest.update(to.as_str());
        digest.update(self.series.0.0.to_be_bytes());
        digest.update(self.key.position.to_be_bytes());
        digest.update(self.key.index.to_be_bytes());
        let digest = digest.finalize();
        let mut random = [0; 16];
        random.iter_mut().skip(6).zip(digest).for_each(|(byte, of)| *byte = of);
        let millis = u64::try_from(at.as_micros() / 1_000).unwrap_or_default();
        DeliveryId::from_ulid(Ulid::from_parts(millis, u128::from_be_bytes(random)))
    }
}

/// Since when a delivery was due, by its id, in whole milliseconds.
pub fn due_since(id: &DeliveryId) -> Option<Timestamp> {
    let ulid = Ulid::from_string(id.as_str().strip_prefix(DeliveryId::PREFIX)?).ok()?;
    let millis = i64::try_from(ulid.timestamp_ms()).ok()?;
    Some(Timestamp::from_micros(millis.checked_mul(1_000)?))
}
