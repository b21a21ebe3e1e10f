//! Entries with everything that proves them: to be verified by whoever has the key, without this server.

use scaivault_eventstore::merkle::{Hash, leaf_data};
pub use scaivault_eventstore::sealing::entry_proof::EntryProof;
use scaivault_eventstore::tree::Signed;
use scaivault_eventstore::{Position, StoreError};
use scaivault_projections::audit::Place;

use super::AuditTree;
use crate::Failure;

/// Records and entries under one checkpoint.
#[derive(Debug)]
pub struct Bundle {
    /// The checkpoint.
    pub signed: Signed,
    /// The records that the entries lie in, by position.
    pub records: Vec<BundledRecord>,
}

/// A record with some of its entries.
#[derive(Debug)]
pub struct BundledRecord {
    /// Position of the record.
    pub position: u64,
    /// Canonical JSON of its columns.
    pub leaf_data: String,
    /// Hashes from its leaf up to the root of the checkpoint.
    pub hashes: Vec<Hash>,
    /// The entries, by place.
    pub entries: Vec<EntryProof>,
}

impl AuditTree {
    /// Proves the entries at these places, which are durable. Those that have been erased since are left out.
    pub async fn bundle(&self, places: &[Place]) -> Result<Bundle, Failure> {
        let signed = self.checkpoint().await?;
        let mut places = places.to_vec();
        places.sort_unstable();
        places.dedup();
        let mut records = Vec::new();
        for of_record in places.chunk_by(|one, next| one.position == next.position) {
            let Some(position) = of_record.first().map(|place| place.position) else { continue };
            let indexes: Vec<u32> = of_record.iter().map(|place| place.index).collect();
            records.extend(self.bundled(position, &indexes, signed.checkpoint.tree_size).await?);
        }
        Ok(Bundle { signed, records })
    }

    /// The proof of one entry in its record.
    pub async fn entry(&self, place: Place) -> Result<Option<EntryProof>, Failure> {
        let record = self.record(place.position).await?;
        let proved = self.engine.sealer.prove_entries(&record, &[place.index])?;
        Ok(proved.and_then(|mut proofs| proofs.pop()))
    }

    async fn bundled(&self, position: Position, indexes: &[u32], size: u64) -> Result<Option<BundledRecord>, Failure> {
        let record = self.record(position).await?;
        let Some(entries) = self.engine.sealer.prove_entries(&record, indexes)? else { return Ok(None) };
        let missing = || StoreError::damaged(position, "no proof can be made");
        let hashes = self.notary.tree().inclusion(position, size).await?.ok_or_else(missing)?;
        Ok(Some(BundledRecord { position: position.0, leaf_data: leaf_data(&record), hashes, entries }))
    }

    async fn record(&self, position: Position) -> Result<scaivault_eventstore::Record, Failure> {
        let missing = || StoreError::damaged(position, "the record is missing");
        Ok(self.store.read_at(position).await?.ok_or_else(missing)?)
    }
}
