//! Pieces of a fold of the log, kept beside it: sealed, in generations, each with the position up to which it goes.
//!
//! Nothing here is the truth. A generation is made while another is read, and takes its place when it has caught up.

use async_trait::async_trait;

use crate::{Owner, Position, StoreError};

/// One whole fold of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// 1, 2, 3 …
    pub number: u64,
    /// Up to which position of the log it goes.
    pub position: Position,
    /// Whether it is the one that is read.
    pub is_current: bool,
    /// Microseconds since the Unix epoch.
    pub started_at: i64,
    /// When it had caught up.
    pub completed_at: Option<i64>,
    /// Why it never will.
    pub error: Option<String>,
}

/// A piece: consecutive entries of one owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What is known of it without opening it.
    pub header: SegmentHeader,
    /// The entries themselves, sealed.
    pub columns: Vec<u8>,
}

/// What is known of a piece without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Whose.
    pub owner: Owner,
    /// 1, 2, 3 … of the owner, in the order of the log.
    pub number: u64,
    /// The first position that has an entry in it.
    pub first_position: Position,
    /// The last one.
    pub last_position: Position,
    /// The earliest time among its entries, in microseconds since the Unix epoch.
    pub first_at: i64,
    /// The latest.
    pub last_at: i64,
    /// How many entries it has.
    pub entries: u64,
    /// What is in it, as far as that can be told shortly; sealed.
    pub filter: Vec<u8>,
}

/// Which pieces to list.
#[derive(Clone, Copy, Debug)]
pub struct SegmentRange<'a> {
    /// Of which generation.
    pub generation: u64,
    /// Whose.
    pub owner: &'a Owner,
    /// With entries at or after this time.
    pub from: i64,
    /// With entries at or before this time.
    pub to: i64,
    /// With entries of these positions, both ends included.
    pub positions: (Position, Position),
    /// With numbers in this range, both ends included.
    pub numbers: (u64, u64),
    /// From the last one on backwards.
    pub newest_first: bool,
    /// At most so many.
    pub limit: usize,
}

impl<'a> SegmentRange<'a> {
    /// The newest one alone.
    pub fn last(generation: u64, owner: &'a Owner) -> Self {
        Self { newest_first: true, limit: 1, ..Self::all(generation, owner) }
    }

    /// All, oldest first.
    pub fn all(generation: u64, owner: &'a Owner) -> Self {
        Self {
            generation,
            owner,
            from: i64::MIN,
            to: i64::MAX,
            positions: (Position::START, Position(u64::MAX)),
            numbers: (0, u64::MAX),
            newest_first: false,
            limit: usize::MAX,
        }
    }

    /// The statement that lists them.
    pub(super) fn statement(&self) -> &'static str {
        if self.newest_first { NEWEST_FIRST } else { OLDEST_FIRST }
    }
}

/// Keeps the pieces. One process writes at a time; what another one writes meanwhile is noticed.
#[async_trait]
pub trait SegmentStore: Send + Sync {
    /// All generations, oldest first.
    async fn generations(&self) -> Result<Vec<Generation>, StoreError>;

    /// Begins a generation after the newest one; the first one ever is current at once. `false` if another process was
    /// quicker.
    async fn begin_generation(&self, number: u64, started_at: i64) -> Result<bool, StoreError>;

    /// Writes pieces, in place of those with the same numbers, and moves the generation from one position to a later
    /// one: both, or neither. `false`, and nothing happens, if it is not at `from`, if whether it is the current one is
    /// not as `is_current` says, or if it was given up.
    async fn advance(
        &self,
        generation: u64,
        is_current: bool,
        (from, to): (Position, Position),
        segments: &[Segment],
    ) -> Result<bool, StoreError>;

    /// Lets a generation be read from now on, if it goes as far as the current one. Those before it stay until
    /// [`Self::forget_before`], for searches that are under way.
    async fn promote(&self, generation: u64, completed_at: i64) -> Result<bool, StoreError>;

    /// Destroys generations before this one.
    async fn forget_before(&self, generation: u64) -> Result<(), StoreError>;

    /// Gives a generation up.
    async fn abandon(&self, generation: u64, error: &str, at: i64) -> Result<(), StoreError>;

    /// Headers of pieces, in the order of their numbers or backwards.
    async fn headers(&self, range: SegmentRange<'_>) -> Result<Vec<SegmentHeader>, StoreError>;

    /// The entries of a piece, sealed; `None` if it is gone.
    async fn columns(&self, generation: u64, owner: &Owner, number: u64) -> Result<Option<Vec<u8>>, StoreError>;

    /// Destroys the pieces of an owner that have nothing after `last`, in every generation. How many.
    async fn prune(&self, owner: &Owner, last: Position) -> Result<u64, StoreError>;
}

/// The owner as one text.
pub(super) fn owner_text(owner: &Owner) -> String {
    format!("{}/{}", owner.level(), owner.id())
}

/// Lists pieces without their columns; the tail orders and limits.
macro_rules! select_headers {
    ($tail:literal) => {
        concat!(
            "SELECT number, first_position, last_position, first_at, last_at, entries, filter FROM audit_segments ",
            "WHERE generation = $1 AND owner = $2 AND last_at >= $3 AND first_at <= $4 ",
            "AND last_position >= $5 AND first_position <= $6 AND number BETWEEN $7 AND $8 ",
            $tail
        )
    };
}

/// The statements, which both databases understand.
pub(super) const GENERATIONS: &str = "SELECT generation, position, is_current, started_at, completed_at, error \
                                      FROM audit_generations ORDER BY generation";
pub(super) const BEGIN_GENERATION: &str = "INSERT INTO audit_generations (generation, position, is_current, started_at) \
     SELECT CAST($1 AS bigint), 0, CASE WHEN EXISTS (SELECT 1 FROM audit_generations) THEN 0 ELSE 1 END, \
     CAST($2 AS bigint) \
     WHERE CAST($1 AS bigint) = (SELECT coalesce(max(generation), 0) + 1 FROM audit_generations)";
pub(super) const MOVE: &str = "UPDATE audit_generations SET position = $3 WHERE generation = $1 \
                               AND position = $2 AND is_current = $4 AND error IS NULL";
pub(super) const PUT: &str = "INSERT INTO audit_segments (generation, owner, number, first_position, \
                              last_position, first_at, last_at, entries, filter, columns) \
                              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                              ON CONFLICT (generation, owner, number) DO UPDATE SET \
                              first_position = excluded.first_position, last_position = excluded.last_position, first_at = excluded.first_at, \
                              last_at = excluded.last_at, entries = excluded.entries, filter = excluded.filter, \
                              columns = excluded.columns";
pub(super) const RETIRE: &str = "UPDATE audit_generations SET is_current = 0 WHERE generation < $1 AND position <= \
                                 (SELECT position FROM audit_generations WHERE generation = $1 AND error IS NULL)";
pub(super) const PROMOTE: &str = "UPDATE audit_generations SET is_current = 1, completed_at = $2 WHERE generation = $1 \
                                  AND NOT EXISTS (SELECT 1 FROM audit_generations WHERE is_current = 1)";
pub(super) const DROP_OLDER: &str = "DELETE FROM audit_segments WHERE generation < $1";
pub(super) const FORGET_OLDER: &str = "DELETE FROM audit_generations WHERE generation < $1";
pub(super) const ABANDON: &str =
    "UPDATE audit_generations SET error = $2, completed_at = $3 WHERE generation = $1 AND is_current = 0";
pub(super) const DROP_ONE: &str = "DELETE FROM audit_segments WHERE generation = $1";
pub(super) const COLUMNS: &str =
    "SELECT columns FROM audit_segments WHERE generation = $1 AND owner = $2 AND number = $3";
pub(super) const PRUNE: &str = "DELETE FROM audit_segments WHERE owner = $1 AND last_position <= $2";
pub(super) const OLDEST_FIRST: &str = select_headers!("ORDER BY number LIMIT $9");
pub(super) const NEWEST_FIRST: &str = select_headers!("ORDER BY number DESC LIMIT $9");
