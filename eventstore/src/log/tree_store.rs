//! What the tree over the log needs of a database: leaves by position, tiles, kept checkpoints.

use async_trait::async_trait;

use crate::merkle::Hash;
use crate::merkle::tile::{Tile, TileId};
use crate::record::Record;
use crate::{Position, StoreError};

/// A record as far as its leaf needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafRow {
    /// The record without body, command and data key.
    pub record: Record,
    /// The key that sealed the body, if the body begins as it should.
    pub key_id: Option<[u8; 16]>,
}

/// A signed checkpoint, as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCheckpoint {
    /// Number of leaves it speaks of.
    pub tree_size: u64,
    /// When it was signed, in microseconds since the Unix epoch.
    pub signed_at: i64,
    /// The signed note.
    pub note: String,
}

/// The tree in a database. Tiles and checkpoints are only ever added: one that is there already stays
/// as it is, and adding it again does nothing.
#[async_trait]
pub trait TreeStore: Send + Sync {
    /// Leaf hashes of `count` records from `first` on, as stored. One that is missing is
    /// [`StoreError::Damaged`].
    async fn leaf_hashes(&self, first: Position, count: u64) -> Result<Vec<Hash>, StoreError>;

    /// Records from `first` to `last`, in order; those that are not there are left out.
    async fn leaves(&self, first: Position, last: Position) -> Result<Vec<LeafRow>, StoreError>;

    /// Position of the last record that is there, whatever the head says; 0 if there is none.
    async fn last_record(&self) -> Result<Position, StoreError>;

    /// A tile, if it is kept.
    async fn tile(&self, id: TileId) -> Result<Option<Tile>, StoreError>;

    /// Numbers and roots of the kept tiles of a level among the `count` from `first` on, in order.
    async fn tile_roots(&self, level: u8, first: u64, count: u64) -> Result<Vec<(u64, Hash)>, StoreError>;

    /// The number after that of the last kept tile of a level.
    async fn tiles_end(&self, level: u8) -> Result<u64, StoreError>;

    /// Keeps tiles, all or none.
    async fn add_tiles(&self, tiles: &[Tile]) -> Result<(), StoreError>;

    /// Kept checkpoints of more than `after` leaves, by size, at most `limit`.
    async fn checkpoints(&self, after: u64, limit: usize) -> Result<Vec<KeptCheckpoint>, StoreError>;

    /// The largest kept checkpoint of at most `size` leaves.
    async fn last_checkpoint(&self, size: u64) -> Result<Option<KeptCheckpoint>, StoreError>;

    /// Keeps a checkpoint.
    async fn add_checkpoint(&self, checkpoint: &KeptCheckpoint) -> Result<(), StoreError>;
}
