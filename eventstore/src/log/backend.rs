//! What the log needs of a database. Two real ones stand behind it: SQLite and Postgres.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::log::segments::SegmentStore;
use crate::log::tree_store::TreeStore;
use crate::record::{Record, WrappedDataKey};
use crate::{CommandId, Position, RecordedAt, Revision, StoreError, StreamId};

/// Which database holds the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendKind {
    /// SQLite in memory, gone with the process.
    Memory,
    /// SQLite in a directory.
    Sqlite,
    /// PostgreSQL 14 or later.
    Postgres,
}

impl BackendKind {
    /// As in health answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// The end of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Position of the last record, 0 when empty.
    pub position: Position,
    /// Time of the last record.
    pub recorded_at: RecordedAt,
}

/// A wrapped key of the hierarchy. Stored beside the log, so that destroying it is possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Random 16 bytes, unique in the installation.
    pub id: [u8; 16],
    /// `root_check`, `platform`, `partner`, `tenant`.
    pub level: String,
    /// Owner id; for `root_check` the provider.
    pub owner: String,
    /// What it is for: `seal`, `index`, `audit_signing`, `check`.
    pub purpose: String,
    /// 1, 2, 3 … per level, owner and purpose.
    pub version: u32,
    /// The key that wraps it; `None` for the root key.
    pub wrapped_by: Option<[u8; 16]>,
    /// Wrapped key bytes; none once the key is destroyed.
    pub wrapped: Vec<u8>,
    /// Microseconds since the Unix epoch.
    pub created_at: i64,
}

/// What an append takes for granted that is made without holding the head.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The end of the log.
    pub head: Head,
    /// Revisions of the streams concerned.
    pub revisions: &'a [(StreamId, Revision)],
    /// Commands that the log does not have.
    pub commands: &'a [CommandId],
}

/// What became of an append in one step.
#[derive(Debug)]
pub enum AtOnce {
    /// It is durable.
    Appended,
    /// The log is not as expected; nothing was written.
    Refused,
    /// It broke off: only the log can tell.
    Unknown(StoreError),
}

/// What the log says of a record without its body: enough to tell whether one that came by another
/// way is the one that was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Number in the log.
    pub position: Position,
    /// Leaf of the Merkle tree over the log, as stored.
    pub leaf_hash: [u8; 32],
    /// Set on the first record of each command.
    pub command_id: Option<CommandId>,
    /// Key of its erasable part; `None` if it has none, or it was destroyed.
    pub data_key: Option<WrappedDataKey>,
}

/// A database that holds a log. Reading never blocks appending.
#[async_trait]
pub trait Backend: TreeStore + 'static {
    /// Which one.
    fn kind(&self) -> BackendKind;

    /// Applies migrations. On Postgres safe while older processes serve, and when several start at
    /// once; an embedded store belongs to one process at a time.
    async fn migrate(&self) -> Result<(), StoreError>;

    /// Starts an append. Waits for the head, which is held until the transaction ends.
    async fn begin(&self) -> Result<Box<dyn AppendTransaction>, StoreError>;

    /// Appends `records`, which are numbered from the expected head on and not none, and destroys the
    /// data keys at `shred`: in one step, where a database far away would make the several of
    /// [`Backend::begin`] expensive. An error means that nothing was written.
    async fn append_at_once(
        &self,
        expected: Expected<'_>,
        records: &[Record],
        shred: &[Position],
    ) -> Result<AtOnce, StoreError>;

    /// The end of the log.
    async fn head(&self) -> Result<Head, StoreError>;

    /// Records after `after`, in order, at most `limit`, each with its data key if that exists; fewer
    /// where they are large, but one at least.
    /// A hole is reported as [`StoreError::Damaged`] at the first missing position.
    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Record>, StoreError>;

    /// What confirms the records from `first` to `last`, in order; those that are not there are
    /// left out.
    async fn witnesses(&self, first: Position, last: Position) -> Result<Vec<Witness>, StoreError>;

    /// The record at `position`.
    async fn read_at(&self, position: Position) -> Result<Option<Record>, StoreError>;

    /// Records of one stream after revision `after`, in order, at most `limit`.
    async fn read_stream(&self, stream: StreamId, after: Revision, limit: usize) -> Result<Vec<Record>, StoreError>;

    /// Records of one stream before revision `before`, from its end on if that is `None`, newest first, at most `limit`.
    async fn read_stream_back(
        &self,
        stream: StreamId,
        before: Option<Revision>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError>;

    /// Position of the first record of a command, if it was committed.
    async fn find_command(&self, id: CommandId) -> Result<Option<Position>, StoreError>;

    /// All keys of the hierarchy.
    async fn keys(&self) -> Result<Vec<StoredKey>, StoreError>;

    /// Adds keys, all or none. Where a key with the same (level, owner, purpose, version)
    /// exists, returns `false` and changes nothing.
    async fn add_keys(&self, keys: &[StoredKey]) -> Result<bool, StoreError>;

    /// Destroys the keys of an owner for good: the rows stay, to say that they were, without what they held.
    async fn destroy_keys(&self, level: &str, owner: &str) -> Result<(), StoreError>;

    /// Makes `holder` the leader for `ttl_seconds` from now by the database's clock, if nobody else
    /// is; again by its present holder, it lasts that much longer. Whether `holder` is the leader.
    /// A log that belongs to one process has no other.
    async fn lead(&self, _holder: &str, _ttl_seconds: u32) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// Makes room for another leader, if `holder` is the present one.
    async fn resign(&self, _holder: &str) -> Result<(), StoreError> {
        Ok(())
    }

    /// Where pieces of a fold are kept beside the log.
    fn segments(&self) -> Arc<dyn SegmentStore>;

    /// Connections: (size, idle). (1, 1) where there is no pool.
    fn pool(&self) -> (u32, u32);

    /// Closes connections; later calls fail as unavailable.
    async fn close(&self);
}

/// An append under the head lock. Dropping it without [`AppendTransaction::commit`] rolls back.
#[async_trait]
pub trait AppendTransaction: Send {
    /// The locked end of the log.
    fn head(&self) -> Head;

    /// Present revisions of `streams`; a stream without records is absent from the answer.
    async fn revisions(&mut self, streams: &[StreamId]) -> Result<HashMap<StreamId, Revision>, StoreError>;

    /// Those of `ids` that the log has, with the position of their first record.
    async fn commands(&mut self, ids: &[CommandId]) -> Result<HashMap<CommandId, Position>, StoreError>;

    /// Leaf hash of the record at `position`. Under the head lock nobody can be about to write it,
    /// so this decides what became of an earlier append.
    async fn leaf_at(&mut self, position: Position) -> Result<Option<[u8; 32]>, StoreError>;

    /// Inserts records with their data keys, in one statement each where the database can, and
    /// moves the head to the last of them.
    async fn insert(&mut self, records: &[Record]) -> Result<(), StoreError>;

    /// Destroys the data keys of the records at `positions`.
    async fn shred(&mut self, positions: &[Position]) -> Result<(), StoreError>;

    /// Lets no append that was made for this head take place any more, from the commit on: one that
    /// was given up may still be on its way. Nothing to do where none can outlive the process's
    /// connection.
    async fn fence(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Writes something that changes nothing, to see whether the database stores at all.
    async fn touch(&mut self) -> Result<(), StoreError>;

    /// Makes it durable.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}
