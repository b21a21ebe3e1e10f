//! From a sealed record to what a fold understands.

use std::borrow::Cow;

use scaivault_domain::{EventBody, Owner, Recorded, Timestamp};
use scaivault_eventstore::sealing::access::{ACCESS_RECORDED, Block};
use scaivault_eventstore::sealing::{SealedValue, Sealer};
use scaivault_eventstore::{Record, StoreError};
use serde::Deserialize;

use crate::owners::domain_owner;

/// An opened record.
pub enum Decoded {
    /// An event, with its erasable part if that still exists.
    Event {
        /// Whose.
        owner: Owner,
        /// The event in its place.
        recorded: Box<Recorded>,
        /// Its value, sealed.
        value: Option<SealedValue>,
    },
    /// Audit entries that shared a commit.
    Access {
        /// In whose log.
        owner: Owner,
        /// The entries.
        block: Block,
    },
    /// Audit entries whose data key was destroyed.
    ErasedEntries {
        /// In whose log they were.
        owner: Owner,
    },
    /// Its owner's key was destroyed: nobody knows what it was.
    Erased,
}

/// Opens a record. Anything that does not hold is named by position.
pub fn decode(sealer: &Sealer, record: &Record) -> Result<Decoded, StoreError> {
    let damaged = |reason: String| StoreError::damaged(record.position, reason);
    let Some(opened) = sealer.open_unless_erased(record)? else { return Ok(Decoded::Erased) };
    let owner = domain_owner(&opened.owner).ok_or_else(|| damaged("its owner's id has another shape".into()))?;
    let value = if opened.has_erasable { sealer.value_of(&opened.owner, record) } else { None };
    if record.kind == ACCESS_RECORDED {
        // Whether that was ordered, the log says further on: see `Erasures`.
        let Some(value) = value else { return Ok(Decoded::ErasedEntries { owner }) };
        let bytes = sealer.open_value(&value).map_err(|error| damaged(error.to_string()))?;
        let block = Block::unpack(&bytes).ok_or_else(|| damaged("its entries cannot be unpacked".into()))?;
        return Ok(Decoded::Access { owner, block });
    }
    let body = EventBody::decode(&record.kind, record.schema_version, &opened.json)
        .map_err(|error| damaged(error.to_string()))?;
    let recorded_at = Timestamp::from_micros(record.recorded_at.0);
    let recorded = Box::new(Recorded { position: record.position.0, recorded_at, body });
    Ok(Decoded::Event { owner, recorded, value })
}

/// What the folds read of an audit entry.
#[derive(Deserialize)]
pub struct AccessEntry<'a> {
    /// What was asked for.
    #[serde(borrow)]
    pub action: Cow<'a, str>,
    /// What came of it.
    pub success: bool,
    /// When the request arrived.
    pub timestamp: Timestamp,
    /// Who asked.
    #[serde(borrow)]
    pub identity_id: Option<Cow<'a, str>>,
    /// About which secret.
    #[serde(borrow)]
    pub secret_path: Option<Cow<'a, str>>,
    /// Which version.
    pub secret_version: Option<u32>,
    /// More facts.
    #[serde(borrow)]
    pub extra_data: AccessExtra<'a>,
}

/// What the folds read of an entry's `extra_data`.
#[derive(Deserialize)]
pub struct AccessExtra<'a> {
    /// The opaque token used.
    #[serde(borrow, default)]
    pub token_id: Option<Cow<'a, str>>,
}

impl AccessEntry<'_> {
    /// The version of a secret whose value was served, if it was.
    pub fn value_read(&self) -> Option<(&str, u32)> {
        let served = self.success && self.action == "read";
        served.then_some((self.secret_path.as_deref()?, self.secret_version?))
    }
}
