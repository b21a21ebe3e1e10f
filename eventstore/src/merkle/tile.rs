//! Tiles of a tree, as in [C2SP tlog-tiles](https://c2sp.org/tlog-tiles): 256 hashes that lie side by
//! side at one height, and stand for the eight heights above them too.
//!
//! The hashes of a tile of level 0 are leaves, those of level *l* the roots of tiles of level *l − 1*.
//! Only complete tiles are kept; they never change.

use super::span::Node;
use super::{Hash, root_of};

/// Heights in a tile.
pub const HEIGHT: u8 = 8;
/// Hashes in a tile.
pub const WIDTH: u64 = 1 << HEIGHT;
/// The tree of the largest possible log needs no more levels.
pub const LEVELS: u8 = 64 / HEIGHT;

/// Names a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    /// 0 for leaves.
    pub level: u8,
    /// Its place among those of its level.
    pub number: u64,
}

/// A complete tile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Which.
    pub id: TileId,
    /// Its 256 hashes.
    pub hashes: Vec<Hash>,
}

/// Where the hashes of a node lie: so many of one tile, from one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InTile {
    /// The tile.
    pub tile: TileId,
    /// The first of its hashes.
    pub first: u64,
    /// How many: a power of two.
    pub count: u64,
}

impl Tile {
    /// Root over its hashes: the hash that stands for it in the level above.
    pub fn root(&self) -> Hash {
        root_of(&self.hashes)
    }

    /// As it is stored and served: 8192 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.as_flattened().to_vec()
    }

    /// The inverse of [`Tile::to_bytes`]; `None` for another length.
    pub fn from_bytes(id: TileId, bytes: &[u8]) -> Option<Self> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        (rest.is_empty() && hashes.len() as u64 == WIDTH).then(|| Self { id, hashes: hashes.to_vec() })
    }
}

impl TileId {
    /// How many complete tiles of a level the tree of `size` has.
    pub fn complete(level: u8, size: u64) -> u64 {
        size.checked_shr(u32::from(HEIGHT) * (u32::from(level) + 1)).unwrap_or_default()
    }

    /// Whether the tree of `size` has all of it.
    pub fn is_complete(self, size: u64) -> bool {
        self.number < Self::complete(self.level, size)
    }
}

impl InTile {
    /// Of this node.
    pub fn of(node: Node) -> Self {
        let (level, above) = (node.level / HEIGHT, node.level % HEIGHT);
        let first = node.index << above;
        Self { tile: TileId { level, number: first / WIDTH }, first: first % WIDTH, count: 1 << above }
    }
}

#[cfg(test)]
#[path = "tile/tests.rs"]
mod tests;
