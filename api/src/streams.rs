//! Streams of events that this node has open, by subscription: so many and no more.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use scaivault_domain::id::SubscriptionId;

/// Most of one subscription.
pub const MOST: usize = 5;

/// How many are open.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<HashMap<SubscriptionId, usize>>>);

/// The place of one, as long as it is open.
pub struct Slot {
    streams: Streams,
    id: SubscriptionId,
}

impl Streams {
    /// A place for one more, if there is one.
    pub fn open(&self, id: &SubscriptionId) -> Option<Slot> {
        let mut open = self.0.lock();
        let count = open.entry(id.clone()).or_default();
        if *count >= MOST {
            return None;
        }
        *count += 1;
        Some(Slot { streams: self.clone(), id: id.clone() })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock();
        if let Some(count) = open.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn places_are_given_back() {
        let streams = Streams::default();
        let id = SubscriptionId::parse("sub_01JX5XK1M3P5R7T9V1X3Z5B7D9").unwrap();
        let mut slots: Vec<_> = (0..MOST).map(|_| streams.open(&id).unwrap()).collect();
        assert!(streams.open(&id).is_none());
        slots.pop();
        assert!(streams.open(&id).is_some());
        slots.clear();
        assert!(streams.0.lock().is_empty());
    }
}
