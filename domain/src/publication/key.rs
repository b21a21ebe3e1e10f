//! Where a published event comes from in the log, and its id, which is made of that.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What ids of events start with.
const PREFIX: &str = "evt_";
/// Bits of an index: events from one record, of which audit entries are the most.
const INDEX_BITS: u32 = 24;

/// The place of a published event: the record it comes from, and which of its events it is. Keys sort in log order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventKey {
    /// Position of the record, below 2^56.
    pub position: u64,
    /// Which of its events, below 2^24.
    pub index: u32,
}

impl EventKey {
    /// Before every event.
    pub const FIRST: Self = Self { position: 0, index: 0 };

    /// The first event of a record.
    pub fn of(position: u64) -> Self {
        Self { position, index: 0 }
    }

    /// The id of the event, whose record has that time: a ULID of both. Records never go back in time along the log,
    /// so ids sort in log order.
    pub fn id(self, recorded_at: Timestamp) -> String {
        let millis = u64::try_from(recorded_at.as_micros() / 1_000).unwrap_or_default();
        let place = (u128::from(self.position) << INDEX_BITS) | u128::from(self.index);
        format!("{PREFIX}{}", ulid::Ulid::from_parts(millis, place))
    }

    /// The key in an id; `None` for what is no id of an event.
    pub fn parse(id: &str) -> Option<Self> {
        let text = id.strip_prefix(PREFIX)?;
        let ulid = ulid::Ulid::from_string(text).ok().filter(|ulid| ulid.to_string() == text)?;
        let position = u64::try_from(ulid.random() >> INDEX_BITS).ok()?;
        let index = u32::try_from(ulid.random() & ((1 << INDEX_BITS) - 1)).ok()?;
        Some(Self { position, index })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::EventKey;
    use crate::Timestamp;

    #[test]
    fn an_id_tells_its_key() {
        let at = Timestamp::from_micros(1_776_952_800_123_456);
        for key in
            [EventKey::FIRST, EventKey { position: 1, index: 2 }, EventKey { position: 1 << 55, index: 0xff_ffff }]
        {
            assert_eq!(EventKey::parse(&key.id(at)), Some(key));
        }
        for wrong in ["", "evt_", "evt_1", "del_01JX5T3ZJ8Q4W6E2R9T1Y5V7BC", "evt_01jx5t3zj8q4w6e2r9t1y5v7bc"] {
            assert_eq!(EventKey::parse(wrong), None, "{wrong}");
        }
    }
}
