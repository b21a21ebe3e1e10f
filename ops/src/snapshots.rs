//! When snapshots are read and written: at the start, now and then, and at the end.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scaivault_eventstore::Position;
use scaivault_eventstore::log::Backend;
use scaivault_eventstore::sealing::Sealer;
use scaivault_projections::snapshot::{Candidate, SnapshotError, Snapshots};
use scaivault_projections::{Frozen, Projections};
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

/// Directory of the snapshots, in the data directory.
const DIRECTORY: &str = "snapshots";
/// Between looks at whether one is due.
const TICK: Duration = Duration::from_secs(5);
/// Between two, at least.
const PAUSE: Duration = Duration::from_secs(60);
/// And at least so many times as long as the last one took.
const SHARE: u32 = 30;
/// Records since the last one that make one worth its while: while running, and at the end.
const WORTH_RUNNING: u64 = 10_000;
const WORTH_ENDING: u64 = 1_000;

/// Longest wait for a moment at which everything is as of one position.
const FREEZING: Duration = Duration::from_secs(5);

/// Keeps the snapshots of one node.
pub(crate) struct Keeper {
    snapshots: Snapshots,
    last: Mutex<Last>,
}

/// The last snapshot.
struct Last {
    position: Position,
    written_at: Instant,
    took: Duration,
    /// Tenants that were gone by then.
    shredded: usize,
}

impl Keeper {
    /// In the data directory.
    pub(crate) fn new(data_directory: &Path, sealer: Sealer) -> Self {
        let last = Last { position: Position::START, written_at: Instant::now(), took: Duration::ZERO, shredded: 0 };
        Self { snapshots: Snapshots::new(data_directory.join(DIRECTORY), sealer), last: Mutex::new(last) }
    }

    /// Those that there are, to be read.
    pub(crate) fn snapshots(&self) -> Snapshots {
        self.snapshots.clone()
    }

    /// The newest one that is of this log and sound; the beginning if there is none.
    pub(crate) async fn resume(&self, backend: &dyn Backend) -> Frozen {
        for candidate in self.snapshots.candidates() {
            let position = candidate.position;
            match self.read(candidate, backend).await {
                Ok(Some(frozen)) => {
                    let mut last = self.last.lock().await;
                    (last.position, last.shredded) = (position, frozen.view.installation.shredded_count());
                    return frozen;
                }
                Ok(None) => tracing::warn!(target: "start", position = position.0, "a snapshot is not of this log"),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(target: "start", position = position.0, error, "a snapshot cannot be used");
                }
            }
        }
        Frozen::default()
    }

    async fn read(&self, candidate: Candidate, backend: &dyn Backend) -> Result<Option<Frozen>, SnapshotError> {
        let started = Instant::now();
        let position = candidate.position;
        // A snapshot of nothing fits every log; one of a longer log than this is of another.
        if position == Position::START || backend.head().await?.position < position {
            return Ok(None);
        }
        let record = backend.read_at(position).await?;
        if record.is_none_or(|record| record.leaf_hash != candidate.leaf) {
            return Ok(None);
        }
        let snapshots = self.snapshots.clone();
        let read = tokio::task::spawn_blocking(move || snapshots.read(&candidate)).await;
        let frozen = read.map_err(std::io::Error::other)??;
        tracing::info!(target: "start", position = position.0, duration_ms = milliseconds(started), "snapshot read");
        Ok(Some(frozen))
    }

    /// Writes one whenever it is due, until `stop` says so.
    pub(crate) async fn keep(&self, projections: Arc<Projections>, stop: watch::Receiver<bool>) {
        let mut stopped = stop;
        loop {
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                _ = stopped.wait_for(|stop| *stop) => return,
            }
            self.forget_gone(&projections).await;
            let due = {
                let last = self.last.lock().await;
                last.written_at.elapsed() >= PAUSE.max(last.took * SHARE)
            };
            if due {
                self.write(&projections, WORTH_RUNNING).await;
            }
        }
    }

    /// Removes what holds a tenant that is gone by now, if under its key alone; the next one is without it.
    async fn forget_gone(&self, projections: &Projections) {
        let shredded = projections.view().installation.shredded_count();
        let mut last = self.last.lock().await;
        if shredded > last.shredded {
            let snapshots = self.snapshots.clone();
            // What cannot be removed now is replaced by the next ones.
            let _ = tokio::task::spawn_blocking(move || snapshots.clear()).await;
            (last.position, last.shredded) = (Position::START, shredded);
        }
    }

    /// Writes one at the end of the process.
    pub(crate) async fn finish(&self, projections: &Projections) {
        self.forget_gone(projections).await;
        self.write(projections, WORTH_ENDING).await;
    }

    /// Writes one if so many records have come since the last.
    async fn write(&self, projections: &Projections, worth: u64) {
        let mut last = self.last.lock().await;
        if projections.applied().0.saturating_sub(last.position.0) < worth {
            return;
        }
        let started = Instant::now();
        // Far behind, or in trouble: not worth waiting for.
        let Ok(frozen) = timeout(FREEZING, projections.freeze()).await else { return };
        let snapshots = self.snapshots.clone();
        let written = tokio::task::spawn_blocking(move || snapshots.write(&frozen)).await;
        (last.written_at, last.took) = (Instant::now(), started.elapsed());
        match written.map_err(std::io::Error::other).map_err(SnapshotError::from).flatten() {
            Ok(position) => {
                last.position = position;
                let duration_ms = milliseconds(started);
                tracing::info!(target: "snapshot", position = position.0, duration_ms, "snapshot written");
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(target: "snapshot", error, "no snapshot could be written; the next start folds more");
            }
        }
    }
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
