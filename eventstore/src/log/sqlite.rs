//! The log in SQLite: a file beside the server, or memory for trials and tests.

mod append;
mod scrub;
mod segments;
mod transaction;
mod tree;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use scrub::Scrubber;
use transaction::WriteTransaction;

use crate::log::backend::{AppendTransaction, AtOnce, Backend, BackendKind, Expected, Head, StoredKey, Witness};
use crate::log::segments::SegmentStore;
use crate::log::{row, schema};
use crate::record::Record;
use crate::{CommandId, Position, Revision, StoreError, StreamId};

/// How long a call waits for a connection, or for another process to let go of the file.
const WAIT: Duration = Duration::from_secs(5);
/// Connections that only read.
const READERS: u32 = 4;

/// Memory of the writing connection, in KiB below zero. Streams and commands are indexed by digests, so
/// a commit touches pages all over the indexes: what is not at hand is read first.
const WRITER_CACHE: &str = "-32768";
/// Pages (4 KiB) of the write-ahead log after which they are carried over to the file: a page that
/// several commits changed, once.
const CHECKPOINT_EVERY: &str = "4096";
/// Rows that a reading connection gives before they are taken: with few, its thread and ours wake each
/// other all the time.
const ROWS_AHEAD: usize = 128;

/// A log in SQLite. One connection writes, others read beside it.
pub struct SqliteBackend {
    kind: BackendKind,
    writer: SqlitePool,
    readers: SqlitePool,
    /// Memory has no write-ahead log.
    scrubber: Option<Scrubber>,
}

impl SqliteBackend {
    /// Opens the database file `path`, creating it; `None` is a new, empty database in memory.
    pub async fn open(path: Option<&Path>) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(WAIT)
            .synchronous(SqliteSynchronous::Full)
            // Destroyed data keys are overwritten, not just unlinked.
            .pragma("secure_delete", "ON")
            // INSERT OR REPLACE then fires the trigger that refuses deletion.
            .pragma("recursive_triggers", "ON")
            .disable_statement_logging();
        let Some(path) = path else {
            // A database in memory lives and dies with its one connection: keep it for ever, and
            // share it between reading and writing.
            let pool = pool(1).connect_with(options.filename(":memory:").in_memory(true)).await.map_err(row::failed)?;
            return Ok(Self { kind: BackendKind::Memory, writer: pool.clone(), readers: pool, scrubber: None });
        };
        let options = options.filename(path).journal_mode(SqliteJournalMode::Wal);
        let writing = options.clone().pragma("cache_size", WRITER_CACHE).pragma("wal_autocheckpoint", CHECKPOINT_EVERY);
        let writer = pool(1).connect_with(writing).await.map_err(|error| refused(path, error))?;
        let reading = options.pragma("query_only", "ON").row_buffer_size(ROWS_AHEAD);
        let readers = pool(READERS).connect_with(reading).await.map_err(row::failed)?;
        let scrubber = Some(Scrubber::new(readers.clone()));
        Ok(Self { kind: BackendKind::Sqlite, writer, readers, scrubber })
    }
}

/// Tells a path that cannot be opened, which only an operator can mend, from what passes.
fn refused(path: &Path, error: sqlx::Error) -> StoreError {
    // SQLITE_CANTOPEN.
    let code = error.as_database_error().and_then(|database| database.code()?.parse::<i32>().ok());
    match code {
        Some(code) if code & 0xff == 14 => {
            StoreError::Setup(format!("the database file {} cannot be opened or created", path.display()))
        }
        _ => row::failed(error),
    }
}

fn pool(size: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(size)
        .min_connections(1)
        .acquire_timeout(WAIT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

#[async_trait]
impl Backend for SqliteBackend {
    fn kind(&self) -> BackendKind {
        self.kind
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        schema::sqlite().run(&self.writer).await.map_err(schema::failed)
    }

    async fn begin(&self) -> Result<Box<dyn AppendTransaction>, StoreError> {
        Ok(Box::new(append::SqliteAppend::begin(&self.writer, self.kind, self.scrubber.clone()).await?))
    }

    async fn append_at_once(
        &self,
        expected: Expected<'_>,
        records: &[Record],
        shred: &[Position],
    ) -> Result<AtOnce, StoreError> {
        if expected.revisions.is_empty() && expected.commands.is_empty() && shred.is_empty() {
            return append::at_once(&self.writer, self.kind, self.scrubber.as_ref(), records).await;
        }
        // What must be looked at before writing needs steps of its own.
        let tx = append::SqliteAppend::begin(&self.writer, self.kind, self.scrubber.clone()).await?;
        Ok(tx.finish(expected, records, shred).await.unwrap_or_else(AtOnce::Unknown))
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let found = sqlx::query(row::HEAD).fetch_optional(&self.readers).await.map_err(row::failed)?;
        row::head(found.as_ref())
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Record>, StoreError> {
        let mut page = row::Page::new(after, limit, self.head().await?)?;
        let query = sqlx::query(row::AFTER_POSITION).bind(row::signed(after.0)).bind(row::signed(limit as u64));
        let mut rows = query.fetch(&self.readers);
        while !page.is_cut()
            && let Some(row) = rows.try_next().await.map_err(row::failed)?
        {
            page.push(&row)?;
        }
        drop(rows);
        page.finish()
    }

    async fn witnesses(&self, first: Position, last: Position) -> Result<Vec<Witness>, StoreError> {
        let query = sqlx::query(row::WITNESSES).bind(row::signed(first.0)).bind(row::signed(last.0));
        let rows = query.fetch_all(&self.readers).await.map_err(row::failed)?;
        rows.iter().map(row::witness).collect()
    }

    async fn read_at(&self, position: Position) -> Result<Option<Record>, StoreError> {
        let find = || sqlx::query(row::AT_POSITION).bind(row::signed(position.0)).fetch_optional(&self.readers);
        if let Some(found) = find().await.map_err(row::failed)? {
            return row::record(&found, position).map(Some);
        }
        if position == Position::START || position > self.head().await?.position {
            return Ok(None);
        }
        // It may have been committed between the two queries: only a second look can tell.
        match find().await.map_err(row::failed)? {
            Some(found) => row::record(&found, position).map(Some),
            None => Err(StoreError::damaged(position, "the record is missing")),
        }
    }

    async fn read_stream(&self, stream: StreamId, after: Revision, limit: usize) -> Result<Vec<Record>, StoreError> {
        let rows = sqlx::query(row::OF_STREAM)
            .bind(stream.0.as_slice())
            .bind(row::signed(after.0))
            .bind(row::signed(limit as u64))
            .fetch_all(&self.readers)
            .await
            .map_err(row::failed)?;
        row::stream(&rows, after)
    }

    async fn read_stream_back(
        &self,
        stream: StreamId,
        before: Option<Revision>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let rows = sqlx::query(row::OF_STREAM_BACK)
            .bind(stream.0.as_slice())
            .bind(before.map_or(i64::MAX, |before| row::signed(before.0)))
            .bind(row::signed(limit as u64))
            .fetch_all(&self.readers)
            .await
            .map_err(row::failed)?;
        row::stream_back(&rows, before)
    }

    async fn find_command(&self, id: CommandId) -> Result<Option<Position>, StoreError> {
        let found =
            sqlx::query(row::COMMAND).bind(id.0.as_slice()).fetch_optional(&self.readers).await.map_err(row::failed)?;
        found.map(|found| row::position(&found, 0)).transpose()
    }

    async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        let rows = sqlx::query(row::KEYS).fetch_all(&self.readers).await.map_err(row::failed)?;
        rows.iter().map(row::key).collect()
    }

    async fn add_keys(&self, keys: &[StoredKey]) -> Result<bool, StoreError> {
        let mut tx = WriteTransaction::begin(&self.writer, self.kind).await?;
        for key in keys {
            let done = sqlx::query(row::ADD_KEY)
                .bind(key.id.as_slice())
                .bind(key.level.as_str())
                .bind(key.owner.as_str())
                .bind(key.purpose.as_str())
                .bind(i64::from(key.version))
                .bind(key.wrapped_by.as_ref().map(|id| id.as_slice()))
                .bind(key.wrapped.as_slice())
                .bind(key.created_at)
                .execute(tx.connection()?)
                .await
                .map_err(row::failed)?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn destroy_keys(&self, level: &str, owner: &str) -> Result<(), StoreError> {
        let mut tx = WriteTransaction::begin(&self.writer, self.kind).await?;
        let nothing: &[u8] = &[];
        let query = sqlx::query(row::DESTROY_KEYS).bind(level).bind(owner).bind(nothing);
        query.execute(tx.connection()?).await.map_err(row::failed)?;
        tx.commit().await?;
        if let Some(scrubber) = &self.scrubber {
            scrubber.after_commit(true).await;
        }
        Ok(())
    }

    fn segments(&self) -> Arc<dyn SegmentStore> {
        let (writer, readers) = (self.writer.clone(), self.readers.clone());
        Arc::new(segments::SqliteSegments { writer, readers, kind: self.kind })
    }

    fn pool(&self) -> (u32, u32) {
        (1, 1)
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
