//! The tree in SQLite.

use async_trait::async_trait;

use super::SqliteBackend;
use super::transaction::WriteTransaction;
use crate::log::tree_store::{KeptCheckpoint, LeafRow, TreeStore};
use crate::log::{row, tree_row};
use crate::merkle::Hash;
use crate::merkle::tile::{Tile, TileId};
use crate::{Position, StoreError};

#[async_trait]
impl TreeStore for SqliteBackend {
    async fn leaf_hashes(&self, first: Position, count: u64) -> Result<Vec<Hash>, StoreError> {
        let query = sqlx::query(tree_row::LEAF_HASHES).bind(row::signed(first.0)).bind(tree_row::last_of(first, count));
        let rows = query.fetch_all(&self.readers).await.map_err(row::failed)?;
        tree_row::leaf_hashes(&rows, first, count)
    }

    async fn leaves(&self, first: Position, last: Position) -> Result<Vec<LeafRow>, StoreError> {
        let query = sqlx::query(tree_row::SQLITE_LEAVES).bind(row::signed(first.0)).bind(row::signed(last.0));
        let rows = query.fetch_all(&self.readers).await.map_err(row::failed)?;
        rows.iter().map(tree_row::leaf).collect()
    }

    async fn last_record(&self) -> Result<Position, StoreError> {
        let found = sqlx::query(tree_row::LAST_RECORD).fetch_one(&self.readers).await.map_err(row::failed)?;
        row::position(&found, 0)
    }

    async fn tile(&self, id: TileId) -> Result<Option<Tile>, StoreError> {
        let query = sqlx::query(tree_row::TILE).bind(i32::from(id.level)).bind(row::signed(id.number));
        let found = query.fetch_optional(&self.readers).await.map_err(row::failed)?;
        found.map(|found| tree_row::tile(&found, id)).transpose()
    }

    async fn tile_roots(&self, level: u8, first: u64, count: u64) -> Result<Vec<(u64, Hash)>, StoreError> {
        let query = sqlx::query(tree_row::TILE_ROOTS)
            .bind(i32::from(level))
            .bind(row::signed(first))
            .bind(tree_row::last_of(Position(first), count));
        let rows = query.fetch_all(&self.readers).await.map_err(row::failed)?;
        rows.iter().map(tree_row::tile_root).collect()
    }

    async fn tiles_end(&self, level: u8) -> Result<u64, StoreError> {
        let query = sqlx::query(tree_row::TILES_END).bind(i32::from(level));
        tree_row::number(&query.fetch_one(&self.readers).await.map_err(row::failed)?)
    }

    async fn add_tiles(&self, tiles: &[Tile]) -> Result<(), StoreError> {
        let mut tx = WriteTransaction::begin(&self.writer, self.kind).await?;
        for tile in tiles {
            let query = sqlx::query(tree_row::ADD_TILE)
                .bind(i32::from(tile.id.level))
                .bind(row::signed(tile.id.number))
                .bind(tile.root().to_vec())
                .bind(tile.to_bytes());
            query.execute(tx.connection()?).await.map_err(row::failed)?;
        }
        tx.commit().await
    }

    async fn checkpoints(&self, after: u64, limit: usize) -> Result<Vec<KeptCheckpoint>, StoreError> {
        let query = sqlx::query(tree_row::CHECKPOINTS).bind(row::signed(after)).bind(row::signed(limit as u64));
        let rows = query.fetch_all(&self.readers).await.map_err(row::failed)?;
        rows.iter().map(tree_row::checkpoint).collect()
    }

    async fn last_checkpoint(&self, size: u64) -> Result<Option<KeptCheckpoint>, StoreError> {
        let query = sqlx::query(tree_row::LAST_CHECKPOINT).bind(row::signed(size));
        let found = query.fetch_optional(&self.readers).await.map_err(row::failed)?;
        found.map(|found| tree_row::checkpoint(&found)).transpose()
    }

    async fn add_checkpoint(&self, checkpoint: &KeptCheckpoint) -> Result<(), StoreError> {
        let mut tx = WriteTransaction::begin(&self.writer, self.kind).await?;
        let query = sqlx::query(tree_row::ADD_CHECKPOINT)
            .bind(row::signed(checkpoint.tree_size))
            .bind(checkpoint.signed_at)
            .bind(&checkpoint.note);
        query.execute(tx.connection()?).await.map_err(row::failed)?;
        tx.commit().await
    }
}
