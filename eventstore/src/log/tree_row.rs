//! From rows to tiles, checkpoints and leaves, the same for every database.

use super::row::{Columns, record, signed};
use super::tree_store::{KeptCheckpoint, LeafRow};
use crate::merkle::Hash;
use crate::merkle::tile::{Tile, TileId};
use crate::{Position, StoreError};

pub(super) const LEAF_HASHES: &str =
    "SELECT position, leaf_hash FROM events WHERE position BETWEEN $1 AND $2 ORDER BY position";
pub(super) const LAST_RECORD: &str = "SELECT coalesce(max(position), 0) FROM events";
pub(super) const TILE: &str = "SELECT hashes FROM tiles WHERE level = $1 AND number = $2";
pub(super) const TILE_ROOTS: &str =
    "SELECT number, root FROM tiles WHERE level = $1 AND number BETWEEN $2 AND $3 ORDER BY number";
pub(super) const TILES_END: &str = "SELECT coalesce(max(number) + 1, 0) FROM tiles WHERE level = $1";
pub(super) const ADD_TILE: &str = "INSERT INTO tiles (level, number, root, hashes) VALUES ($1, $2, $3, $4) \
                                   ON CONFLICT DO NOTHING";
pub(super) const CHECKPOINTS: &str =
    "SELECT tree_size, signed_at, note FROM checkpoints WHERE tree_size > $1 ORDER BY tree_size LIMIT $2";
pub(super) const LAST_CHECKPOINT: &str =
    "SELECT tree_size, signed_at, note FROM checkpoints WHERE tree_size <= $1 ORDER BY tree_size DESC LIMIT 1";
pub(super) const ADD_CHECKPOINT: &str = "INSERT INTO checkpoints (tree_size, signed_at, note) VALUES ($1, $2, $3) \
                                         ON CONFLICT DO NOTHING";

/// Columns as [`record`] reads them, with the body cut down to the id of its key.
macro_rules! leaves {
    ($key_id:literal, $nothing:literal) => {
        concat!(
            "SELECT position, stream, revision, type, schema_version, recorded_at, ",
            $nothing,
            ", ",
            $key_id,
            ", body_sha256, entries_root, leaf_hash, ",
            $nothing,
            " FROM events WHERE position BETWEEN $1 AND $2 ORDER BY position"
        )
    };
}

pub(super) const SQLITE_LEAVES: &str = leaves!("substr(body, 2, 16)", "NULL");
pub(super) const POSTGRES_LEAVES: &str = leaves!("substring(body FROM 2 FOR 16)", "NULL::bytea");

/// The last position of `count` from `first` on.
pub(super) fn last_of(first: Position, count: u64) -> i64 {
    signed(first.0.saturating_add(count).saturating_sub(1))
}

/// Leaf hashes of `count` records from `first` on: all of them, or it is damage.
pub(super) fn leaf_hashes<R: Columns>(rows: &[R], first: Position, count: u64) -> Result<Vec<Hash>, StoreError> {
    let mut expected = first;
    let mut hashes = Vec::with_capacity(rows.len());
    for row in rows {
        if super::row::position(row, 0)? != expected {
            break;
        }
        let hash = row.blob(1).ok().and_then(|hash| hash.try_into().ok());
        hashes.push(hash.ok_or_else(|| StoreError::damaged(expected, "column leaf_hash does not decode"))?);
        expected = expected.next();
    }
    if hashes.len() as u64 == count { Ok(hashes) } else { Err(StoreError::damaged(expected, "the record is missing")) }
}

/// A row of leaves.
pub(super) fn leaf(row: &impl Columns) -> Result<LeafRow, StoreError> {
    let mut record = record(row, Position::START)?;
    let key_id = std::mem::take(&mut record.body);
    Ok(LeafRow { record, key_id: key_id.as_ref().try_into().ok() })
}

/// A row of [`TILE`].
pub(super) fn tile(row: &impl Columns, id: TileId) -> Result<Tile, StoreError> {
    let tile = row.blob(0).ok().and_then(|bytes| Tile::from_bytes(id, &bytes));
    tile.ok_or_else(|| unreadable(&format!("tile {} of level {}", id.number, id.level)))
}

/// A row of [`TILE_ROOTS`].
pub(super) fn tile_root(row: &impl Columns) -> Result<(u64, Hash), StoreError> {
    let number = row.long(0).ok().and_then(|number| u64::try_from(number).ok());
    let root = row.blob(1).ok().and_then(|root| root.try_into().ok());
    number.zip(root).ok_or_else(|| unreadable("the root of a tile"))
}

/// A number in column 0.
pub(super) fn number(row: &impl Columns) -> Result<u64, StoreError> {
    row.long(0).ok().and_then(|number| u64::try_from(number).ok()).ok_or_else(|| unreadable("a number"))
}

/// A row of [`CHECKPOINTS`].
pub(super) fn checkpoint(row: &impl Columns) -> Result<KeptCheckpoint, StoreError> {
    let decoded = || {
        Some(KeptCheckpoint {
            tree_size: row.long(0).ok().and_then(|size| u64::try_from(size).ok())?,
            signed_at: row.long(1).ok()?,
            note: row.text(2).ok()?,
        })
    };
    decoded().ok_or_else(|| unreadable("a kept checkpoint"))
}

fn unreadable(what: &str) -> StoreError {
    StoreError::damaged(Position::START, format!("{what} does not decode"))
}
