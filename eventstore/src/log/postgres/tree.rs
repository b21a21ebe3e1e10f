//! The tree in PostgreSQL.

use async_trait::async_trait;

use super::{APPENDING, PostgresBackend, READING, within};
use crate::log::tree_store::{KeptCheckpoint, LeafRow, TreeStore};
use crate::log::{row, tree_row};
use crate::merkle::Hash;
use crate::merkle::tile::{Tile, TileId};
use crate::{Position, StoreError};

/// All tiles in one statement, and so all or none.
const ADD_TILES: &str = "INSERT INTO tiles (level, number, root, hashes) \
     SELECT tile.* FROM unnest($1::integer[], $2::bigint[], $3::bytea[], $4::bytea[]) AS tile ON CONFLICT DO NOTHING";

#[async_trait]
impl TreeStore for PostgresBackend {
    async fn leaf_hashes(&self, first: Position, count: u64) -> Result<Vec<Hash>, StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query(tree_row::LEAF_HASHES).bind(row::signed(first.0)).bind(tree_row::last_of(first, count));
        let rows = within!(READING, connection, query, fetch_all)?;
        tree_row::leaf_hashes(&rows, first, count)
    }

    async fn leaves(&self, first: Position, last: Position) -> Result<Vec<LeafRow>, StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query(tree_row::POSTGRES_LEAVES).bind(row::signed(first.0)).bind(row::signed(last.0));
        let rows = within!(READING, connection, query, fetch_all)?;
        rows.iter().map(tree_row::leaf).collect()
    }

    async fn last_record(&self) -> Result<Position, StoreError> {
        let mut connection = self.connection().await?;
        let found = within!(READING, connection, sqlx::query(tree_row::LAST_RECORD), fetch_one)?;
        row::position(&found, 0)
    }

    async fn tile(&self, id: TileId) -> Result<Option<Tile>, StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query(tree_row::TILE).bind(i32::from(id.level)).bind(row::signed(id.number));
        let found = within!(READING, connection, query, fetch_optional)?;
        found.map(|found| tree_row::tile(&found, id)).transpose()
    }

    async fn tile_roots(&self, level: u8, first: u64, count: u64) -> Result<Vec<(u64, Hash)>, StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query(tree_row::TILE_ROOTS)
            .bind(i32::from(level))
            .bind(row::signed(first))
            .bind(tree_row::last_of(Position(first), count));
        let rows = within!(READING, connection, query, fetch_all)?;
        rows.iter().map(tree_row::tile_root).collect()
    }

    async fn tiles_end(&self, level: u8) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query(tree_row::TILES_END).bind(i32::from(level));
        tree_row::number(&within!(READING, connection, query, fetch_one)?)
    }

    async fn add_tiles(&self, tiles: &[Tile]) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        let levels: Vec<i32> = tiles.iter().map(|tile| i32::from(tile.id.level)).collect();
        let numbers: Vec<i64> = tiles.iter().map(|tile| row::signed(tile.id.number)).collect();
        let roots: Vec<Vec<u8>> = tiles.iter().map(|tile| tile.root().to_vec()).collect();
        let hashes: Vec<Vec<u8>> = tiles.iter().map(Tile::to_bytes).collect();
        let query = sqlx::query(ADD_TILES).bind(levels).bind(numbers).bind(roots).bind(hashes);
        within!(APPENDING, connection, query, execute).map(drop)
    }

    async fn checkpoints(&self, after: u64, limit: usize) -> Result<Vec<KeptCheckpoint>, StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query(tree_row::CHECKPOINTS).bind(row::signed(after)).bind(row::signed(limit as u64));
        let rows = within!(READING, connection, query, fetch_all)?;
        rows.iter().map(tree_row::checkpoint).collect()
    }

    async fn last_checkpoint(&self, size: u64) -> Result<Option<KeptCheckpoint>, StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query(tree_row::LAST_CHECKPOINT).bind(row::signed(size));
        let found = within!(READING, connection, query, fetch_optional)?;
        found.map(|found| tree_row::checkpoint(&found)).transpose()
    }

    async fn add_checkpoint(&self, checkpoint: &KeptCheckpoint) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query(tree_row::ADD_CHECKPOINT)
            .bind(row::signed(checkpoint.tree_size))
            .bind(checkpoint.signed_at)
            .bind(&checkpoint.note);
        within!(APPENDING, connection, query, execute).map(drop)
    }
}
