//! The Merkle tree over the log, as it lies in the database: proofs and roots at any size, from tiles
//! and what lies to the right of them. A proof takes some reads for each level of tiles, however large
//! the log is.
//!
//! Says what the database says. Whether that is what was written, [`notary`] finds out before it signs,
//! and [`inspection`] when asked to.

pub mod inspection;
pub mod notary;

use std::collections::HashMap;
use std::sync::Arc;

use crate::log::Backend;
use crate::merkle::frontier::Frontier;
use crate::merkle::span::{Node, Span};
use crate::merkle::tile::{InTile, Tile, TileId, WIDTH};
use crate::merkle::{Hash, proof, root_of};
use crate::{Position, StoreError};

pub use inspection::{Finding, Inspected, Inspection, Reason};
pub use notary::{Notary, Signed};

/// Leaves to the right of the kept tiles that are read at once rather than as needed.
const EDGE: u64 = 64 * WIDTH;

/// Reads the tree.
#[derive(Clone)]
pub struct Tree {
    store: Arc<dyn Backend>,
    edge: Arc<Edge>,
}

/// Leaves that have been read already.
#[derive(Default)]
struct Edge {
    first: u64,
    leaves: Vec<Hash>,
}

/// The hashes that are needed of one tile: from the first of them on.
struct Part {
    first: u64,
    hashes: Vec<Hash>,
}

impl Tree {
    /// In this database.
    pub fn new(store: Arc<dyn Backend>) -> Self {
        Self { store, edge: Arc::default() }
    }

    /// The same, with the leaves between the kept tiles and `size` at hand, unless they are many.
    async fn with_edge(&self, size: u64) -> Result<Self, StoreError> {
        let first = self.store.tiles_end(0).await?.saturating_mul(WIDTH);
        let count = size.saturating_sub(first);
        let leaves = match count {
            1..=EDGE => self.store.leaf_hashes(position_of(first), count).await?,
            _ => Vec::new(),
        };
        Ok(Self { store: self.store.clone(), edge: Arc::new(Edge { first, leaves }) })
    }

    /// Root of the tree of the first `size` records.
    pub async fn root_at(&self, size: u64) -> Result<Hash, StoreError> {
        Ok(self.frontier_at(size).await?.root())
    }

    /// The tree of the first `size` records, ready to grow.
    pub async fn frontier_at(&self, size: u64) -> Result<Frontier, StoreError> {
        let nodes = Span::tree(size).nodes();
        let hashes = self.nodes(&nodes, size).await?;
        let subtrees = nodes.iter().map(|node| hashes.get(node).copied()).collect::<Option<Vec<_>>>();
        subtrees.and_then(|subtrees| Frontier::of(size, subtrees)).ok_or_else(incomplete)
    }

    /// Hashes that prove that the record at `position` is in the tree of `size`; `None` if it is not.
    pub async fn inclusion(&self, position: Position, size: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        let Some(index) = position.0.checked_sub(1) else { return Ok(None) };
        match proof::inclusion(index, size) {
            Some(spans) => self.spans(&spans, size).await.map(Some),
            None => Ok(None),
        }
    }

    /// Hashes that prove that the tree of `to` begins with that of `from`; `None` unless `1 ≤ from ≤ to`.
    pub async fn consistency(&self, from: u64, to: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        match proof::consistency(from, to) {
            Some(spans) => self.spans(&spans, to).await.map(Some),
            None => Ok(None),
        }
    }

    /// Hashes of spans, which lie in the tree of `size`.
    async fn spans(&self, spans: &[Span], size: u64) -> Result<Vec<Hash>, StoreError> {
        let nodes: Vec<Node> = spans.iter().flat_map(|span| span.nodes()).collect();
        let hashes = self.nodes(&nodes, size).await?;
        let of_span = |span: &Span| {
            let nodes = span.nodes().iter().map(|node| hashes.get(node).copied()).collect::<Option<Vec<_>>>();
            nodes.and_then(|nodes| span.hash(nodes)).ok_or_else(incomplete)
        };
        spans.iter().map(of_span).collect()
    }

    /// Hashes of complete subtrees. Those that lie in one tile are read together.
    async fn nodes(&self, nodes: &[Node], size: u64) -> Result<HashMap<Node, Hash>, StoreError> {
        let mut wanted: HashMap<TileId, (u64, u64)> = HashMap::new();
        for place in nodes.iter().map(|node| InTile::of(*node)) {
            let end = place.first + place.count;
            let (from, to) = wanted.entry(place.tile).or_insert((place.first, end));
            (*from, *to) = ((*from).min(place.first), (*to).max(end));
        }
        let mut parts = HashMap::with_capacity(wanted.len());
        for (tile, (first, end)) in wanted {
            parts.insert(tile, self.part(tile, first, end, size).await?);
        }
        let hash = |node: &Node| {
            let place = InTile::of(*node);
            let part = parts.get(&place.tile)?;
            let from = usize::try_from(place.first.checked_sub(part.first)?).ok()?;
            let until = from.checked_add(usize::try_from(place.count).ok()?)?;
            part.hashes.get(from..until).map(|hashes| (*node, root_of(hashes)))
        };
        nodes.iter().map(|node| hash(node).ok_or_else(incomplete)).collect()
    }

    /// The hashes of a tile from `first` up to `end`: those kept, or, at the right edge, what they are made of.
    async fn part(&self, id: TileId, first: u64, end: u64, size: u64) -> Result<Part, StoreError> {
        if id.is_complete(size)
            && let Some(tile) = self.store.tile(id).await?
        {
            return Ok(Part { first: 0, hashes: tile.hashes });
        }
        let hashes = self.hashes(id.level, id.number * WIDTH + first, end - first).await?;
        Ok(Part { first, hashes })
    }

    /// So many hashes of a level of tiles, from the one of this number on.
    async fn hashes(&self, level: u8, first: u64, count: u64) -> Result<Vec<Hash>, StoreError> {
        let Some(below) = level.checked_sub(1) else { return self.leaves(first, count).await };
        let mut kept = self.store.tile_roots(below, first, count).await?.into_iter().peekable();
        let mut hashes = Vec::new();
        for number in first..first.saturating_add(count) {
            match kept.next_if(|(kept, _)| *kept == number) {
                Some((_, root)) => hashes.push(root),
                // Complete, and not kept yet.
                None => hashes.push(root_of(&Box::pin(self.hashes(below, number * WIDTH, WIDTH)).await?)),
            }
        }
        Ok(hashes)
    }

    async fn leaves(&self, first: u64, count: u64) -> Result<Vec<Hash>, StoreError> {
        let at_hand = || {
            let from = usize::try_from(first.checked_sub(self.edge.first)?).ok()?;
            self.edge.leaves.get(from..from.checked_add(usize::try_from(count).ok()?)?)
        };
        match at_hand() {
            Some(leaves) => Ok(leaves.to_vec()),
            None => self.store.leaf_hashes(position_of(first), count).await,
        }
    }

    /// The tiles of a level that are complete in the tree of `size` and not kept yet, at most `limit`.
    async fn missing_tiles(&self, level: u8, size: u64, limit: u64) -> Result<Vec<Tile>, StoreError> {
        let first = self.store.tiles_end(level).await?;
        let end = TileId::complete(level, size).min(first.saturating_add(limit));
        if first >= end {
            return Ok(Vec::new());
        }
        let hashes = self.hashes(level, first * WIDTH, (end - first) * WIDTH).await?;
        let tiles = hashes.chunks(usize::try_from(WIDTH).unwrap_or(usize::MAX)).zip(first..);
        Ok(tiles.map(|(hashes, number)| Tile { id: TileId { level, number }, hashes: hashes.to_vec() }).collect())
    }
}

/// The position of a leaf.
fn position_of(index: u64) -> Position {
    Position(index).next()
}

/// What was asked of the database was there, but is not what was asked for: a defect.
fn incomplete() -> StoreError {
    StoreError::damaged(Position::START, "a part of the tree is missing")
}
