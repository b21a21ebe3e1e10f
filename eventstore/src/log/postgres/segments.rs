//! Pieces of a fold, in PostgreSQL.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnection, PgPool};

use super::lent::{Lent, Silence};
use super::{APPENDING, READING, within};
use crate::log::row;
use crate::log::segments::{self, Generation, Segment, SegmentHeader, SegmentRange, SegmentStore, owner_text};
use crate::{Owner, Position, StoreError};

/// Beside the log in its database.
pub(super) struct PostgresSegments {
    pub(super) pool: PgPool,
    pub(super) silence: Arc<Silence>,
}

impl PostgresSegments {
    async fn connection(&self) -> Result<Lent, StoreError> {
        Ok(Lent::new(self.pool.acquire().await.map_err(row::failed)?, Arc::clone(&self.silence)))
    }
}

#[async_trait]
impl SegmentStore for PostgresSegments {
    async fn generations(&self) -> Result<Vec<Generation>, StoreError> {
        let mut connection = self.connection().await?;
        let rows = within!(READING, connection, sqlx::query(segments::GENERATIONS), fetch_all)?;
        rows.iter().map(row::generation).collect()
    }

    async fn begin_generation(&self, number: u64, started_at: i64) -> Result<bool, StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query(segments::BEGIN_GENERATION).bind(row::signed(number)).bind(started_at);
        match within!(APPENDING, connection, query, execute) {
            Ok(done) => Ok(done.rows_affected() == 1),
            // Two at once: the other one has it.
            Err(error) if is_taken(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn advance(
        &self,
        generation: u64,
        is_current: bool,
        (from, to): (Position, Position),
        segments: &[Segment],
    ) -> Result<bool, StoreError> {
        let mut connection = self.connection().await?;
        let advancing = advance(connection.ask()?, (generation, is_current), (from, to), segments);
        let done = tokio::time::timeout(APPENDING, advancing).await;
        connection.heard(done)
    }

    async fn promote(&self, generation: u64, completed_at: i64) -> Result<bool, StoreError> {
        let mut connection = self.connection().await?;
        let done = tokio::time::timeout(APPENDING, promote(connection.ask()?, generation, completed_at)).await;
        connection.heard(done)
    }

    async fn forget_before(&self, generation: u64) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        for sql in [segments::DROP_OLDER, segments::FORGET_OLDER] {
            let query = sqlx::query(sql).bind(row::signed(generation));
            within!(APPENDING, connection, query, execute)?;
        }
        Ok(())
    }

    async fn abandon(&self, generation: u64, error: &str, at: i64) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        let done = tokio::time::timeout(APPENDING, abandon(connection.ask()?, generation, error, at)).await;
        connection.heard(done)
    }

    async fn headers(&self, range: SegmentRange<'_>) -> Result<Vec<SegmentHeader>, StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query(range.statement())
            .bind(row::signed(range.generation))
            .bind(owner_text(range.owner))
            .bind(range.from)
            .bind(range.to)
            .bind(row::signed(range.positions.0.0))
            .bind(row::signed(range.positions.1.0))
            .bind(row::signed(range.numbers.0))
            .bind(row::signed(range.numbers.1))
            .bind(row::signed(range.limit as u64));
        let rows = within!(READING, connection, query, fetch_all)?;
        rows.iter().map(|row| row::segment_header(row, range.owner)).collect()
    }

    async fn columns(&self, generation: u64, owner: &Owner, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query(segments::COLUMNS)
            .bind(row::signed(generation))
            .bind(owner_text(owner))
            .bind(row::signed(number));
        let found = within!(READING, connection, query, fetch_optional)?;
        found.map(|found| row::segment_columns(&found)).transpose()
    }

    async fn prune(&self, owner: &Owner, last: Position) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query(segments::PRUNE).bind(owner_text(owner)).bind(row::signed(last.0));
        Ok(within!(APPENDING, connection, query, execute)?.rows_affected())
    }
}

async fn advance(
    connection: &mut PgConnection,
    (generation, is_current): (u64, bool),
    (from, to): (Position, Position),
    segments: &[Segment],
) -> Result<bool, sqlx::Error> {
    let mut tx = connection.begin().await?;
    let moved = sqlx::query(segments::MOVE)
        .bind(row::signed(generation))
        .bind(row::signed(from.0))
        .bind(row::signed(to.0))
        .bind(i32::from(is_current))
        .execute(&mut *tx)
        .await?;
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
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(true)
}

async fn promote(connection: &mut PgConnection, generation: u64, completed_at: i64) -> Result<bool, sqlx::Error> {
    let mut tx = connection.begin().await?;
    sqlx::query(segments::RETIRE).bind(row::signed(generation)).execute(&mut *tx).await?;
    let query = sqlx::query(segments::PROMOTE).bind(row::signed(generation)).bind(completed_at);
    if query.execute(&mut *tx).await?.rows_affected() == 0 {
        return Ok(false);
    }
    tx.commit().await?;
    Ok(true)
}

async fn abandon(connection: &mut PgConnection, generation: u64, error: &str, at: i64) -> Result<(), sqlx::Error> {
    let mut tx = connection.begin().await?;
    let query = sqlx::query(segments::ABANDON).bind(row::signed(generation)).bind(error).bind(at);
    if query.execute(&mut *tx).await?.rows_affected() == 0 {
        // It is the current one by now.
        return Ok(());
    }
    sqlx::query(segments::DROP_ONE).bind(row::signed(generation)).execute(&mut *tx).await?;
    tx.commit().await
}

/// Whether a row with that key is there already.
fn is_taken(error: &StoreError) -> bool {
    let StoreError::Unavailable(Some(source)) = error else { return false };
    let error = source.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    error.is_some_and(|error| error.is_unique_violation())
}
