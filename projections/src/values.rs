//! Values at hand: sealed, by the log position of their record, within bounds.
//!
//! A read takes what is here, or else the record from the log. Nothing depends on what is here, so
//! snapshots leave it out: a copy of a data key in a file would outlive its destruction.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use scaivault_eventstore::sealing::SealedValue;

/// What all values here may take up, in bytes.
const CAPACITY: u64 = 64 * 1024 * 1024;
/// Usual size of one, for the tables.
const USUAL: u64 = 512;

/// Sealed values by position.
pub struct Values {
    cache: Cache<u64, Arc<SealedValue>, Size>,
}

#[derive(Clone)]
struct Size;

impl Weighter<u64, Arc<SealedValue>> for Size {
    fn weight(&self, _position: &u64, value: &Arc<SealedValue>) -> u64 {
        value.size() as u64
    }
}

impl Default for Values {
    fn default() -> Self {
        let items = usize::try_from(CAPACITY / USUAL).unwrap_or(usize::MAX);
        Self { cache: Cache::with_weighter(items, CAPACITY, Size) }
    }
}

impl Values {
    /// The value in the record at `position`, if it is at hand.
    pub fn at(&self, position: u64) -> Option<Arc<SealedValue>> {
        self.cache.get(&position)
    }

    /// Keeps a value at hand.
    pub(crate) fn keep(&self, position: u64, value: Arc<SealedValue>) {
        self.cache.insert(position, value);
    }

    /// Forgets all values: keys of an owner are destroyed.
    pub(crate) fn clear(&self) {
        self.cache.clear();
    }

    /// Forgets a value: its key is destroyed.
    pub(crate) fn forget(&self, position: u64) {
        self.cache.remove(&position);
    }
}
