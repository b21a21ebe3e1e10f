//! An append to Postgres: `SELECT … FOR UPDATE` on the one row of `head` orders all servers.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::Connection;
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgArguments, PgConnection, Postgres};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::lent::Lent;
use super::{APPENDING, within};
use crate::log::backend::{AppendTransaction, Expected, Head, StoredKey};
use crate::log::row;
use crate::record::Record;
use crate::{CommandId, Position, Revision, StoreError, StreamId};

/// How long a rollback may take before the connection is closed instead.
const ROLLBACK: Duration = Duration::from_secs(5);

/// Both in one message. The level is named because later statements must see what was committed
/// while this one waited, whatever the server's default is.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
                     SELECT position, recorded_at FROM head WHERE id = 1 FOR UPDATE";

/// The least step of the head's time: statements made for the head before it find it elsewhere.
const FENCE: &str = "UPDATE head SET recorded_at = recorded_at + 1 WHERE id = 1";

/// Records, keys and head in one statement. `$16` and the rest are what must hold for it to do anything.
macro_rules! insert {
    ($condition:literal, $besides:literal) => {
        concat!(
            "WITH moved AS (UPDATE head SET position = $1, recorded_at = $2 WHERE id = 1",
            $condition,
            " RETURNING id), keyed AS (INSERT INTO data_keys (position, wrapped) \
             SELECT key.* FROM moved, unnest($3::bigint[], $4::bytea[]) AS key)",
            $besides,
            " INSERT INTO events (position, stream, revision, type, schema_version, recorded_at, command_id, body, \
             body_sha256, entries_root, leaf_hash) \
             SELECT record.* FROM moved, unnest($5::bigint[], $6::bytea[], $7::bigint[], $8::text[], $9::integer[], \
             $10::bigint[], $11::bytea[], $12::bytea[], $13::bytea[], $14::bytea[], $15::bytea[]) AS record"
        )
    };
}

/// Under the lock.
const INSERT: &str = insert!("", "");

/// Without it: the statement takes it. It may arrive late, long after its sender has given it up, which is
/// what [`FENCE`] is for. What it looks at in `events` is as of its beginning, which is
/// the present if the head still is where it was before.
const INSERT_AT_ONCE: &str = insert!(
    " AND position = $16 AND recorded_at = $21 AND NOT EXISTS (SELECT 1 FROM unnest($17::bytea[], $18::bigint[]) \
         AS wanted (stream, revision) WHERE wanted.revision <> COALESCE((SELECT e.revision FROM events e \
         WHERE e.stream = wanted.stream ORDER BY e.revision DESC LIMIT 1), 0)) \
     AND NOT EXISTS (SELECT 1 FROM events e WHERE e.command_id = ANY($19::bytea[]) AND e.command_id IS NOT NULL)",
    ", shredded AS (DELETE FROM data_keys USING moved WHERE data_keys.position = ANY($20::bigint[]))"
);

const REVISIONS: &str = "SELECT wanted.stream, last.revision FROM unnest($1::bytea[]) AS wanted (stream) \
     CROSS JOIN LATERAL (SELECT e.revision FROM events e WHERE e.stream = wanted.stream \
         ORDER BY e.revision DESC LIMIT 1) AS last";

const COMMANDS: &str =
    "SELECT command_id, position FROM events WHERE command_id = ANY($1::bytea[]) AND command_id IS NOT NULL";

/// An open transaction.
///
/// Not sqlx's own: when a statement does not come back, the connection must be closed rather than
/// returned to the pool, where it would wait for the answer.
pub(super) struct PostgresAppend {
    /// Gone once the transaction has ended.
    connection: Option<Lent>,
    head: Head,
}

/// Runs a query of the transaction.
macro_rules! run {
    ($append:expr, $query:expr, $how:ident) => {{
        let Some(connection) = $append.connection.as_mut() else {
            return Err(StoreError::Unavailable(None));
        };
        within!(APPENDING, connection, $query, $how)
    }};
}

impl PostgresAppend {
    pub(super) async fn begin(connection: Lent) -> Result<Self, StoreError> {
        let mut append = Self { connection: Some(connection), head: Head::default() };
        let rows = run!(append, sqlx::raw_sql(BEGIN), fetch_all)?;
        append.head = row::head(rows.first())?;
        Ok(append)
    }
}

#[async_trait]
impl AppendTransaction for PostgresAppend {
    fn head(&self) -> Head {
        self.head
    }

    async fn revisions(&mut self, streams: &[StreamId]) -> Result<HashMap<StreamId, Revision>, StoreError> {
        let names: Vec<&[u8]> = streams.iter().map(|stream| stream.0.as_slice()).collect();
        let rows = run!(self, sqlx::query(REVISIONS).bind(names), fetch_all)?;
        rows.iter().map(row::revision).collect()
    }

    async fn commands(&mut self, ids: &[CommandId]) -> Result<HashMap<CommandId, Position>, StoreError> {
        let ids: Vec<&[u8]> = ids.iter().map(|id| id.0.as_slice()).collect();
        let rows = run!(self, sqlx::query(COMMANDS).bind(ids), fetch_all)?;
        rows.iter().map(row::command).collect()
    }

    async fn leaf_at(&mut self, position: Position) -> Result<Option<[u8; 32]>, StoreError> {
        let query = sqlx::query(row::LEAF).bind(row::signed(position.0));
        let found = run!(self, query, fetch_optional)?;
        found.map(|found| row::leaf(&found, position)).transpose()
    }

    async fn insert(&mut self, records: &[Record]) -> Result<(), StoreError> {
        let Some(last) = records.last() else { return Ok(()) };
        run!(self, inserting(INSERT, records, last), execute).map(drop)
    }

    async fn shred(&mut self, positions: &[Position]) -> Result<(), StoreError> {
        let positions: Vec<i64> = positions.iter().map(|position| row::signed(position.0)).collect();
        let query = sqlx::query("DELETE FROM data_keys WHERE position = ANY($1::bigint[])").bind(positions);
        run!(self, query, execute).map(drop)
    }

    async fn fence(&mut self) -> Result<(), StoreError> {
        run!(self, sqlx::query(FENCE), execute).map(drop)
    }

    async fn touch(&mut self) -> Result<(), StoreError> {
        run!(self, sqlx::query(row::TOUCH), execute).map(drop)
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        let done = run!(self, sqlx::raw_sql("COMMIT"), execute);
        if let (Err(_), Some(mut connection)) = (&done, self.connection.take()) {
            // Nobody knows what state it is in.
            connection.give_up();
        }
        done.map(drop)
    }
}

impl Drop for PostgresAppend {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        match Handle::try_current() {
            Ok(runtime) if !connection.is_waiting() => {
                runtime.spawn(async move {
                    let Ok(rolling_back) = connection.ask() else { return };
                    let done = timeout(ROLLBACK, sqlx::raw_sql("ROLLBACK").execute(rolling_back)).await;
                    if connection.heard(done).is_err() {
                        connection.give_up();
                    }
                });
            }
            // The server rolls back when the connection ends.
            _ => connection.give_up(),
        }
    }
}

/// Appends in one statement, which is its own transaction. `false` if it found the log elsewhere.
pub(super) async fn at_once(
    connection: &mut PgConnection,
    expected: Expected<'_>,
    records: &[Record],
    shred: &[Position],
) -> Result<bool, sqlx::Error> {
    let Some(last) = records.last() else { return Ok(false) };
    let query = inserting(INSERT_AT_ONCE, records, last)
        .bind(row::signed(expected.head.position.0))
        .bind(expected.revisions.iter().map(|(stream, _)| stream.0.as_slice()).collect::<Vec<_>>())
        .bind(expected.revisions.iter().map(|(_, revision)| row::signed(revision.0)).collect::<Vec<_>>())
        .bind(expected.commands.iter().map(|id| id.0.as_slice()).collect::<Vec<_>>())
        .bind(shred.iter().map(|position| row::signed(position.0)).collect::<Vec<_>>())
        .bind(expected.head.recorded_at.0);
    let done = query.execute(connection).await?;
    Ok(done.rows_affected() > 0)
}

/// Whether the server itself says that the statement came to nothing: a constraint, a deadlock, no room,
/// a lock not to be had. A server that is stopping may say so after it has committed.
pub(super) fn is_undone(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code).unwrap_or_default();
    ["23", "40", "53", "55"].iter().any(|class| code.starts_with(class))
}

/// A statement of `insert!` with its first fifteen values.
fn inserting<'r>(
    statement: &'static str,
    records: &'r [Record],
    last: &Record,
) -> sqlx::query::Query<'r, Postgres, PgArguments> {
    let keyed = || records.iter().filter_map(|record| Some((record.position, record.data_key.as_ref()?)));
    sqlx::query(statement)
        .bind(row::signed(last.position.0))
        .bind(last.recorded_at.0)
        .bind(keyed().map(|(position, _)| row::signed(position.0)).collect::<Vec<_>>())
        .bind(keyed().map(|(_, key)| key.0.as_ref()).collect::<Vec<&[u8]>>())
        .bind(column(records, |record| row::signed(record.position.0)))
        .bind(column(records, |record| record.stream.0.as_slice()))
        .bind(column(records, |record| row::signed(record.revision.0)))
        .bind(column(records, |record| record.kind.as_ref()))
        .bind(column(records, |record| i32::from(record.schema_version)))
        .bind(column(records, |record| record.recorded_at.0))
        .bind(column(records, |record| record.command_id.as_ref().map(|id| id.0.as_slice())))
        .bind(column(records, |record| record.body.as_ref()))
        .bind(column(records, |record| record.body_sha256.as_slice()))
        .bind(column(records, |record| record.entries_root.as_ref().map(|root| root.as_slice())))
        .bind(column(records, |record| record.leaf_hash.as_slice()))
}

/// Adds keys in a transaction of its own; `false` if one is there already.
pub(super) async fn add_keys(connection: &mut PgConnection, keys: &[StoredKey]) -> Result<bool, sqlx::Error> {
    let mut tx = connection.begin().await?;
    for key in keys {
        let done = sqlx::query(row::ADD_KEY)
            .bind(key.id.as_slice())
            .bind(key.level.as_str())
            .bind(key.owner.as_str())
            .bind(key.purpose.as_str())
            .bind(i32::try_from(key.version).unwrap_or(i32::MAX))
            .bind(key.wrapped_by.as_ref().map(|id| id.as_slice()))
            .bind(key.wrapped.as_slice())
            .bind(key.created_at)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
    }
    tx.commit().await?;
    Ok(true)
}

fn column<'r, T>(records: &'r [Record], value: impl Fn(&'r Record) -> T) -> Vec<T> {
    records.iter().map(value).collect()
}
