//! Pieces of a fold, in SQLite.

use async_trait::async_trait;
use sqlx::sqlite::SqlitePool;

use super::transaction::WriteTransaction;
use crate::log::backend::BackendKind;
use crate::log::row;
use crate::log::segments::{self, Generation, Segment, SegmentHeader, SegmentRange, SegmentStore, owner_text};
use crate::{Owner, Position, StoreError};

/// Beside the log in its file.
pub(super) struct SqliteSegments {
    pub(super) writer: SqlitePool,
    pub(super) readers: SqlitePool,
    pub(super) kind: BackendKind,
}

impl SqliteSegments {
    async fn begin(&self) -> Result<WriteTransaction, StoreError> {
        WriteTransaction::begin(&self.writer, self.kind).await
    }
}

#[async_trait]
impl SegmentStore for SqliteSegments {
    async fn generations(&self) -> Result<Vec<Generation>, StoreError> {
        let rows = sqlx::query(segments::GENERATIONS).fetch_all(&self.readers).await.map_err(row::failed)?;
        rows.iter().map(row::generation).collect()
    }

    async fn begin_generation(&self, number: u64, started_at: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let query = sqlx::query(segments::BEGIN_GENERATION).bind(row::signed(number)).bind(started_at);
        let done = query.execute(tx.connection()?).await.map_err(row::failed)?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    async fn advance(
        &self,
        generation: u64,
        is_current: bool,
        (from, to): (Position, Position),
        segments: &[Segment],
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let moved = sqlx::query(segments::MOVE)
            .bind(row::signed(generation))
            .bind(row::signed(from.0))
            .bind(row::signed(to.0))
            .bind(i32::from(is_current))
            .execute(tx.connection()?)
            .await
            .map_err(row::failed)?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        for Segment { header, columns } in segments {
            sqlx::query(segments::PUT)
                .bind(row::signed(generation))
                .bind(owner_text(&header.owner))
                .bind(row::signed(header.number))
                .bind(row::signed(header.first_position.0))
                .bind(row::signed(header.last_position.0))
                .bind(header.first_at)
                .bind(header.last_at)
                .bind(row::signed(header.entries))
                .bind(header.filter.as_slice())
                .bind(columns.as_slice())
                .execute(tx.connection()?)
                .await
                .map_err(row::failed)?;
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn promote(&self, generation: u64, completed_at: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let query = sqlx::query(segments::RETIRE).bind(row::signed(generation));
        query.execute(tx.connection()?).await.map_err(row::failed)?;
        let query = sqlx::query(segments::PROMOTE).bind(row::signed(generation)).bind(completed_at);
        let done = query.execute(tx.connection()?).await.map_err(row::failed)?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn forget_before(&self, generation: u64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for sql in [segments::DROP_OLDER, segments::FORGET_OLDER] {
            let query = sqlx::query(sql).bind(row::signed(generation));
            query.execute(tx.connection()?).await.map_err(row::failed)?;
        }
        tx.commit().await
    }

    async fn abandon(&self, generation: u64, error: &str, at: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let query = sqlx::query(segments::ABANDON).bind(row::signed(generation)).bind(error).bind(at);
        if query.execute(tx.connection()?).await.map_err(row::failed)?.rows_affected() == 0 {
            // It is the current one by now.
            return Ok(());
        }
        let query = sqlx::query(segments::DROP_ONE).bind(row::signed(generation));
        query.execute(tx.connection()?).await.map_err(row::failed)?;
        tx.commit().await
    }

    async fn headers(&self, range: SegmentRange<'_>) -> Result<Vec<SegmentHeader>, StoreError> {
        let rows = sqlx::query(range.statement())
            .bind(row::signed(range.generation))
            .bind(owner_text(range.owner))
            .bind(range.from)
            .bind(range.to)
            .bind(row::signed(range.positions.0.0))
            .bind(row::signed(range.positions.1.0))
            .bind(row::signed(range.numbers.0))
            .bind(row::signed(range.numbers.1))
            .bind(row::signed(range.limit as u64))
            .fetch_all(&self.readers)
            .await
            .map_err(row::failed)?;
        rows.iter().map(|row| row::segment_header(row, range.owner)).collect()
    }

    async fn columns(&self, generation: u64, owner: &Owner, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let found = sqlx::query(segments::COLUMNS)
            .bind(row::signed(generation))
            .bind(owner_text(owner))
            .bind(row::signed(number))
            .fetch_optional(&self.readers)
            .await
            .map_err(row::failed)?;
        found.map(|found| row::segment_columns(&found)).transpose()
    }

    async fn prune(&self, owner: &Owner, last: Position) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let query = sqlx::query(segments::PRUNE).bind(owner_text(owner)).bind(row::signed(last.0));
        let done = query.execute(tx.connection()?).await.map_err(row::failed)?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }
}
