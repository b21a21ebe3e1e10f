//! From rows to records, the same for every database: shapes, order and holes are checked here.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, error::DatabaseError};

use crate::log::backend::{Head, StoredKey, Witness};
use crate::log::segments::{Generation, SegmentHeader};
use crate::record::{Record, WrappedDataKey};
use crate::{CommandId, Owner, Position, RecordedAt, Revision, StoreError, StreamId};

/// Reads records with their data keys; the tail restricts and orders.
macro_rules! select_records {
    ($tail:literal) => {
        concat!(
            "SELECT e.position, e.stream, e.revision, e.type, e.schema_version, e.recorded_at, e.command_id, ",
            "e.body, e.body_sha256, e.entries_root, e.leaf_hash, k.wrapped ",
            "FROM events e LEFT JOIN data_keys k ON k.position = e.position ",
            $tail
        )
    };
}

pub(super) const AFTER_POSITION: &str = select_records!("WHERE e.position > $1 ORDER BY e.position LIMIT $2");
pub(super) const AT_POSITION: &str = select_records!("WHERE e.position = $1");
pub(super) const OF_STREAM: &str =
    select_records!("WHERE e.stream = $1 AND e.revision > $2 ORDER BY e.revision LIMIT $3");
pub(super) const OF_STREAM_BACK: &str =
    select_records!("WHERE e.stream = $1 AND e.revision < $2 ORDER BY e.revision DESC LIMIT $3");
pub(super) const WITNESSES: &str = "SELECT e.position, e.leaf_hash, e.command_id, k.wrapped FROM events e \
                                    LEFT JOIN data_keys k ON k.position = e.position \
                                    WHERE e.position BETWEEN $1 AND $2 ORDER BY e.position";
pub(super) const HEAD: &str = "SELECT position, recorded_at FROM head WHERE id = 1";
pub(super) const TOUCH: &str = "UPDATE head SET position = position WHERE id = 1";
pub(super) const LEAF: &str = "SELECT leaf_hash FROM events WHERE position = $1";
pub(super) const COMMAND: &str = "SELECT position FROM events WHERE command_id = $1 AND command_id IS NOT NULL";
pub(super) const KEYS: &str = "SELECT id, level, owner, purpose, version, wrapped_by, wrapped, created_at FROM keys \
                               ORDER BY level, owner, purpose, version";
pub(super) const DESTROY_KEYS: &str = "UPDATE keys SET wrapped = $3 WHERE level = $1 AND owner = $2";
pub(super) const ADD_KEY: &str = "INSERT INTO keys (id, level, owner, purpose, version, wrapped_by, wrapped, \
                                  created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                                  ON CONFLICT (level, owner, purpose, version) DO NOTHING";

/// Columns by index, typed. What does not decode is an error, never a panic.
pub(super) trait Columns {
    /// A 64-bit integer.
    fn long(&self, index: usize) -> Result<i64, sqlx::Error>;
    /// A 32-bit integer.
    fn short(&self, index: usize) -> Result<i32, sqlx::Error>;
    /// Text.
    fn text(&self, index: usize) -> Result<String, sqlx::Error>;
    /// Bytes.
    fn blob(&self, index: usize) -> Result<Vec<u8>, sqlx::Error>;
    /// A 64-bit integer or null.
    fn long_or_null(&self, index: usize) -> Result<Option<i64>, sqlx::Error>;
    /// Text or null.
    fn text_or_null(&self, index: usize) -> Result<Option<String>, sqlx::Error>;
    /// Bytes or null.
    fn blob_or_null(&self, index: usize) -> Result<Option<Vec<u8>>, sqlx::Error>;
}

macro_rules! columns {
    ($row:ty) => {
        impl Columns for $row {
            fn long(&self, index: usize) -> Result<i64, sqlx::Error> {
                self.try_get(index)
            }
            fn short(&self, index: usize) -> Result<i32, sqlx::Error> {
                self.try_get(index)
            }
            fn text(&self, index: usize) -> Result<String, sqlx::Error> {
                self.try_get(index)
            }
            fn blob(&self, index: usize) -> Result<Vec<u8>, sqlx::Error> {
                self.try_get(index)
            }
            fn long_or_null(&self, index: usize) -> Result<Option<i64>, sqlx::Error> {
                self.try_get(index)
            }
            fn text_or_null(&self, index: usize) -> Result<Option<String>, sqlx::Error> {
                self.try_get(index)
            }
            fn blob_or_null(&self, index: usize) -> Result<Option<Vec<u8>>, sqlx::Error> {
                self.try_get(index)
            }
        }
    };
}

columns!(PgRow);
columns!(SqliteRow);

/// A row of `select_records`. `expected` names the place if the row does not say.
pub(super) fn record(row: &impl Columns, expected: Position) -> Result<Record, StoreError> {
    let position = row
        .long(0)
        .ok()
        .and_then(|number| u64::try_from(number).ok())
        .map(Position)
        .ok_or_else(|| StoreError::damaged(expected, "column position does not decode"))?;
    let bad = |column: &str| StoreError::damaged(position, format!("column {column} does not decode"));
    Ok(Record {
        position,
        stream: StreamId(fixed(row.blob(1)).ok_or_else(|| bad("stream"))?),
        revision: Revision(row.long(2).ok().and_then(|n| u64::try_from(n).ok()).ok_or_else(|| bad("revision"))?),
        kind: row.text(3).map_err(|_| bad("type"))?.into(),
        schema_version: row.short(4).ok().and_then(|n| u16::try_from(n).ok()).ok_or_else(|| bad("schema_version"))?,
        recorded_at: RecordedAt(row.long(5).map_err(|_| bad("recorded_at"))?),
        command_id: fixed_or_null(row.blob_or_null(6)).ok_or_else(|| bad("command_id"))?.map(CommandId),
        body: row.blob(7).map_err(|_| bad("body"))?.into_boxed_slice(),
        body_sha256: fixed(row.blob(8)).ok_or_else(|| bad("body_sha256"))?,
        entries_root: fixed_or_null(row.blob_or_null(9)).ok_or_else(|| bad("entries_root"))?,
        leaf_hash: fixed(row.blob(10)).ok_or_else(|| bad("leaf_hash"))?,
        data_key: row.blob_or_null(11).map_err(|_| bad("wrapped"))?.map(|key| WrappedDataKey(key.into_boxed_slice())),
    })
}

/// Records after a position, in order, as their rows come. `head` was read before them, so all it
/// promises is there.
pub(super) struct Page {
    records: Vec<Record>,
    bytes: usize,
    expected: Position,
    limit: usize,
    head: Head,
}

/// Bytes of bodies after which a page ends, with fewer records than it might have.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

impl Page {
    /// At most `limit` records after `after`.
    pub(super) fn new(after: Position, limit: usize, head: Head) -> Result<Self, StoreError> {
        if after > head.position {
            return Err(StoreError::damaged(head.position.next(), format!("the log ends here, not at {after}")));
        }
        let left = usize::try_from(head.position.0 - after.0).unwrap_or(limit);
        Ok(Self { records: Vec::with_capacity(left.min(limit)), bytes: 0, expected: after.next(), limit, head })
    }

    /// Whether it takes no more rows, though fewer than its limit, because they are large.
    pub(super) fn is_cut(&self) -> bool {
        self.bytes >= PAGE_BYTES && self.records.len() < self.limit
    }

    /// Takes the next row.
    pub(super) fn push(&mut self, row: &impl Columns) -> Result<(), StoreError> {
        let record = record(row, self.expected)?;
        if record.position != self.expected {
            return Err(StoreError::damaged(self.expected, "the record is missing"));
        }
        self.expected = self.expected.next();
        self.bytes += record.body.len();
        self.records.push(record);
        Ok(())
    }

    /// The records, once there are no more rows.
    pub(super) fn finish(self) -> Result<Vec<Record>, StoreError> {
        let is_cut = self.is_cut();
        let Self { records, expected, limit, head, .. } = self;
        if !is_cut && records.len() < limit && expected <= head.position {
            let reason = format!("the record is missing, the log ends at {}", head.position);
            return Err(StoreError::damaged(expected, reason));
        }
        Ok(records)
    }
}

/// Rows of one stream after `after` in revision order.
pub(super) fn stream<R: Columns>(rows: &[R], after: Revision) -> Result<Vec<Record>, StoreError> {
    let mut expected = after.next();
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        let record = record(row, Position::START)?;
        if record.revision != expected {
            let reason = format!("revision {} of its stream is missing before it", expected.0);
            return Err(StoreError::damaged(record.position, reason));
        }
        expected = expected.next();
        records.push(record);
    }
    Ok(records)
}

/// Records of one stream before `before`, or from its end on, newest first.
pub(super) fn stream_back<R: Columns>(rows: &[R], before: Option<Revision>) -> Result<Vec<Record>, StoreError> {
    let mut after = before;
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        let record = record(row, Position::START)?;
        if let Some(after) = after.filter(|after| record.revision.next() != *after) {
            let reason = format!("revision {} of its stream does not follow it", after.0);
            return Err(StoreError::damaged(record.position, reason));
        }
        after = Some(record.revision);
        records.push(record);
    }
    Ok(records)
}

/// The row of `head`.
pub(super) fn head(row: Option<&impl Columns>) -> Result<Head, StoreError> {
    row.and_then(|row| {
        let position = u64::try_from(row.long(0).ok()?).ok()?;
        Some(Head { position: Position(position), recorded_at: RecordedAt(row.long(1).ok()?) })
    })
    .ok_or_else(|| StoreError::damaged(Position::START, "the row of head is missing or does not decode"))
}

/// A position in column `index`.
pub(super) fn position(row: &impl Columns, index: usize) -> Result<Position, StoreError> {
    row.long(index)
        .ok()
        .and_then(|number| u64::try_from(number).ok())
        .map(Position)
        .ok_or_else(|| StoreError::damaged(Position::START, "column position does not decode"))
}

/// A stream in column 0 and its last revision in column 1; `None` for one without records.
pub(super) fn revision(row: &impl Columns) -> Result<(StreamId, Revision), StoreError> {
    let decoded = fixed(row.blob(0)).zip(row.long(1).ok().and_then(|number| u64::try_from(number).ok()));
    decoded
        .map(|(stream, number)| (StreamId(stream), Revision(number)))
        .ok_or_else(|| StoreError::damaged(Position::START, "a stream's last revision does not decode"))
}

/// A command in column 0 and its position in column 1.
pub(super) fn command(row: &impl Columns) -> Result<(CommandId, Position), StoreError> {
    let position = position(row, 1)?;
    let id = fixed(row.blob(0)).ok_or_else(|| StoreError::damaged(position, "column command_id does not decode"))?;
    Ok((CommandId(id), position))
}

/// The leaf hash in column 0.
pub(super) fn leaf(row: &impl Columns, position: Position) -> Result<[u8; 32], StoreError> {
    fixed(row.blob(0)).ok_or_else(|| StoreError::damaged(position, "column leaf_hash does not decode"))
}

/// A row of [`WITNESSES`].
pub(super) fn witness(row: &impl Columns) -> Result<Witness, StoreError> {
    let position = position(row, 0)?;
    let bad = |column: &str| StoreError::damaged(position, format!("column {column} does not decode"));
    Ok(Witness {
        position,
        leaf_hash: fixed(row.blob(1)).ok_or_else(|| bad("leaf_hash"))?,
        command_id: fixed_or_null(row.blob_or_null(2)).ok_or_else(|| bad("command_id"))?.map(CommandId),
        data_key: row.blob_or_null(3).map_err(|_| bad("wrapped"))?.map(|key| WrappedDataKey(key.into_boxed_slice())),
    })
}

/// A row of `keys`.
pub(super) fn key(row: &impl Columns) -> Result<StoredKey, StoreError> {
    let level = row.text(1).unwrap_or_default();
    let owner = row.text(2).unwrap_or_default();
    let decoded = || {
        Some(StoredKey {
            id: fixed(row.blob(0))?,
            level: row.text(1).ok()?,
            owner: row.text(2).ok()?,
            purpose: row.text(3).ok()?,
            version: u32::try_from(row.short(4).ok()?).ok()?,
            wrapped_by: fixed_or_null(row.blob_or_null(5))?,
            wrapped: row.blob(6).ok()?,
            created_at: row.long(7).ok()?,
        })
    };
    decoded()
        .ok_or_else(|| StoreError::Key { key: format!("{level} {owner}"), reason: "its row does not decode".into() })
}

/// A row of `audit_generations`.
pub(super) fn generation(row: &impl Columns) -> Result<Generation, StoreError> {
    let number = |index| row.long(index).ok().and_then(|number| u64::try_from(number).ok());
    let decoded = || {
        Some(Generation {
            number: number(0)?,
            position: Position(number(1)?),
            is_current: row.short(2).ok()? == 1,
            started_at: row.long(3).ok()?,
            completed_at: row.long_or_null(4).ok()?,
            error: row.text_or_null(5).ok()?,
        })
    };
    decoded().ok_or_else(|| undecodable("audit_generations"))
}

/// A row of `audit_segments` without its columns.
pub(super) fn segment_header(row: &impl Columns, owner: &Owner) -> Result<SegmentHeader, StoreError> {
    let number = |index| row.long(index).ok().and_then(|number| u64::try_from(number).ok());
    let decoded = || {
        Some(SegmentHeader {
            owner: owner.clone(),
            number: number(0)?,
            first_position: Position(number(1)?),
            last_position: Position(number(2)?),
            first_at: row.long(3).ok()?,
            last_at: row.long(4).ok()?,
            entries: number(5)?,
            filter: row.blob(6).ok()?,
        })
    };
    decoded().ok_or_else(|| undecodable("audit_segments"))
}

/// The columns of a piece, in column 0.
pub(super) fn segment_columns(row: &impl Columns) -> Result<Vec<u8>, StoreError> {
    row.blob(0).map_err(|_| undecodable("audit_segments"))
}

/// What lies beside the log and can be made anew from it.
fn undecodable(table: &str) -> StoreError {
    StoreError::Setup(format!("a row of {table} does not decode; rebuild the audit index"))
}

/// A number as databases keep it. Positions and revisions stay far below the limit.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What a database error means to callers.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    match error.as_database_error() {
        Some(database) if taken(database) => StoreError::damaged(Position::START, "head is behind the last record"),
        Some(database) if corrupt(database) => StoreError::damaged(Position::START, database.message()),
        _ => StoreError::unavailable(error),
    }
}

/// Whether records were refused because the log does not end before them.
pub(super) fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(taken)
}

/// Somebody holds the next position although head, which is locked, says that it is free.
fn taken(error: &dyn DatabaseError) -> bool {
    error.constraint() == Some("events_position") || error.message().contains("events take the next position only")
}

/// The database itself finds its files damaged.
fn corrupt(error: &dyn DatabaseError) -> bool {
    match error.code() {
        // Postgres: data_corrupted, index_corrupted.
        Some(code) if code == "XX001" || code == "XX002" => true,
        // SQLite: extended codes of SQLITE_CORRUPT and SQLITE_NOTADB.
        Some(code) if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() => {
            matches!(code.parse::<i32>().map(|code| code & 0xff), Ok(11 | 26))
        }
        _ => false,
    }
}

fn fixed<const N: usize>(blob: Result<Vec<u8>, sqlx::Error>) -> Option<[u8; N]> {
    blob.ok()?.try_into().ok()
}

fn fixed_or_null<const N: usize>(blob: Result<Option<Vec<u8>>, sqlx::Error>) -> Option<Option<[u8; N]>> {
    match blob.ok()? {
        Some(bytes) => Some(Some(bytes.try_into().ok()?)),
        None => Some(None),
    }
}
