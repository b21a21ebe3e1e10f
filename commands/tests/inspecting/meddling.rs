//! A database in which something happens right before records are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use scaivault_eventstore::log::{
    AppendTransaction, AtOnce, Backend, BackendKind, Expected, Head, KeptCheckpoint, LeafRow, SegmentStore, StoredKey,
    TreeStore, Witness,
};
use scaivault_eventstore::merkle::Hash;
use scaivault_eventstore::merkle::tile::{Tile, TileId};
use scaivault_eventstore::{CommandId, Position, Record, Revision, StoreError, StreamId};

/// What happens, the first time, the second, and so on.
type Happening = Box<dyn Fn(u64) -> BoxFuture<'static, ()> + Send + Sync>;

pub struct Meddling {
    real: Arc<dyn Backend>,
    most: u64,
    times: AtomicU64,
    happening: Happening,
}

impl Meddling {
    /// So often at most.
    pub fn new(
        real: Arc<dyn Backend>,
        most: u64,
        happening: impl Fn(u64) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        Self { real, most, times: AtomicU64::new(0), happening: Box::new(happening) }
    }

    /// How often it happened.
    pub fn times(&self) -> u64 {
        self.times.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Backend for Meddling {
    fn kind(&self) -> BackendKind {
        self.real.kind()
    }
    async fn migrate(&self) -> Result<(), StoreError> {
        self.real.migrate().await
    }
    async fn begin(&self) -> Result<Box<dyn AppendTransaction>, StoreError> {
        self.real.begin().await
    }
    async fn append_at_once(
        &self,
        expected: Expected<'_>,
        records: &[Record],
        shred: &[Position],
    ) -> Result<AtOnce, StoreError> {
        self.real.append_at_once(expected, records, shred).await
    }
    async fn head(&self) -> Result<Head, StoreError> {
        self.real.head().await
    }
    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Record>, StoreError> {
        if self.times() < self.most {
            let time = self.times.fetch_add(1, Ordering::SeqCst) + 1;
            (self.happening)(time).await;
        }
        self.real.read(after, limit).await
    }
    async fn witnesses(&self, first: Position, last: Position) -> Result<Vec<Witness>, StoreError> {
        self.real.witnesses(first, last).await
    }
    async fn read_at(&self, position: Position) -> Result<Option<Record>, StoreError> {
        self.real.read_at(position).await
    }
    async fn read_stream(&self, stream: StreamId, after: Revision, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.real.read_stream(stream, after, limit).await
    }
    async fn read_stream_back(
        &self,
        stream: StreamId,
        before: Option<Revision>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        self.real.read_stream_back(stream, before, limit).await
    }
    async fn find_command(&self, id: CommandId) -> Result<Option<Position>, StoreError> {
        self.real.find_command(id).await
    }
    async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        self.real.keys().await
    }
    async fn add_keys(&self, keys: &[StoredKey]) -> Result<bool, StoreError> {
        self.real.add_keys(keys).await
    }
    async fn destroy_keys(&self, level: &str, owner: &str) -> Result<(), StoreError> {
        self.real.destroy_keys(level, owner).await
    }
    fn segments(&self) -> Arc<dyn SegmentStore> {
        self.real.segments()
    }
    fn pool(&self) -> (u32, u32) {
        self.real.pool()
    }
    async fn close(&self) {
        self.real.close().await;
    }
}

#[async_trait]
impl TreeStore for Meddling {
    async fn leaf_hashes(&self, first: Position, count: u64) -> Result<Vec<Hash>, StoreError> {
        self.real.leaf_hashes(first, count).await
    }
    async fn leaves(&self, first: Position, last: Position) -> Result<Vec<LeafRow>, StoreError> {
        self.real.leaves(first, last).await
    }
    async fn last_record(&self) -> Result<Position, StoreError> {
        self.real.last_record().await
    }
    async fn tile(&self, id: TileId) -> Result<Option<Tile>, StoreError> {
        self.real.tile(id).await
    }
    async fn tile_roots(&self, level: u8, first: u64, count: u64) -> Result<Vec<(u64, Hash)>, StoreError> {
        self.real.tile_roots(level, first, count).await
    }
    async fn tiles_end(&self, level: u8) -> Result<u64, StoreError> {
        self.real.tiles_end(level).await
    }
    async fn add_tiles(&self, tiles: &[Tile]) -> Result<(), StoreError> {
        self.real.add_tiles(tiles).await
    }
    async fn checkpoints(&self, after: u64, limit: usize) -> Result<Vec<KeptCheckpoint>, StoreError> {
        self.real.checkpoints(after, limit).await
    }
    async fn last_checkpoint(&self, size: u64) -> Result<Option<KeptCheckpoint>, StoreError> {
        self.real.last_checkpoint(size).await
    }
    async fn add_checkpoint(&self, checkpoint: &KeptCheckpoint) -> Result<(), StoreError> {
        self.real.add_checkpoint(checkpoint).await
    }
}
