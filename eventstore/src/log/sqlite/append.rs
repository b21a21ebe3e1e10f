//! An append to SQLite: `BEGIN IMMEDIATE` takes the one write lock, which is the head lock.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqlitePool;

use super::scrub::Scrubber;
use super::transaction::WriteTransaction;
use crate::log::backend::{AppendTransaction, BackendKind, Head};
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
            let sql = format!("{INSERT_RECORDS}{}", list("(?,?,?,?,?,?,?,?,?,?,?)", chunk.len()));
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for record in chunk {
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
            query.execute(self.tx.connection()?).await.map_err(row::failed)?;
        }
        for record in records {
            if let Some(key) = &record.data_key {
                sqlx::query("INSERT INTO data_keys (position, wrapped) VALUES ($1, $2)")
                    .bind(row::signed(record.position.0))
                    .bind(key.0.as_ref())
                    .execute(self.tx.connection()?)
                    .await
                    .map_err(row::failed)?;
            }
        }
        if let Some(last) = records.last() {
            sqlx::query("UPDATE head SET position = $1, recorded_at = $2 WHERE id = 1")
                .bind(row::signed(last.position.0))
                .bind(last.recorded_at.0)
                .execute(self.tx.connection()?)
                .await
                .map_err(row::failed)?;
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

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let Self { tx, shredded, scrubber, .. } = *self;
        tx.commit().await?;
        if let Some(scrubber) = scrubber {
            scrubber.after_commit(shredded).await;
        }
        Ok(())
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
