//! The log in PostgreSQL, shared by any number of servers.

mod append;
mod connect;
mod lent;
mod segments;
mod tree;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgArguments, PgPool, Postgres};
use sqlx::query::Query;

use crate::log::backend::{AppendTransaction, AtOnce, Backend, BackendKind, Expected, Head, StoredKey, Witness};
use crate::log::segments::SegmentStore;
use crate::log::{row, schema};
use crate::record::Record;
use crate::{CommandId, Position, Revision, StoreError, StreamId};

use lent::{Lent, Silence};

/// How long a server may be silent while it appends before its connection is given up. A little more
/// than the server lets a statement wait for the head.
///
/// Giving up is safe: what became of it is looked up in the log, and what is not there is kept out.
const APPENDING: Duration = Duration::from_secs(8);
/// The same for what waits for nobody: a statement that reads, or each row of a page. Whoever folds
/// the log stands still meanwhile.
const READING: Duration = Duration::from_secs(3);

/// Takes the one row if it is free, has run out, or is this holder's. `clock_timestamp` because a
/// statement may have waited for another one's.
const LEAD: &str = "INSERT INTO leadership AS present (id, holder, until) \
                    VALUES (1, $1, clock_timestamp() + make_interval(secs => $2::bigint)) \
                    ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, \
                        until = clock_timestamp() + make_interval(secs => $2::bigint) \
                    WHERE present.holder = excluded.holder OR present.until < clock_timestamp()";

/// A log in PostgreSQL.
pub struct PostgresBackend {
    pool: PgPool,
    silence: Arc<Silence>,
}

impl PostgresBackend {
    /// Connects to `url`, whose parameters (`sslmode`, `sslrootcert`, …) are honoured, with at most
    /// `pool_size` connections (at least 2: one appends).
    ///
    /// A server older than 14, or one that refuses this user, is a [`StoreError::Setup`].
    pub async fn connect(url: &str, pool_size: u32) -> Result<Self, StoreError> {
        let silence = Arc::<Silence>::default();
        Ok(Self { pool: connect::connect(url, pool_size.max(2), Arc::clone(&silence)).await?, silence })
    }

    async fn connection(&self) -> Result<Lent, StoreError> {
        Ok(Lent::new(self.pool.acquire().await.map_err(row::failed)?, Arc::clone(&self.silence)))
    }
}

/// Runs a query on a connection under a deadline; one that did not answer is not used again.
macro_rules! within {
    ($deadline:expr, $connection:expr, $query:expr, $how:ident) => {{
        let connection = $connection.ask()?;
        let answer = tokio::time::timeout($deadline, $query.$how(connection)).await;
        $connection.heard(answer)
    }};
}

use within;

#[async_trait]
impl Backend for PostgresBackend {
    fn kind(&self) -> BackendKind {
        BackendKind::Postgres
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        let done = schema::postgres().run_direct(None, connection.ask()?, false).await;
        // After a failure it may still hold the migrator's lock, which ends with it.
        done.map_err(schema::failed)?;
        connection.heard(Ok(Ok(())))
    }

    async fn begin(&self) -> Result<Box<dyn AppendTransaction>, StoreError> {
        Ok(Box::new(append::PostgresAppend::begin(self.connection().await?).await?))
    }

    async fn append_at_once(
        &self,
        expected: Expected<'_>,
        records: &[Record],
        shred: &[Position],
    ) -> Result<AtOnce, StoreError> {
        let mut connection = self.connection().await?;
        let appending = append::at_once(connection.ask()?, expected, records, shred);
        let done = tokio::time::timeout(APPENDING, appending).await;
        if matches!(&done, Ok(Err(error)) if append::is_undone(error)) {
            return connection.heard(done).map(|_| AtOnce::Refused);
        }
        Ok(match connection.heard(done) {
            Ok(true) => AtOnce::Appended,
            Ok(false) => AtOnce::Refused,
            Err(error) => {
                // Nobody knows what state it is in.
                connection.give_up();
                AtOnce::Unknown(error)
            }
        })
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let mut connection = self.connection().await?;
        let found = within!(READING, connection, sqlx::query(row::HEAD), fetch_optional)?;
        row::head(found.as_ref())
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Record>, StoreError> {
        let mut connection = self.connection().await?;
        let found = within!(READING, connection, sqlx::query(row::HEAD), fetch_optional)?;
        let head = row::head(found.as_ref())?;
        let query = sqlx::query(row::AFTER_POSITION).bind(row::signed(after.0)).bind(row::signed(limit as u64));
        fill(row::Page::new(after, limit, head)?, &mut connection, query).await
    }

    async fn witnesses(&self, first: Position, last: Position) -> Result<Vec<Witness>, StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query(row::WITNESSES).bind(row::signed(first.0)).bind(row::signed(last.0));
        let rows = within!(READING, connection, query, fetch_all)?;
        rows.iter().map(row::witness).collect()
    }

    async fn read_at(&self, position: Position) -> Result<Option<Record>, StoreError> {
        let mut connection = self.connection().await?;
        let find = || sqlx::query(row::AT_POSITION).bind(row::signed(position.0));
        if let Some(found) = within!(READING, connection, find(), fetch_optional)? {
            return row::record(&found, position).map(Some);
        }
        let head = within!(READING, connection, sqlx::query(row::HEAD), fetch_optional)?;
        if position == Position::START || position > row::head(head.as_ref())?.position {
            return Ok(None);
        }
        // It may have been committed between the two queries: only a second look can tell.
        match within!(READING, connection, find(), fetch_optional)? {
            Some(found) => row::record(&found, position).map(Some),
            None => Err(StoreError::damaged(position, "the record is missing")),
        }
    }

    async fn read_stream(&self, stream: StreamId, after: Revision, limit: usize) -> Result<Vec<Record>, StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query(row::OF_STREAM)
            .bind(stream.0.as_slice())
            .bind(row::signed(after.0))
            .bind(row::signed(limit as u64));
        let rows = within!(READING, connection, query, fetch_all)?;
        row::stream(&rows, after)
    }

    async fn read_stream_back(
        &self,
        stream: StreamId,
        before: Option<Revision>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query(row::OF_STREAM_BACK)
            .bind(stream.0.as_slice())
            .bind(before.map_or(i64::MAX, |before| row::signed(before.0)))
            .bind(row::signed(limit as u64));
        let rows = within!(READING, connection, query, fetch_all)?;
        row::stream_back(&rows, before)
    }

    async fn find_command(&self, id: CommandId) -> Result<Option<Position>, StoreError> {
        let mut connection = self.connection().await?;
        let found = within!(READING, connection, sqlx::query(row::COMMAND).bind(id.0.as_slice()), fetch_optional)?;
        found.map(|found| row::position(&found, 0)).transpose()
    }

    async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        let mut connection = self.connection().await?;
        let rows = within!(READING, connection, sqlx::query(row::KEYS), fetch_all)?;
        rows.iter().map(row::key).collect()
    }

    async fn add_keys(&self, keys: &[StoredKey]) -> Result<bool, StoreError> {
        let mut connection = self.connection().await?;
        let added = tokio::time::timeout(APPENDING, append::add_keys(connection.ask()?, keys)).await;
        connection.heard(added)
    }

    async fn destroy_keys(&self, level: &str, owner: &str) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        let nothing: &[u8] = &[];
        let query = sqlx::query(row::DESTROY_KEYS).bind(level).bind(owner).bind(nothing);
        within!(APPENDING, connection, query, execute)?;
        // The table is small and rarely changes: nobody else would clear the dead rows away soon.
        let cleared = within!(APPENDING, connection, sqlx::raw_sql("VACUUM keys"), execute);
        if let Err(error) = cleared {
            tracing::warn!(error = &error as &dyn std::error::Error, "dead rows of destroyed keys are not cleared yet");
        }
        Ok(())
    }

    async fn lead(&self, holder: &str, ttl_seconds: u32) -> Result<bool, StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query(LEAD).bind(holder).bind(i64::from(ttl_seconds));
        let done = within!(READING, connection, query, execute)?;
        Ok(done.rows_affected() == 1)
    }

    async fn resign(&self, holder: &str) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        let query = sqlx::query("DELETE FROM leadership WHERE holder = $1").bind(holder);
        within!(READING, connection, query, execute).map(drop)
    }

    fn segments(&self) -> Arc<dyn SegmentStore> {
        Arc::new(segments::PostgresSegments { pool: self.pool.clone(), silence: Arc::clone(&self.silence) })
    }

    fn pool(&self) -> (u32, u32) {
        (self.pool.size(), u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX))
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

/// A page of the rows of a query, however many: as long as they keep coming.
async fn fill(
    mut page: row::Page,
    connection: &mut Lent,
    query: Query<'_, Postgres, PgArguments>,
) -> Result<Vec<Record>, StoreError> {
    let mut rows = query.fetch(connection.ask()?);
    let end = loop {
        // The connection goes with a row that does not fit, and with those that are too many: to take
        // what is left would take longer.
        if page.is_cut() {
            return page.finish();
        }
        match tokio::time::timeout(READING, rows.try_next()).await {
            Ok(Ok(Some(row))) => page.push(&row)?,
            Ok(Ok(None)) => break Ok(Ok(())),
            Ok(Err(error)) => break Ok(Err(error)),
            Err(elapsed) => break Err(elapsed),
        }
    };
    drop(rows);
    connection.heard(end)?;
    page.finish()
}

impl fmt::Debug for PostgresBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The pool's options hold the password.
        f.debug_struct("PostgresBackend").finish_non_exhaustive()
    }
}
