//! An append to SQLite: `BEGIN IMMEDIATE` takes the one write lock, which is the head lock.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqlitePool};
use sqlx::{AssertSqlSafe, Sqlite};

use super::scrub::Scrubber;
use super::transaction::WriteTransaction;
use crate::log::backend::{AppendTransaction, AtOnce, BackendKind, Expected, Head};
use crate::log::row;
use crate::record::Record;
use crate::{CommandId, Position, Revision, StoreError, StreamId};

/// Rows a statement takes at once. Few sizes, so that few statements are prepared.
const CHUNKS: [usize; 3] = [128, 16, 1];

const INSERT_RECORDS: &str = "INSERT INTO events (position, stream, revision, type, schema_version, recorded_at, \
                              command_id, body, body_sha256, entries_root, leaf_hash) VALUES ";

/// An open transaction on the writing connection; rolled back when dropped.
pub(super) struct SqliteAppend {
    tx: WriteTransaction,
    head: Head,
    shredded: bool,
    scrubber: Option<Scrubber>,
}

impl SqliteAppend {
    pub(super) async fn begin(
        writer: &SqlitePool,
        kind: BackendKind,
        scrubber: Option<Scrubber>,
    ) -> Result<Self, StoreError> {
        let mut tx = WriteTransaction::begin(writer, kind).await?;
        let found = sqlx::query(row::HEAD).fetch_optional(tx.connection()?).await.map_err(row::failed)?;
        Ok(Self { head: row::head(found.as_ref())?, tx, shredded: false, scrubber })
    }
}

#[async_trait]
impl AppendTransaction for SqliteAppend {
    fn head(&self) -> Head {
        self.head
    }

    async fn revisions(&mut self, streams: &[StreamId]) -> Result<HashMap<StreamId, Revision>, StoreError> {
        let mut found = HashMap::with_capacity(streams.len());
        for chunk in chunks(streams) {
            let sql = format!(
                "WITH wanted (stream) AS (VALUES {}) SELECT stream, revision FROM (SELECT wanted.stream AS stream, \
                 (SELECT max(revision) FROM events WHERE events.stream = wanted.stream) AS revision FROM wanted) \
                 WHERE revision IS NOT NULL",
                list("(?)", chunk.len())
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for stream in chunk {
                query = query.bind(stream.0.as_slice());
            }
            for answer in query.fetch_all(self.tx.connection()?).await.map_err(row::failed)? {
                let (stream, revision) = row::revision(&answer)?;
                found.insert(stream, revision);
            }
        }
        Ok(found)
    }

    async fn commands(&mut self, ids: &[CommandId]) -> Result<HashMap<CommandId, Position>, StoreError> {
        let mut found = HashMap::new();
        for chunk in chunks(ids) {
            let sql =
                format!("SELECT command_id, position FROM events WHERE command_id IN ({})", list("?", chunk.len()));
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for id in chunk {
                query = query.bind(id.0.as_slice());
            }
            for answer in query.fetch_all(self.tx.connection()?).await.map_err(row::failed)? {
                let (id, position) = row::command(&answer)?;
                found.insert(id, position);
            }
        }
        Ok(found)
    }

    async fn leaf_at(&mut self, position: Position) -> Result<Option<[u8; 32]>, StoreError> {
        let found = sqlx::query(row::LEAF)
            .bind(row::signed(position.0))
            .fetch_optional(self.tx.connection()?)
            .await
            .map_err(row::failed)?;
        found.map(|found| row::leaf(&found, position)).transpose()
    }

    async fn insert(&mut self, records: &[Record]) -> Result<(), StoreError> {
        for chunk in chunks(records) {
            let query = inserting("", chunk, "");
            query.execute(self.tx.connection()?).await.map_err(row::failed)?;
        }
        Ok(())
    }

    async fn shred(&mut self, positions: &[Position]) -> Result<(), StoreError> {
        self.shredded = true;
        for position in positions {
            sqlx::query("DELETE FROM data_keys WHERE position = $1")
                .bind(row::signed(position.0))
                .execute(self.tx.connection()?)
                .await
                .map_err(row::failed)?;
        }
        Ok(())
    }

    async fn touch(&mut self) -> Result<(), StoreError> {
        sqlx::query(row::TOUCH).execute(self.tx.connection()?).await.map(drop).map_err(row::failed)
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let Self { tx, shredded, scrubber, .. } = *self;
        tx.commit().await?;
        if let Some(scrubber) = scrubber {
            scrubber.after_commit(shredded).await;
        }
        Ok(())
    }
}

impl SqliteAppend {
    /// Appends if everything is as expected.
    pub(super) async fn finish(
        mut self,
        expected: Expected<'_>,
        records: &[Record],
        shred: &[Position],
    ) -> Result<AtOnce, StoreError> {
        if self.head.position != expected.head.position || !self.commands(expected.commands).await?.is_empty() {
            return Ok(AtOnce::Refused);
        }
        let streams: Vec<StreamId> = expected.revisions.iter().map(|(stream, _)| *stream).collect();
        let actual = self.revisions(&streams).await?;
        let fits =
            |(stream, revision): &(StreamId, Revision)| actual.get(stream).copied().unwrap_or_default() == *revision;
        if !expected.revisions.iter().all(fits) {
            return Ok(AtOnce::Refused);
        }
        self.insert(records).await?;
        if !shred.is_empty() {
            self.shred(shred).await?;
        }
        Box::new(self).commit().await?;
        Ok(AtOnce::Appended)
    }
}

/// Appends records of which nothing needs to be looked up first: one call of the database's thread
/// instead of one for each statement. That the log ends where it should, a trigger makes sure.
pub(super) async fn at_once(
    writer: &SqlitePool,
    kind: BackendKind,
    scrubber: Option<&Scrubber>,
    records: &[Record],
) -> Result<AtOnce, StoreError> {
    let mut tx = WriteTransaction::prepare(writer, kind).await?;
    let query = inserting("BEGIN IMMEDIATE; ", records, "; COMMIT");
    if let Err(error) = query.execute(tx.connection()?).await {
        return Ok(match row::is_taken(&error) {
            true => AtOnce::Refused,
            false => AtOnce::Unknown(row::failed(error)),
        });
    }
    tx.ended();
    if let Some(scrubber) = scrubber {
        scrubber.after_commit(false).await;
    }
    Ok(AtOnce::Appended)
}

/// Statements that insert records with their data keys and move the head, in one call.
fn inserting<'r>(before: &str, records: &'r [Record], after: &str) -> Query<'r, Sqlite, SqliteArguments> {
    let keyed = || records.iter().filter_map(|record| Some((record.position, record.data_key.as_ref()?)));
    let mut sql = format!("{before}{INSERT_RECORDS}{}", list("(?,?,?,?,?,?,?,?,?,?,?)", records.len()));
    let keys = keyed().count();
    if keys > 0 {
        sql.push_str("; INSERT INTO data_keys (position, wrapped) VALUES ");
        sql.push_str(&list("(?,?)", keys));
    }
    sql.push_str("; UPDATE head SET position = ?, recorded_at = ? WHERE id = 1");
    sql.push_str(after);
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for record in records {
        query = query
            .bind(row::signed(record.position.0))
            .bind(record.stream.0.as_slice())
            .bind(row::signed(record.revision.0))
            .bind(record.kind.as_ref())
            .bind(i32::from(record.schema_version))
            .bind(record.recorded_at.0)
            .bind(record.command_id.as_ref().map(|id| id.0.as_slice()))
            .bind(record.body.as_ref())
            .bind(record.body_sha256.as_slice())
            .bind(record.entries_root.as_ref().map(|root| root.as_slice()))
            .bind(record.leaf_hash.as_slice());
    }
    for (position, key) in keyed() {
        query = query.bind(row::signed(position.0)).bind(key.0.as_ref());
    }
    match records.last() {
        Some(last) => query.bind(row::signed(last.position.0)).bind(last.recorded_at.0),
        None => query,
    }
}

/// Cuts `items` into pieces of the sizes in [`CHUNKS`], largest first.
fn chunks<T>(mut items: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = CHUNKS.into_iter().find(|size| *size <= items.len())?;
        let (chunk, rest) = items.split_at(size);
        items = rest;
        Some(chunk)
    })
}

/// `item`, `count` times, between commas.
fn list(item: &str, count: usize) -> String {
    let mut text = String::with_capacity((item.len() + 1) * count);
    for index in 0..count {
        if index > 0 {
            text.push(',');
        }
        text.push_str(item);
    }
    text
}
