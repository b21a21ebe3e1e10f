//! A keeper of the tree that dies at each of its writes in turn, and the reads of a proof.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use scaivault_eventstore::log::{Backend, KeptCheckpoint, LeafRow, TreeStore};
use scaivault_eventstore::merkle::Hash;
use scaivault_eventstore::merkle::tile::{Tile, TileId};
use scaivault_eventstore::tree::Tree;
use scaivault_eventstore::{Position, RecordedAt, StoreError};

use crate::faults::{Faulty, away};
use crate::store::Store;
use crate::tree::{filled, grown, notary};

#[async_trait]
impl TreeStore for Faulty {
    async fn leaf_hashes(&self, first: Position, count: u64) -> Result<Vec<Hash>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.real.leaf_hashes(first, count).await
    }
    async fn leaves(&self, first: Position, last: Position) -> Result<Vec<LeafRow>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.real.leaves(first, last).await
    }
    async fn last_record(&self) -> Result<Position, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.real.last_record().await
    }
    async fn tile(&self, id: TileId) -> Result<Option<Tile>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.real.tile(id).await
    }
    async fn tile_roots(&self, level: u8, first: u64, count: u64) -> Result<Vec<(u64, Hash)>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.real.tile_roots(level, first, count).await
    }
    async fn tiles_end(&self, level: u8) -> Result<u64, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.real.tiles_end(level).await
    }
    async fn add_tiles(&self, tiles: &[Tile]) -> Result<(), StoreError> {
        self.spend()?;
        self.real.add_tiles(tiles).await
    }
    async fn checkpoints(&self, after: u64, limit: usize) -> Result<Vec<KeptCheckpoint>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.real.checkpoints(after, limit).await
    }
    async fn last_checkpoint(&self, size: u64) -> Result<Option<KeptCheckpoint>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.real.last_checkpoint(size).await
    }
    async fn add_checkpoint(&self, checkpoint: &KeptCheckpoint) -> Result<(), StoreError> {
        self.spend()?;
        self.real.add_checkpoint(checkpoint).await
    }
}

impl Faulty {
    /// One write to the tree, if any is left.
    fn spend(&self) -> Result<(), StoreError> {
        let left = self.tree_writes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).or_else(|_| away())
    }
}

pub(crate) async fn a_keeper_that_dies_loses_nothing(store: Store) {
    let node = store.node().await;
    let leaves = filled(&node, 40_000).await;
    let tree = grown(&leaves);
    let mut deaths = 0;
    loop {
        // Each dies after one write.
        let dying: Arc<dyn Backend> = Arc::new(Faulty::dying(node.backend.clone(), 1));
        match notary(&dying).keep(&tree, RecordedAt(1)).await {
            Ok(_) => break,
            Err(StoreError::Unavailable(_)) => deaths += 1,
            Err(other) => panic!("{other}"),
        }
        // Whatever is there by now, proofs are the same.
        let reading = Tree::new(node.backend.clone());
        assert_eq!(reading.root_at(tree.size()).await.unwrap(), tree.root());
    }
    // 156 tiles in three writes, and the checkpoint.
    assert_eq!(deaths, 3);
    assert_eq!(node.backend.tiles_end(0).await.unwrap(), 40_000 / 256);
    assert_eq!(node.backend.checkpoints(0, 9).await.unwrap().len(), 1);
    for (number, leaves) in (0..).zip(leaves.chunks_exact(256)) {
        let tile = node.backend.tile(TileId { level: 0, number }).await.unwrap().unwrap();
        assert_eq!(tile.hashes, leaves, "tile {number}");
    }
}

/// However large the log, and wherever the keeper is.
pub(crate) async fn a_proof_takes_few_reads(store: Store) {
    const SIZE: u64 = 66_300;
    let node = store.node().await;
    let tree = grown(&filled(&node, usize::try_from(SIZE).unwrap()).await);
    notary(&node.backend).keep(&tree, RecordedAt(1)).await.unwrap();
    let counting = Arc::new(Faulty::dying(node.backend.clone(), 0));
    let reading = Tree::new(counting.clone());
    let reads = || counting.reads.swap(0, Ordering::SeqCst);
    for number in (1..=SIZE).step_by(3_001).chain([SIZE]) {
        reading.inclusion(Position(number), SIZE).await.unwrap().unwrap();
        let inclusion = reads();
        reading.consistency(number, SIZE).await.unwrap().unwrap();
        let consistency = reads();
        // For each of three levels at most the tile it is in and what lies at the right edge.
        assert!(inclusion <= 6 && consistency <= 6, "{number}: {inclusion} and {consistency}");
    }
}
