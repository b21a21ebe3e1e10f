//! The event log: ordered, gapless, sealed, append-only.
//!
//! Knows positions, streams, revisions, keys and databases. Does not know what an event means:
//! bodies are opaque bytes and types are opaque names.

pub mod error;
pub mod log;
pub mod merkle;
pub mod owner;
pub mod record;
pub mod sealing;
pub mod tree;

pub use error::StoreError;
pub use owner::Owner;
pub use record::{CommandId, Position, Record, RecordedAt, Revision, StreamId};
