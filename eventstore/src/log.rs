//! The log: a queue in front, one appender that commits groups, a database behind, a feed after.

pub mod appender;
pub mod backend;
pub mod bus;
pub mod feed;
pub mod leadership;
pub mod postgres;
mod row;
mod schema;
pub mod segments;
pub mod sqlite;
mod tree_row;
pub mod tree_store;
pub mod unit;
mod verdict;

pub use appender::{Appender, AppenderHealth, AppenderLimits, Clock};
pub use backend::{AppendTransaction, AtOnce, Backend, BackendKind, Expected, Head, StoredKey, Witness};
pub use bus::{Bus, BusHealth, BusOptions};
pub use feed::{Batch, Feed, FeedReader};
pub use leadership::Leadership;
pub use postgres::PostgresBackend;
pub use segments::{Generation, Segment, SegmentHeader, SegmentRange, SegmentStore};
pub use sqlite::SqliteBackend;
pub use tree_store::{KeptCheckpoint, LeafRow, TreeStore};
pub use unit::{Committed, Compose, Entry, EntryGroup, Unit};
