//! The log: a queue in front, one appender that commits groups, a database behind, a feed after.

pub mod appender;
pub mod backend;
pub mod feed;
pub mod postgres;
mod row;
mod schema;
pub mod sqlite;
pub mod unit;
mod verdict;

pub use appender::{Appender, AppenderHealth, AppenderLimits, Clock};
pub use backend::{AppendTransaction, AtOnce, Backend, BackendKind, Expected, Head, StoredKey};
pub use feed::{Batch, Feed, FeedReader};
pub use postgres::PostgresBackend;
pub use sqlite::SqliteBackend;
pub use unit::{Committed, Compose, Entry, EntryGroup, Unit};
