//! The entries themselves, read from the log.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use scaivault_domain::Owner;
use scaivault_eventstore::{Position, StoreError};
use serde::Deserialize;

use super::index::AuditIndex;
use super::segment::Place;
use crate::decode::{Decoded, decode};

/// Records read side by side.
const AHEAD: usize = 4;

/// An entry as it was recorded.
#[derive(Clone, Debug)]
pub struct FoundEntry {
    /// In whose log.
    pub owner: Owner,
    /// Where.
    pub place: Place,
    /// RFC 8785 canonical JSON, without the position.
    pub json: String,
    /// What was kept besides.
    pub detail: Option<String>,
}

#[derive(Deserialize)]
struct Identified<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    request_id: Cow<'a, str>,
}

impl FoundEntry {
    /// `log_…`.
    pub fn id(&self) -> Option<String> {
        self.identified().map(|identified| identified.id.into_owned())
    }

    /// Of its request.
    pub fn request_id(&self) -> Option<String> {
        self.identified().map(|identified| identified.request_id.into_owned())
    }

    /// As answers show it: with the position.
    pub fn shown(&self) -> String {
        with_position(&self.json, self.place.position.0)
    }

    fn identified(&self) -> Option<Identified<'_>> {
        serde_json::from_str(&self.json).ok()
    }
}

/// An entry's canonical JSON, with its position besides.
pub fn with_position(json: &str, position: u64) -> String {
    let body = json.strip_suffix('}').unwrap_or(json);
    format!("{body},\"position\":{position}}}")
}

impl AuditIndex {
    /// The entries of an owner at these places, in their order.
    pub async fn entries_at(&self, owner: &Owner, places: &[Place]) -> Result<Vec<FoundEntry>, StoreError> {
        let places: Vec<_> = places.iter().map(|place| (owner.clone(), *place)).collect();
        self.fetch(&places).await
    }

    /// The entries at these places, in their order. Those that have been erased since are left out.
    pub(super) async fn fetch(&self, places: &[(Owner, Place)]) -> Result<Vec<FoundEntry>, StoreError> {
        let mut by_record: BTreeMap<Position, Vec<(Owner, Place)>> = BTreeMap::new();
        for (owner, place) in places {
            by_record.entry(place.position).or_default().push((owner.clone(), *place));
        }
        let read = stream::iter(by_record).map(|(position, wanted)| self.entries(position, wanted));
        let found: Vec<Vec<FoundEntry>> = read.buffer_unordered(AHEAD).try_collect().await?;
        let mut found: HashMap<Place, FoundEntry> =
            found.into_iter().flatten().map(|entry| (entry.place, entry)).collect();
        Ok(places.iter().filter_map(|(_, place)| found.remove(place)).collect())
    }

    /// Those of one record.
    async fn entries(
        &self,
        position: Position,
        mut wanted: Vec<(Owner, Place)>,
    ) -> Result<Vec<FoundEntry>, StoreError> {
        let missing = || StoreError::damaged(position, "the record is missing");
        let record = self.history.backend.read_at(position).await?.ok_or_else(missing)?;
        let (of, block) = match decode(&self.sealer, &record)? {
            Decoded::Access { owner, block } => (owner, block),
            Decoded::Erased | Decoded::ErasedEntries { .. } | Decoded::Event { .. } => return Ok(Vec::new()),
        };
        wanted.sort_by_key(|(_, place)| *place);
        let mut wanted = wanted.into_iter().filter(|(owner, _)| *owner == of).peekable();
        let mut found = Vec::new();
        for (index, (json, detail)) in (0..).zip(block.entries()) {
            if let Some((owner, place)) = wanted.next_if(|(_, place)| place.index == index) {
                let (json, detail) = (json.to_owned(), detail.map(str::to_owned));
                found.push(FoundEntry { owner, place, json, detail });
            }
        }
        Ok(found)
    }
}
