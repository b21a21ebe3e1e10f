//! The ordered in-process feed: what this process committed, in order, to those who fold it.
//!
//! Readers see every position once, in order, without holes. The feed only makes that quick: what
//! it does not hold (the past, what a slow reader missed, what other processes wrote) is read from
//! the log.

mod poll;
mod reader;

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, broadcast, watch};

pub use reader::FeedReader;

use crate::log::backend::{Backend, BackendKind};
use crate::log::unit::EntryGroup;
use crate::record::Record;
use crate::{Position, StoreError};

/// Batches kept for readers that are behind; who is further behind reads the log.
const KEPT_BATCHES: usize = 256;

/// How records came into the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Committed by this process.
    Own,
    /// Committed by another process and received from it.
    Bus,
    /// Read from the log.
    Log,
}

/// Consecutive records in position order; never empty when it comes from a reader.
#[derive(Clone, Debug)]
pub struct Batch {
    records: Arc<[Record]>,
    skip: usize,
    since: Instant,
    /// What the records from `composed_from` on hold, if this process composed them.
    composed: Arc<[EntryGroup]>,
    composed_from: usize,
    origin: Origin,
}

impl Batch {
    /// Wraps records, which are in position order without holes.
    pub fn new(records: impl Into<Arc<[Record]>>) -> Self {
        Self::composed(records.into(), 0, Vec::new())
    }

    /// The same, when what the records from index `from` on hold is at hand.
    pub(super) fn composed(records: Arc<[Record]>, from: usize, groups: Vec<EntryGroup>) -> Self {
        let composed = groups.into();
        Self { records, skip: 0, since: Instant::now(), composed, composed_from: from, origin: Origin::Own }
    }

    /// Records that another process committed `age` ago, and that the log has confirmed.
    pub(super) fn received(records: impl Into<Arc<[Record]>>, age: Duration) -> Self {
        let now = Instant::now();
        Self { since: now.checked_sub(age).unwrap_or(now), origin: Origin::Bus, ..Self::new(records) }
    }

    /// Records read from the log.
    fn read(records: impl Into<Arc<[Record]>>) -> Self {
        Self { origin: Origin::Log, ..Self::new(records) }
    }

    /// How they came here.
    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    /// Whether it was read from the log, rather than committed or received just now.
    pub fn is_read(&self) -> bool {
        self.origin == Origin::Log
    }

    /// Whether it came by the bus.
    pub fn is_received(&self) -> bool {
        self.origin == Origin::Bus
    }

    /// The audit entries in the record at `index` of [`Self::records`], if they are at hand.
    pub fn entries(&self, index: usize) -> Option<&EntryGroup> {
        self.composed.get((self.skip + index).checked_sub(self.composed_from)?)
    }

    /// The last record that is more than audit entries, as far as is known without opening any.
    fn last_change(&self) -> Option<Position> {
        let own = self.records.len() - self.composed.len();
        self.records.get(..own)?.last().map(|record| record.position)
    }

    /// The records.
    pub fn records(&self) -> &[Record] {
        self.records.get(self.skip..).unwrap_or_default()
    }

    /// How long ago it was committed, or read from the log.
    pub fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Position of the first record.
    pub fn first(&self) -> Option<Position> {
        self.records().first().map(|record| record.position)
    }

    /// Position of the last record.
    pub fn last(&self) -> Option<Position> {
        self.records().last().map(|record| record.position)
    }

    /// Without what comes before `position`.
    pub(super) fn starting_at(mut self, position: Position) -> Self {
        self.skip += self.records().partition_point(|record| record.position < position);
        self
    }
}

impl Deref for Batch {
    type Target = [Record];

    fn deref(&self) -> &[Record] {
        self.records()
    }
}

/// Distributes committed batches inside this process.
pub struct Feed {
    backend: Arc<dyn Backend>,
    batches: broadcast::Sender<Batch>,
    /// How far the log is known to reach, by whomever it was written.
    reach: watch::Sender<Position>,
    committed: AtomicU64,
    /// The same, of records that are more than audit entries, committed by this process.
    changed: AtomicU64,
    /// How far readers have been told of, by a batch or by `reach`.
    told: AtomicU64,
    /// Asks for a look at the end of the log now.
    looks: Notify,
    /// Other processes' writes come by the bus: the log is polled only to catch what gets lost.
    fed: AtomicBool,
}

impl Feed {
    /// A feed over `backend`, which is migrated. Where other processes may write too, it is polled.
    pub async fn open(backend: Arc<dyn Backend>) -> Result<Arc<Self>, StoreError> {
        let head = backend.head().await?;
        let shared = backend.kind() == BackendKind::Postgres;
        let feed = Arc::new(Self {
            backend,
            batches: broadcast::Sender::new(KEPT_BATCHES),
            reach: watch::Sender::new(head.position),
            committed: AtomicU64::new(head.position.0),
            changed: AtomicU64::new(head.position.0),
            told: AtomicU64::new(head.position.0),
            looks: Notify::new(),
            fed: AtomicBool::new(false),
        });
        if shared {
            poll::spawn(&feed);
        }
        Ok(feed)
    }

    /// The highest position this process knows to be committed. Whoever has folded up to it has
    /// seen every write that was answered here.
    pub fn committed(&self) -> Position {
        Position(self.committed.load(Ordering::Acquire))
    }

    /// The last change this process has committed. Audit entries, which every read adds, are left
    /// out: who asks for a value need not wait for the entries of others.
    pub fn changed(&self) -> Position {
        Position(self.changed.load(Ordering::Acquire))
    }

    /// Starts reading after `after`.
    pub fn reader(self: &Arc<Self>, after: Position) -> FeedReader {
        FeedReader::new(Arc::clone(self), after)
    }

    /// Tells readers that the log reaches `position`: they read what they have not got from it.
    /// For whoever learns of the writes of other processes, by polling or by a message.
    pub fn reaches(&self, position: Position) {
        self.knows(position);
        self.told.fetch_max(position.0, Ordering::AcqRel);
        self.reach.send_if_modified(|reach| {
            let further = position > *reach;
            if further {
                *reach = position;
            }
            further
        });
    }

    /// Has the end of the log looked at now, where other processes may have written: somebody says
    /// that there is more. However many ask, one looks.
    pub fn look(&self) {
        self.looks.notify_one();
    }

    /// Whether other processes' writes come by the bus.
    pub(super) fn set_fed(&self, fed: bool) {
        self.fed.store(fed, Ordering::Release);
    }

    /// How far readers have been told of. What comes by the bus and is not after it is known.
    pub(super) fn told(&self) -> Position {
        Position(self.told.load(Ordering::Acquire))
    }

    /// Hands on what this process has committed, or received. Never waits for readers.
    pub(super) fn publish(&self, batch: Batch) {
        // Whoever asks here is promised what was answered here.
        let change = batch.last_change().filter(|_| batch.origin() == Origin::Own);
        if let Some(change) = change {
            self.changed.fetch_max(change.0, Ordering::AcqRel);
        }
        if let Some(last) = batch.last() {
            self.knows(last);
            self.told.fetch_max(last.0, Ordering::AcqRel);
            // Fails when nobody reads, which is fine.
            let _ = self.batches.send(batch);
        }
    }

    fn knows(&self, committed: Position) {
        self.committed.fetch_max(committed.0, Ordering::AcqRel);
    }
}
