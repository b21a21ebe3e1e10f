//! What waits for a polled subscription: the events that its owner has not acknowledged, within bounds.

use imbl::OrdMap;
use scaivault_domain::publication::{EventKey, Published};
use scaivault_domain::{Owner, SecretPath, Timestamp};
use scaivault_eventstore::Revision;

/// Unacknowledged events of one subscription.
#[derive(Clone, Debug, PartialEq)]
pub struct Buffer {
    /// Whose it is.
    pub owner: Owner,
    /// What each is about, and since when it waits.
    pub waiting: OrdMap<EventKey, Kept>,
    /// The last event that was dropped because there was no room.
    pub dropped: Option<EventKey>,
    /// Whether some were since the owner acknowledged last.
    pub truncated: bool,
    /// Revision of the stream of acknowledgements.
    pub revision: Revision,
    /// When events were taken last.
    pub acknowledged_at: Option<Timestamp>,
}

/// An event that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Since when.
    pub since: Timestamp,
    /// Whom it concerns.
    pub owner: Owner,
    /// The secret concerned.
    pub path: Option<SecretPath>,
}

impl Buffer {
    pub(crate) fn of(owner: &Owner) -> Self {
        Self {
            owner: owner.clone(),
            waiting: OrdMap::new(),
            dropped: None,
            truncated: false,
            revision: Revision::NONE,
            acknowledged_at: None,
        }
    }

    /// What waits after a place, oldest first.
    pub fn after(&self, place: Option<EventKey>) -> impl Iterator<Item = (EventKey, &Kept)> {
        let start = place.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        self.waiting.range((start, std::ops::Bound::Unbounded)).map(|(key, kept)| (*key, kept))
    }

    pub(super) fn enter(&mut self, event: &Published, since: Timestamp, size: u32) {
        let kept = Kept { since, owner: event.owner.clone(), path: event.path.clone() };
        self.waiting.insert(event.key, kept);
        self.shrink_to(size);
    }

    pub(super) fn shrink_to(&mut self, size: u32) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        while self.waiting.len() > size {
            let Some(oldest) = self.waiting.get_min().map(|(key, _)| *key) else { return };
            self.waiting.remove(&oldest);
            self.dropped = self.dropped.max(Some(oldest));
            self.truncated = true;
        }
    }

    pub(super) fn acknowledge(&mut self, events: &[EventKey], by_owner: bool, at: Timestamp, revision: Revision) {
        self.revision = revision;
        for key in events {
            self.waiting.remove(key);
        }
        if by_owner {
            self.truncated = false;
            self.acknowledged_at = Some(at);
        }
    }
}
