//! Commits that fail, or seem to: a database that stands between the log and the real one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use scaivault_eventstore::log::{
    AppendTransaction, AppenderLimits, AtOnce, Backend, BackendKind, Expected, Head, SegmentStore, StoredKey, Witness,
};
use scaivault_eventstore::{CommandId, Owner, Position, Record, Revision, StoreError, StreamId};

use crate::fixture::{Node, access, all, follow, new_stream, record, unit};
use crate::store::Store;

const SOUND: u8 = 0;
/// Inserting fails.
const REFUSING: u8 = 1;
/// Committing works but says that it failed.
const SILENT: u8 = 2;
/// Committing records fails.
const LOSING: u8 = 3;
/// As SILENT, and from then on the database cannot be reached.
const VANISHING: u8 = 4;
const AWAY: u8 = 5;

pub(crate) struct Faulty {
    pub(crate) real: Arc<dyn Backend>,
    mode: Arc<AtomicU8>,
    /// Pages that were read.
    pub(crate) reads: Arc<AtomicU64>,
    /// Writes to the tree before it cannot be reached.
    pub(crate) tree_writes: AtomicU64,
}

impl Faulty {
    /// Sound but for the tree, which takes so many writes.
    pub(crate) fn dying(real: Arc<dyn Backend>, tree_writes: u64) -> Self {
        Self { real, mode: Arc::default(), reads: Arc::default(), tree_writes: AtomicU64::new(tree_writes) }
    }
}

struct FaultyAppend {
    real: Box<dyn AppendTransaction>,
    has_records: bool,
    mode: Arc<AtomicU8>,
}

pub(crate) fn away<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable(None))
}

#[async_trait]
impl Backend for Faulty {
    fn kind(&self) -> BackendKind {
        self.real.kind()
    }
    async fn migrate(&self) -> Result<(), StoreError> {
        self.real.migrate().await
    }
    async fn begin(&self) -> Result<Box<dyn AppendTransaction>, StoreError> {
        if self.mode.load(Ordering::SeqCst) == AWAY {
            return away();
        }
        let real = self.real.begin().await?;
        Ok(Box::new(FaultyAppend { real, has_records: false, mode: Arc::clone(&self.mode) }))
    }
    async fn append_at_once(
        &self,
        expected: Expected<'_>,
        records: &[Record],
        shred: &[Position],
    ) -> Result<AtOnce, StoreError> {
        let mode = self.mode.load(Ordering::SeqCst);
        match mode {
            REFUSING | AWAY => away(),
            LOSING => Ok(AtOnce::Unknown(StoreError::Unavailable(None))),
            SILENT | VANISHING => {
                self.real.append_at_once(expected, records, shred).await?;
                if mode == VANISHING {
                    self.mode.store(AWAY, Ordering::SeqCst);
                }
                Ok(AtOnce::Unknown(StoreError::Unavailable(None)))
            }
            _ => self.real.append_at_once(expected, records, shred).await,
        }
    }
    async fn head(&self) -> Result<Head, StoreError> {
        self.real.head().await
    }
    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.real.read(after, limit).await
    }
    async fn witnesses(&self, first: Position, last: Position) -> Result<Vec<Witness>, StoreError> {
        self.real.witnesses(first, last).await
    }
    async fn read_at(&self, position: Position) -> Result<Option<Record>, StoreError> {
        self.real.read_at(position).await
    }
    async fn read_stream(&self, stream: StreamId, after: Revision, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.real.read_stream(stream, after, limit).await
    }
    async fn read_stream_back(
        &self,
        stream: StreamId,
        before: Option<Revision>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        self.real.read_stream_back(stream, before, limit).await
    }
    async fn find_command(&self, id: CommandId) -> Result<Option<Position>, StoreError> {
        self.real.find_command(id).await
    }
    async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        self.real.keys().await
    }
    async fn add_keys(&self, keys: &[StoredKey]) -> Result<bool, StoreError> {
        self.real.add_keys(keys).await
    }

    async fn destroy_keys(&self, level: &str, owner: &str) -> Result<(), StoreError> {
        self.real.destroy_keys(level, owner).await
    }
    fn segments(&self) -> Arc<dyn SegmentStore> {
        self.real.segments()
    }
    fn pool(&self) -> (u32, u32) {
        self.real.pool()
    }
    async fn close(&self) {
        self.real.close().await;
    }
}

#[async_trait]
impl AppendTransaction for FaultyAppend {
    fn head(&self) -> Head {
        self.real.head()
    }
    async fn revisions(&mut self, streams: &[StreamId]) -> Result<HashMap<StreamId, Revision>, StoreError> {
        self.real.revisions(streams).await
    }
    async fn commands(&mut self, ids: &[CommandId]) -> Result<HashMap<CommandId, Position>, StoreError> {
        self.real.commands(ids).await
    }
    async fn leaf_at(&mut self, position: Position) -> Result<Option<[u8; 32]>, StoreError> {
        self.real.leaf_at(position).await
    }
    async fn insert(&mut self, records: &[Record]) -> Result<(), StoreError> {
        if self.mode.load(Ordering::SeqCst) == REFUSING {
            return away();
        }
        self.has_records = true;
        self.real.insert(records).await
    }
    async fn shred(&mut self, positions: &[Position]) -> Result<(), StoreError> {
        self.real.shred(positions).await
    }
    async fn fence(&mut self) -> Result<(), StoreError> {
        self.real.fence().await
    }
    async fn touch(&mut self) -> Result<(), StoreError> {
        self.real.touch().await
    }
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        match self.mode.load(Ordering::SeqCst) {
            SILENT => {
                self.real.commit().await?;
                away()
            }
            VANISHING => {
                self.real.commit().await?;
                self.mode.store(AWAY, Ordering::SeqCst);
                away()
            }
            LOSING if self.has_records => away(),
            _ => self.real.commit().await,
        }
    }
}

async fn faulty(store: &Store) -> (Node, Arc<AtomicU8>) {
    let mode = Arc::new(AtomicU8::new(SOUND));
    let backend = Arc::new(Faulty {
        real: store.open().await,
        mode: Arc::clone(&mode),
        reads: Arc::default(),
        tree_writes: AtomicU64::default(),
    });
    let limits = AppenderLimits { resolve: Duration::from_millis(150), ..AppenderLimits::default() };
    (Node::start(backend, limits).await, mode)
}

fn unavailable<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
}

fn undecided<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Undecided)), "{answer:?}");
}

pub(crate) async fn a_reader_at_the_end_reads_no_more(store: Store) {
    let reads = Arc::<AtomicU64>::default();
    let backend = Faulty {
        real: store.open().await,
        mode: Arc::default(),
        reads: Arc::clone(&reads),
        tree_writes: AtomicU64::default(),
    };
    let node = Node::start(Arc::new(backend), AppenderLimits::default()).await;
    node.fill(3).await;
    for start in [Position::START, Position(3)] {
        let mut reader = node.feed.reader(start);
        while reader.position() <= Position(3) {
            reader.next().await.unwrap();
        }
        reads.store(0, Ordering::SeqCst);
        assert!(tokio::time::timeout(Duration::from_millis(300), reader.next()).await.is_err());
        assert!(reads.load(Ordering::SeqCst) <= 1, "it looks again and again");
    }
}

pub(crate) async fn a_failed_append_gives_back_its_revisions(store: Store) {
    let (node, mode) = faulty(&store).await;
    let owner = Owner::Platform;
    node.append(access(&owner, "1")).await.unwrap();
    mode.store(REFUSING, Ordering::SeqCst);
    unavailable(node.append(access(&owner, "2")).await);
    assert_eq!(node.composer.abandoned(), 1);
    assert_eq!(node.appender.health().last_error, Some("unavailable"));
    mode.store(SOUND, Ordering::SeqCst);
    assert_eq!(node.append(access(&owner, "3")).await.unwrap().first, Position(2));
    assert_eq!(node.appender.health().last_error, None);
    assert_eq!(all(&*node.backend).await[1].revision, Revision(2));
}

pub(crate) async fn a_commit_that_arrived_is_found(store: Store) {
    let (node, mode) = faulty(&store).await;
    mode.store(SILENT, Ordering::SeqCst);
    let stream = new_stream();
    for revision in 1..=3 {
        let mut unit = unit(vec![record(stream, revision)]);
        unit.entries = access(&Owner::Platform, "x").entries;
        let committed = node.append(unit).await.unwrap();
        assert_eq!(committed.last, Position(revision * 2));
    }
    assert_eq!(node.composer.abandoned(), 0);
    assert_eq!(follow(node.feed.reader(Position::START), Position(6)).await, all(&*node.backend).await);
}

pub(crate) async fn a_commit_that_did_not_arrive_is_abandoned(store: Store) {
    let (node, mode) = faulty(&store).await;
    mode.store(LOSING, Ordering::SeqCst);
    unavailable(node.append(access(&Owner::Platform, "x")).await);
    unavailable(node.append(unit(vec![record(new_stream(), 1)])).await);
    assert_eq!(node.composer.abandoned(), 1);
    assert_eq!(node.feed.committed(), Position::START);
    mode.store(SOUND, Ordering::SeqCst);
    assert_eq!(node.append(access(&Owner::Platform, "y")).await.unwrap().first, Position(1));
}

pub(crate) async fn an_outcome_found_late_is_still_fed(store: Store) {
    let (node, mode) = faulty(&store).await;
    let mut reader = node.feed.reader(Position::START);
    mode.store(VANISHING, Ordering::SeqCst);
    undecided(node.append(access(&Owner::Platform, "x")).await);
    assert!(node.appender.health().resolving);
    // Until it is known, nothing else goes in, and nobody waits for long.
    unavailable(node.append(access(&Owner::Platform, "y")).await);
    mode.store(SOUND, Ordering::SeqCst);
    assert_eq!(reader.next().await.unwrap().last(), Some(Position(1)));
    let third = loop {
        match node.append(access(&Owner::Platform, "z")).await {
            Ok(committed) => break committed,
            Err(error) => unavailable::<()>(Err(error)),
        }
    };
    assert_eq!(third.first, Position(2));
    assert_eq!(node.composer.abandoned(), 0);
    assert_eq!(all(&*node.backend).await[1].revision, Revision(2));
}
