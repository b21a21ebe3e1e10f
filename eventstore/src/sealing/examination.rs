//! Whether a stored record is what was written: everything that can be said of one by itself.

use std::collections::HashMap;

use super::access::{ACCESS_RECORDED, Block};
use super::sealer::Sealer;
use crate::record::Record;
use crate::{Owner, Position, merkle};

/// Up to which positions the audit entries of owners were to be erased.
pub type Erased = HashMap<Owner, Position>;

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The body does not fit its digest.
    Body,
    /// The body does not open at its place.
    Seal,
    /// The audit entries in it do not fit their root.
    Entries,
    /// The columns do not fit the leaf.
    Leaf,
}

impl Sealer {
    /// Checks digest, seals, entries and leaf, in this order. What is erased is checked by its digest
    /// and leaf alone; audit entries may only be where `erased` says so.
    pub fn examine(&self, record: &Record, erased: &Erased) -> Result<(), Flaw> {
        merkle::check_body(record).map_err(|_| Flaw::Body)?;
        let opened = self.open_envelope(record).map_err(|_| Flaw::Seal)?;
        let must_open = opened.as_ref().is_some_and(|opened| {
            record.kind == ACCESS_RECORDED && erased.get(&opened.owner).is_none_or(|last| record.position > *last)
        });
        let value = opened.and_then(|opened| self.value_of(&opened.owner, record));
        let value = match value.map(|value| self.open_value(&value)).transpose() {
            Ok(value) => value,
            // The owner's key may have been destroyed since the envelope was opened.
            Err(_) if matches!(self.open_envelope(record), Ok(None)) => {
                return merkle::check_leaf(record).map_err(|_| Flaw::Leaf);
            }
            Err(_) => return Err(Flaw::Seal),
        };
        let root = match (record.kind == ACCESS_RECORDED, value) {
            (true, Some(block)) => {
                let block = Block::unpack(&block).ok_or(Flaw::Entries)?;
                Some(merkle::root_of(&block.leaves().collect::<Vec<_>>()))
            }
            (true, None) if must_open => return Err(Flaw::Seal),
            // Erased: only the leaf says what it was.
            (true, None) => record.entries_root,
            (false, _) => None,
        };
        if root != record.entries_root {
            return Err(Flaw::Entries);
        }
        merkle::check_leaf(record).map_err(|_| Flaw::Leaf)
    }
}
