//! That an audit entry is in its record: a proof against the record's `entries_root`.

use std::collections::HashMap;

use super::access::{ACCESS_RECORDED, Block};
use super::sealer::Sealer;
use crate::StoreError;
use crate::merkle::{self, Hash, proof};
use crate::record::Record;

/// Proves one entry of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryProof {
    /// Place of the entry in its record.
    pub index: u32,
    /// Entries in the record.
    pub count: u32,
    /// Salt of the entry's leaf.
    pub salt: [u8; 16],
    /// Hashes from the leaf upwards.
    pub hashes: Vec<Hash>,
    /// The entry without `position`, as its leaf has it.
    pub json: String,
}

impl Sealer {
    /// The proof of the entry of this id; `None` if the record has no such entry, or has been erased.
    pub fn prove_entry(&self, record: &Record, id: &str) -> Result<Option<EntryProof>, StoreError> {
        let Some(block) = self.entries_of(record)? else { return Ok(None) };
        let found = (0..).zip(block.entries()).find(|(_, (json, _))| has_id(json, id));
        let Some((index, _)) = found else { return Ok(None) };
        Ok(prove(record, &block, &[index])?.pop())
    }

    /// The proofs of the entries at these places in the record; `None` if it has been erased.
    pub fn prove_entries(&self, record: &Record, indexes: &[u32]) -> Result<Option<Vec<EntryProof>>, StoreError> {
        self.entries_of(record)?.map(|block| prove(record, &block, indexes)).transpose()
    }

    fn entries_of(&self, record: &Record) -> Result<Option<Block>, StoreError> {
        let opened = self.open_unless_erased(record)?.filter(|_| record.kind == ACCESS_RECORDED);
        let Some(value) = opened.and_then(|opened| self.value_of(&opened.owner, record)) else { return Ok(None) };
        let malformed = || StoreError::damaged(record.position, "its entries do not unpack");
        Block::unpack(&self.open_value(&value)?).map(Some).ok_or_else(malformed)
    }
}

fn prove(record: &Record, block: &Block, indexes: &[u32]) -> Result<Vec<EntryProof>, StoreError> {
    let malformed = || StoreError::damaged(record.position, "its entries cannot be proved");
    let leaves: Vec<Hash> = block.leaves().collect();
    if Some(merkle::root_of(&leaves)) != record.entries_root {
        return Err(StoreError::damaged(record.position, "its entries do not fit their root"));
    }
    let count = u32::try_from(leaves.len()).map_err(|_| malformed())?;
    // Proofs of neighbours share most of their hashes.
    let mut known: HashMap<(u64, u64), Hash> = HashMap::new();
    let mut hash = |begin: u64, end: u64| {
        if let Some(hash) = known.get(&(begin, end)) {
            return Some(*hash);
        }
        let range = usize::try_from(begin).ok()?..usize::try_from(end).ok()?;
        let hash = merkle::root_of(leaves.get(range)?);
        known.insert((begin, end), hash);
        Some(hash)
    };
    let lines: Vec<&str> = block.entries().map(|(json, _)| json).collect();
    let proof = |index: &u32| {
        let spans = proof::inclusion(u64::from(*index), leaves.len() as u64)?;
        let hashes = spans.into_iter().map(|span| hash(span.begin, span.end)).collect::<Option<_>>()?;
        let json = lines.get(usize::try_from(*index).ok()?)?;
        Some(EntryProof { index: *index, count, salt: block.salt(*index), hashes, json: (*json).to_owned() })
    };
    indexes.iter().map(proof).collect::<Option<_>>().ok_or_else(malformed)
}

fn has_id(json: &str, id: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        id: std::borrow::Cow<'a, str>,
    }
    serde_json::from_str::<Named<'_>>(json).is_ok_and(|named| named.id == id)
}
