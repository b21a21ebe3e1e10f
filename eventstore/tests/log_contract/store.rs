//! The databases under test, each new and empty, with a way around the log for tampering.

use std::sync::Arc;

use scaivault_eventstore::log::{AppenderLimits, Backend, PostgresBackend, SqliteBackend};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::fixture::Node;

/// A database that holds one log.
pub(crate) enum Store {
    Memory,
    Sqlite(TempDir),
    Postgres(String),
}

impl Store {
    pub(crate) fn memory() -> Self {
        Self::Memory
    }

    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(TempDir::new().unwrap())
    }

    pub(crate) fn postgres() -> Self {
        Self::Postgres(Cluster::shared().database())
    }

    /// Connects and migrates. In memory each time is a new log.
    pub(crate) async fn open(&self) -> Arc<dyn Backend> {
        let backend: Arc<dyn Backend> = match self {
            Self::Memory => Arc::new(SqliteBackend::open(None).await.unwrap()),
            Self::Sqlite(directory) => {
                Arc::new(SqliteBackend::open(Some(&directory.path().join("log.db"))).await.unwrap())
            }
            Self::Postgres(url) => Arc::new(PostgresBackend::connect(url, 6).await.unwrap()),
        };
        backend.migrate().await.unwrap();
        backend
    }

    /// Opens it and starts an appender.
    pub(crate) async fn node(&self) -> Node {
        Node::start(self.open().await, AppenderLimits::default()).await
    }

    /// Runs statements beside the log, as somebody with the database's password would.
    pub(crate) async fn meddle(&self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        match self {
            Self::Memory => unreachable!("nobody else reaches memory"),
            Self::Sqlite(directory) => {
                let options = SqliteConnectOptions::new()
                    .filename(directory.path().join("log.db"))
                    .pragma("ignore_check_constraints", "ON");
                let pool = SqlitePool::connect_with(options).await?;
                let done = sql.execute(&pool).await.map(drop);
                pool.close().await;
                done
            }
            Self::Postgres(url) => {
                let pool = PgPool::connect(url).await?;
                let done = sql.execute(&pool).await.map(drop);
                pool.close().await;
                done
            }
        }
    }

    /// Takes away what protects the log, as an intruder with all rights could.
    pub(crate) async fn disarm(&self) {
        let sql = match self {
            Self::Memory | Self::Sqlite(_) => {
                "DROP TRIGGER events_refuse_update; DROP TRIGGER events_refuse_delete; DROP TRIGGER events_refuse_gap"
            }
            Self::Postgres(_) => {
                "DROP TRIGGER events_refuse ON events; \
                 ALTER TABLE events DROP CONSTRAINT events_stream_check, DROP CONSTRAINT events_body_sha256_check, \
                     DROP CONSTRAINT events_leaf_hash_check, DROP CONSTRAINT events_revision_check"
            }
        };
        self.meddle(sql).await.unwrap();
    }

    /// A byte string literal.
    pub(crate) fn bytes(&self, hex: &str) -> String {
        match self {
            Self::Memory | Self::Sqlite(_) => format!("x'{hex}'"),
            Self::Postgres(_) => format!("'\\x{hex}'::bytea"),
        }
    }
}
