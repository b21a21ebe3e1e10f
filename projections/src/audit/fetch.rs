//! The entries themselves, read from the log.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use scaivault_domain::Owner;
use scaivault_eventstore::sealing::access::Block;
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
        let mut positions: Vec<Position> = places.iter().map(|(_, place)| place.position).collect();
        positions.sort_unstable();
        positions.dedup();
        let read = stream::iter(positions)
            .map(|position| async move { Ok::<_, StoreError>((position, self.block(position).await?)) });
        let blocks: HashMap<Position, Opened> = read.buffer_unordered(AHEAD).try_collect().await?;
        let entry = |(owner, place): &(Owner, Place)| {
            let (of, block) = blocks.get(&place.position)?.as_ref()?;
            let index = usize::try_from(place.index).ok()?;
            let (json, detail) = block.get(index).filter(|_| of == owner)?;
            Some(FoundEntry { owner: owner.clone(), place: *place, json: json.clone(), detail: detail.clone() })
        };
        Ok(places.iter().filter_map(entry).collect())
    }

    async fn block(&self, position: Position) -> Result<Opened, StoreError> {
        let missing = || StoreError::damaged(position, "the record is missing");
        let record = self.history.backend.read_at(position).await?.ok_or_else(missing)?;
        Ok(match decode(&self.sealer, &record)? {
            Decoded::Access { owner, block } => Some((owner, lines(&block))),
            Decoded::Erased | Decoded::ErasedEntries { .. } | Decoded::Event { .. } => None,
        })
    }
}

type Opened = Option<(Owner, Arc<[(String, Option<String>)]>)>;

fn lines(block: &Block) -> Arc<[(String, Option<String>)]> {
    block.entries().map(|(json, detail)| (json.to_owned(), detail.map(str::to_owned))).collect()
}
