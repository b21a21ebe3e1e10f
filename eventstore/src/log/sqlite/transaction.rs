//! A transaction on the one connection that writes.
//!
//! Not sqlx's own: that counts open transactions by itself, and goes on counting one that SQLite
//! has rolled back (as it does when the disk is full), after which the connection begins no other.

use sqlx::Sqlite;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use tokio::runtime::Handle;

use crate::StoreError;
use crate::log::backend::BackendKind;
use crate::log::row;

/// An open transaction with the write lock; rolled back when dropped.
pub(super) struct WriteTransaction {
    /// Gone once the transaction has ended.
    connection: Option<PoolConnection<Sqlite>>,
    kind: BackendKind,
}

impl WriteTransaction {
    /// One that begins with what is executed on it: whatever becomes of that is rolled back.
    pub(super) async fn prepare(writer: &SqlitePool, kind: BackendKind) -> Result<Self, StoreError> {
        let connection = writer.acquire().await.map_err(row::failed)?;
        Ok(Self { connection: Some(connection), kind })
    }

    pub(super) async fn begin(writer: &SqlitePool, kind: BackendKind) -> Result<Self, StoreError> {
        let mut tx = Self::prepare(writer, kind).await?;
        sqlx::query("BEGIN IMMEDIATE").execute(tx.connection()?).await.map_err(row::failed)?;
        Ok(tx)
    }

    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.connection.as_deref_mut().ok_or(StoreError::Unavailable(None))
    }

    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        sqlx::query("COMMIT").execute(self.connection()?).await.map_err(row::failed)?;
        self.ended();
        Ok(())
    }

    /// It was committed by what was executed on it.
    pub(super) fn ended(mut self) {
        self.connection.take();
    }
}

impl Drop for WriteTransaction {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        // A database in memory lives and dies with its connection.
        let replaceable = self.kind != BackendKind::Memory;
        match Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    // Fails if SQLite has done it already; a new connection is in no doubt.
                    let rolled_back = sqlx::query("ROLLBACK").execute(&mut *connection).await;
                    if rolled_back.is_err() && replaceable {
                        connection.close_on_drop();
                    }
                });
            }
            Err(_) => connection.close_on_drop(),
        }
    }
}
