//! Consecutive entries of one owner, in columns: a search looks at little more than what it asks about.

mod codec;

use scaivault_domain::{IdentityType, Timestamp};
use scaivault_eventstore::Position;

use super::bloom::Bloom;
use super::entry::IndexedEntry;
use super::hash::{hash, mixed};
use super::names::{Name, Names};

/// Texts after which a segment is whole as well: an entry has no more of them than there is room for above.
const MOST_NAMES: usize = 65_000;

/// Where an entry is: the record, and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Position of the record.
    pub position: Position,
    /// 0, 1, 2 … in the record.
    pub index: u32,
}

/// A column of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Action,
    Identity,
    Path,
    Resource,
    SourceIp,
    ErrorCode,
    ActingTenant,
    Token,
}

/// How many there are.
const COLUMNS: usize = 8;
/// Kinds of keys in the filter that are no columns: directories of paths, request ids, failures, who did what.
const DIRECTORY: u8 = 64;
const REQUEST: u8 = 65;
const FAILURE: u8 = 66;
const ACTION: u8 = 67;

/// Consecutive entries of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: Place,
    /// Its first row.
    row: u32,
}

/// The entries.
#[derive(Clone, Debug, Default)]
pub(super) struct Segment {
    names: Names,
    runs: Vec<Run>,
    at: Vec<i64>,
    request: Vec<u32>,
    version: Vec<u32>,
    flags: Vec<u8>,
    columns: [Vec<Name>; COLUMNS],
}

const SUCCESS: u8 = 1;
const PARTNER: u8 = 2;
/// Above the flags: the kind of identity.
const KIND_SHIFT: u32 = 2;
const KINDS: [IdentityType; 4] =
    [IdentityType::User, IdentityType::ServiceAccount, IdentityType::Group, IdentityType::System];

impl Segment {
    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// Whether so many entries of another one can be added, where `most` is what a segment may have.
    pub(super) fn has_room_for(&self, other: &Self, rows: usize, most: usize) -> bool {
        self.len() + rows <= most && self.names.len() + other.names.len() <= MOST_NAMES
    }

    /// Whether it takes no more, where `most` is what a segment may have.
    pub(super) fn is_whole(&self, most: usize) -> bool {
        self.len() >= most || self.names.len() >= MOST_NAMES
    }

    /// Adds the entry that follows in the log.
    pub(super) fn push(&mut self, place: Place, entry: &IndexedEntry<'_>) {
        self.begin_run(place);
        self.at.push(entry.timestamp.as_micros());
        self.request.push(request_hash(&entry.request_id));
        // Versions begin at 1.
        self.version.push(entry.secret_version.unwrap_or(0));
        let kind = KINDS.iter().zip(1u8..).find(|(kind, _)| Some(**kind) == entry.identity_type);
        let is_partner = entry.extra_data.secret_scope.as_deref() == Some("partner");
        self.flags.push(
            (u8::from(entry.success) * SUCCESS)
                | (u8::from(is_partner) * PARTNER)
                | kind.map_or(0, |(_, number)| number << KIND_SHIFT),
        );
        let texts: [Option<&str>; COLUMNS] = [
            Some(&entry.action),
            entry.identity_id.as_deref(),
            entry.secret_path.as_deref(),
            entry.resource.as_deref(),
            entry.source_ip.as_deref(),
            entry.error_code.as_deref(),
            entry.acting_tenant_id.as_deref(),
            entry.extra_data.token_id.as_deref(),
        ];
        for (column, text) in self.columns.iter_mut().zip(texts) {
            column.push(self.names.enter(text));
        }
    }

    /// Adds a row of another segment, which follows in the log.
    pub(super) fn push_row(&mut self, from: &Self, row: usize) {
        self.begin_run(from.place(row));
        self.at.push(from.at(row).as_micros());
        self.request.push(from.request(row));
        self.version.push(from.version(row).unwrap_or(0));
        self.flags.push(from.flag(row));
        for (column, other) in self.columns.iter_mut().zip(&from.columns) {
            let text = other.get(row).and_then(|name| from.names.text(*name));
            column.push(self.names.enter(text));
        }
    }

    /// Notes that the next row is at `place`.
    fn begin_run(&mut self, place: Place) {
        let follows = |run: &Run| {
            let count = self.len() as u64 - u64::from(run.row);
            run.first.position == place.position && u64::from(run.first.index) + count == u64::from(place.index)
        };
        if !self.runs.last().is_some_and(follows) {
            self.runs.push(Run { first: place, row: u32::try_from(self.len()).unwrap_or(u32::MAX) });
        }
    }

    /// What it takes up in memory, in bytes, about.
    pub(super) fn size(&self) -> u64 {
        let names = self.names.bytes().len() + self.names.len() * size_of::<u32>();
        (names + self.len() * (8 + 4 + 4 + 1 + 2 * COLUMNS) + self.runs.len() * size_of::<Run>()) as u64
    }

    /// Where the entry of a row is.
    pub(super) fn place(&self, row: usize) -> Place {
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        let after = self.runs.partition_point(|run| run.row <= row);
        let run = self.runs.get(after.wrapping_sub(1));
        let place = |run: &Run| Place { index: run.first.index + (row - run.row), ..run.first };
        run.map_or(Place { position: Position::START, index: 0 }, place)
    }

    /// The rows of entries in records up to `last`.
    pub(super) fn rows_up_to(&self, last: Position) -> usize {
        let after = self.runs.partition_point(|run| run.first.position <= last);
        self.runs.get(after).map_or(self.len(), |run| usize::try_from(run.row).unwrap_or(usize::MAX))
    }

    /// The first and the last place.
    pub(super) fn ends(&self) -> Option<(Place, Place)> {
        let last = self.len().checked_sub(1)?;
        Some((self.place(0), self.place(last)))
    }

    /// The earliest and the latest time.
    pub(super) fn times(&self) -> Option<(i64, i64)> {
        Some((*self.at.iter().min()?, *self.at.iter().max()?))
    }

    /// When the request of a row arrived.
    pub(super) fn at(&self, row: usize) -> Timestamp {
        Timestamp::from_micros(self.at.get(row).copied().unwrap_or(0))
    }

    /// The digest of its request id.
    pub(super) fn request(&self, row: usize) -> u32 {
        self.request.get(row).copied().unwrap_or(0)
    }

    /// The version of a secret it concerned.
    pub(super) fn version(&self, row: usize) -> Option<u32> {
        self.version.get(row).copied().filter(|version| *version > 0)
    }

    /// Whether it was a success.
    pub(super) fn is_success(&self, row: usize) -> bool {
        self.flag(row) & SUCCESS != 0
    }

    /// Whether it concerned secrets of a partner.
    pub(super) fn is_partner(&self, row: usize) -> bool {
        self.flag(row) & PARTNER != 0
    }

    /// The kind of its identity.
    pub(super) fn identity_type(&self, row: usize) -> Option<IdentityType> {
        KINDS.get(usize::from(self.flag(row) >> KIND_SHIFT).checked_sub(1)?).copied()
    }

    /// The number of its text in a column.
    pub(super) fn name(&self, column: Column, row: usize) -> Name {
        self.column(column).get(row).copied().unwrap_or(0)
    }

    /// Its text in a column.
    pub(super) fn text(&self, column: Column, row: usize) -> Option<&str> {
        self.names.text(self.name(column, row))
    }

    /// The texts.
    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// A column.
    pub(super) fn column(&self, column: Column) -> &[Name] {
        self.columns.get(column as usize).map_or(&[], Vec::as_slice)
    }

    fn flag(&self, row: usize) -> u8 {
        self.flags.get(row).copied().unwrap_or(0)
    }

    /// What tells searches that there is nothing for them here.
    pub(super) fn bloom(&self) -> Bloom {
        let mut keys: Vec<u64> = self.request.iter().map(|request| request_key(*request)).collect();
        for (kind, column) in (0u8..).zip(&self.columns) {
            let mut is_seen = vec![false; self.names.len() + 1];
            for name in column {
                if let Some(seen) = is_seen.get_mut(usize::from(*name)).filter(|seen| !**seen)
                    && let Some(text) = self.names.text(*name)
                {
                    *seen = true;
                    keys.push(hash(kind, text));
                    if usize::from(kind) == Column::Path as usize {
                        keys.extend(directories(text).map(|directory| hash(DIRECTORY, directory)));
                    }
                }
            }
        }
        for row in 0..self.len() {
            let identity = self.name(Column::Identity, row);
            keys.push(pair_key(self.names.text(identity), self.text(Column::Action, row)));
            if !self.is_success(row) {
                keys.push(failure_key(None));
                keys.push(failure_key(self.names.text(identity)));
            }
        }
        keys.sort_unstable();
        keys.dedup();
        Bloom::of(&keys)
    }
}

/// A request id as it is kept: whoever finds an entry by it looks at the entry itself.
pub(super) fn request_hash(request_id: &str) -> u32 {
    (hash(REQUEST, request_id) >> 32) as u32
}

/// The key of a request.
pub(super) fn request_key(request: u32) -> u64 {
    mixed(u64::from(request) | u64::from(REQUEST) << 32)
}

/// The key of a text in a column.
pub(super) fn text_key(column: Column, text: &str) -> u64 {
    hash(column as u8, text)
}

/// The key of the innermost directory that everything with a prefix lies in; `None` if there is none.
pub(super) fn prefix_key(prefix: &str) -> Option<u64> {
    directories(prefix).last().map(|directory| hash(DIRECTORY, directory))
}

/// The key that segments with failures have: of anybody, or of this identity.
pub(super) fn failure_key(identity: Option<&str>) -> u64 {
    hash(FAILURE, identity.unwrap_or_default())
}

/// The key that segments have where an identity did that.
pub(super) fn pair_key(identity: Option<&str>, action: Option<&str>) -> u64 {
    let action = hash(ACTION, action.unwrap_or_default());
    mixed(hash(Column::Identity as u8, identity.unwrap_or_default()) ^ action)
}

/// `a/`, `a/b/` of `a/b/c`.
fn directories(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter_map(|(index, _)| path.get(..=index))
}
