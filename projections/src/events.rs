//! Published events, by where they come from: those just folded are at hand, others are read from the log.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use scaivault_domain::Owner;
use scaivault_domain::publication::{EventKey, Published, publish, publish_entry};
use scaivault_eventstore::{Position, StoreError};

use crate::decode::{Decoded, decode};
use crate::history::History;
use crate::projector::Projections;

/// What all events at hand may take up, in bytes; and usual sizes.
const CAPACITY: u64 = 32 * 1024 * 1024;
const OF_EVENT: u64 = 1_024;

/// The events that a record publishes.
pub type OfRecord = Arc<[Published]>;

/// Events of records, by position.
pub struct Events {
    cache: Cache<u64, OfRecord, Size>,
}

#[derive(Clone)]
struct Size;

impl Weighter<u64, OfRecord> for Size {
    fn weight(&self, _position: &u64, events: &OfRecord) -> u64 {
        OF_EVENT * (1 + events.len() as u64)
    }
}

impl Default for Events {
    fn default() -> Self {
        let items = usize::try_from(CAPACITY / OF_EVENT / 2).unwrap_or(usize::MAX);
        Self { cache: Cache::with_weighter(items, CAPACITY, Size) }
    }
}

impl Events {
    pub(crate) fn keep(&self, position: u64, events: OfRecord) {
        self.cache.insert(position, events);
    }

    /// Forgets all: keys of an owner are destroyed.
    pub(crate) fn clear(&self) {
        self.cache.clear();
    }
}

/// Reads events.
#[derive(Clone)]
pub struct EventReader {
    projections: Arc<Projections>,
    history: History,
}

impl EventReader {
    /// Over these read models.
    pub fn new(projections: Arc<Projections>, history: History) -> Self {
        Self { projections, history }
    }

    /// An event; `None` if what it was in has been erased since.
    pub async fn event(&self, key: EventKey) -> Result<Option<Published>, StoreError> {
        let events = self.of_record(key.position).await?;
        Ok(events.iter().find(|event| event.key == key).cloned())
    }

    /// What the record at `position` publishes.
    pub async fn of_record(&self, position: u64) -> Result<OfRecord, StoreError> {
        let cache = &self.projections.events().cache;
        if let Some(events) = cache.get(&position) {
            return Ok(events);
        }
        let record = self.history.backend.read_at(Position(position)).await?;
        let Some(record) = record else { return Ok(Arc::default()) };
        let view = self.projections.view();
        let partner = |owner: &Owner| view.installation.partner_of(owner);
        let events: OfRecord = match decode(&self.history.sealer, &record)? {
            Decoded::Event { owner, recorded, .. } => publish(&recorded, &owner, partner(&owner).as_ref()).into(),
            Decoded::Access { owner, block } => {
                let partner = partner(&owner);
                let at = scaivault_domain::Timestamp::from_micros(record.recorded_at.0);
                let entries = (0..).zip(block.entries());
                let told = entries.filter_map(|(index, entry)| {
                    publish_entry(entry, EventKey { position, index }, at, &owner, partner.as_ref())
                });
                told.collect()
            }
            Decoded::Erased | Decoded::ErasedEntries { .. } => return Ok(Arc::default()),
        };
        cache.insert(position, events.clone());
        // Destroyed since it was read: the fold may have forgotten it before it was kept.
        let view = self.projections.view();
        if events.iter().any(|event| view.installation.is_shredded(&event.owner)) {
            cache.remove(&position);
        }
        Ok(events)
    }
}
