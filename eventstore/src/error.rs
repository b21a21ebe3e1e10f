//! What can go wrong below the commands, by what the caller does about it.

use crate::{Position, Revision, StreamId};

/// Failure of the log, its keys or its database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another write came first: load again and decide again.
    #[error("stream is at another revision")]
    Conflict {
        /// The stream that moved.
        stream: StreamId,
        /// Where it is now.
        actual: Revision,
    },
    /// The log has this command already, at this position; its effect stands.
    #[error("command is in the log already")]
    Duplicate(Position),
    /// The queue is full, or the database cannot be reached or written: try later.
    #[error("log is not available")]
    Unavailable(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// The commit broke off and the database cannot be asked yet: it may stand or not.
    #[error("the outcome of the commit is not known")]
    Undecided,
    /// What is stored is not what was written. Never guessed around: stop and say where.
    #[error("log is damaged at position {position}: {reason}")]
    Damaged {
        /// First bad position, 0 if it is not known.
        position: Position,
        /// What does not hold.
        reason: String,
    },
    /// A key row is missing, altered, or sealed under another root key.
    #[error("key {key} does not open: {reason}")]
    Key {
        /// Level and owner, never key material.
        key: String,
        /// What does not hold.
        reason: String,
    },
    /// The root key is not in memory.
    #[error("sealed")]
    Sealed,
    /// The store or its root key is set up in a way that cannot work; the text says what to do.
    #[error("{0}")]
    Setup(String),
}

impl StoreError {
    /// Wraps what a database or an operating system said.
    pub fn unavailable(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Some(Box::new(source)))
    }

    /// A record that is not what was written.
    pub fn damaged(position: Position, reason: impl Into<String>) -> Self {
        Self::Damaged { position, reason: reason.into() }
    }
}
