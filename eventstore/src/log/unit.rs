//! One command's worth of records and audit entries: accepted or refused as a whole.

use std::sync::Arc;

use crate::record::NewRecord;
use crate::{CommandId, Owner, Position, RecordedAt, StoreError};

/// What one caller asks the log to take in one atomic step.
#[derive(Debug)]
pub struct Unit {
    /// Names the command; the log accepts it once.
    pub command_id: CommandId,
    /// Sealed records, over any number of streams. Each carries the revision it expects to get;
    /// a stream that has moved on refuses this unit, and only this one. May be empty.
    pub records: Vec<NewRecord>,
    /// Audit entries that become durable in the same commit, coalesced with those of others.
    pub entries: Vec<Entry>,
    /// Positions of records whose data keys are destroyed in the same commit.
    pub shred: Vec<Position>,
}

/// One audit entry, ready to be coalesced.
#[derive(Clone, Debug)]
pub struct Entry {
    /// In whose audit log it belongs.
    pub owner: Owner,
    /// RFC 8785 canonical JSON of the entry without `position`.
    pub json: Arc<str>,
    /// JSON kept beside the entry and not part of it: what later explains the decision.
    pub detail: Option<Arc<str>>,
}

/// Entries of one owner that share a record; never empty.
#[derive(Clone, Debug)]
pub struct EntryGroup {
    /// In whose audit log they belong.
    pub owner: Owner,
    /// The entries, in order.
    pub entries: Vec<Entry>,
}

impl EntryGroup {
    /// Groups entries by owner, in the order of each owner's first one.
    pub fn by_owner(entries: impl IntoIterator<Item = Entry>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for entry in entries {
            match groups.iter_mut().find(|group| group.owner == entry.owner) {
                Some(group) => group.entries.push(entry),
                None => groups.push(Self { owner: entry.owner.clone(), entries: vec![entry] }),
            }
        }
        groups
    }
}

/// Where a unit went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Position of its first own record; of the record that holds its first entry if it has no
    /// own; of the end of the log if it has neither.
    pub first: Position,
    /// The last position of the commit that holds it; waiting for it includes its entries.
    pub last: Position,
}

/// Makes the coalesced records of a commit.
///
/// Called by the appender once per commit, after the verdicts, with the entries of the accepted
/// units. Returns one sealed record per group, in their order, in streams that only this process
/// writes.
pub trait Compose: Send + Sync {
    /// Seals `groups`. `recorded_at` is the time of the commit.
    fn compose(&self, groups: &[EntryGroup], recorded_at: RecordedAt) -> Result<Vec<NewRecord>, StoreError>;

    /// The composed records were not committed: the revisions they took are free again.
    fn abandon(&self, records: &[NewRecord]);
}
