//! The one way into the log: a bounded queue and the task that commits groups of it.
//!
//! No timer: while one group is being committed the next one gathers. Alone, a unit is committed
//! at once; under load many share one commit.

mod group;
mod health;
mod resolve;
mod task;

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use health::AppenderHealth;

use crate::log::backend::Backend;
use crate::log::feed::Feed;
use crate::log::unit::{Committed, Compose, Unit};
use crate::{RecordedAt, StoreError};
use health::Health;

/// How long [`Appender::ping`] waits.
const PING: Duration = Duration::from_secs(2);

/// Tells the time of commits. It may go backwards; the log does not.
pub type Clock = Arc<dyn Fn() -> RecordedAt + Send + Sync>;

/// Bounds of the queue and of one commit.
#[derive(Clone, Copy, Debug)]
pub struct AppenderLimits {
    /// Units that wait; one more is refused.
    pub queue: usize,
    /// Bytes of the units that wait; what does not fit is refused.
    pub queue_bytes: usize,
    /// Units in one commit.
    pub batch_units: usize,
    /// Bytes in one commit; a single larger unit goes alone.
    pub batch_bytes: usize,
    /// How long waiters are kept while the outcome of their commit is unknown.
    pub resolve: Duration,
}

impl Default for AppenderLimits {
    fn default() -> Self {
        Self {
            queue: 8192,
            queue_bytes: 256 * 1024 * 1024,
            batch_units: 2048,
            batch_bytes: 8 * 1024 * 1024,
            resolve: Duration::from_secs(10),
        }
    }
}

/// A unit and who waits for it.
struct Job {
    unit: Unit,
    answer: oneshot::Sender<Result<Committed, StoreError>>,
    /// Held while it waits.
    _room: OwnedSemaphorePermit,
}

/// Handle to the appender; clones share the queue. The task ends when all handles are gone, or
/// after [`Appender::close`].
#[derive(Clone)]
pub struct Appender {
    shared: Arc<Shared>,
}

struct Shared {
    /// Gone once closed: the task ends when it has drained the rest.
    queue: RwLock<Option<mpsc::Sender<Job>>>,
    task: Mutex<Option<JoinHandle<()>>>,
    backend: Arc<dyn Backend>,
    health: Arc<Health>,
    room: Arc<Semaphore>,
    took: metrics::Histogram,
}

impl Appender {
    /// Starts the task that appends to `backend`, which is migrated, and feeds `feed`.
    pub fn start(
        backend: Arc<dyn Backend>,
        feed: Arc<Feed>,
        composer: Arc<dyn Compose>,
        clock: Clock,
        limits: AppenderLimits,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(limits.queue.max(1));
        let room = Arc::new(Semaphore::new(limits.queue_bytes / 1024));
        let health = Arc::new(Health::default());
        let writer =
            group::Writer { backend: Arc::clone(&backend), composer, clock, guess: parking_lot::Mutex::default() };
        let task = task::Task { writer, feed, health: Arc::clone(&health), limits };
        #[allow(clippy::disallowed_methods, reason = "close() ends and awaits it")]
        let task = tokio::spawn(task.run(receiver));
        let took = metrics::histogram!("scaivault_log_append_seconds");
        let shared =
            Shared { queue: RwLock::new(Some(sender)), task: Mutex::new(Some(task)), backend, health, room, took };
        Self { shared: Arc::new(shared) }
    }

    /// Appends `unit` and returns when it is durable and in the feed.
    ///
    /// Once called, the unit goes its way even if the future is dropped. A full or closed queue is
    /// [`StoreError::Unavailable`] at once; so is, later, a database that failed. Only
    /// [`StoreError::Duplicate`] on a second call with the same command tells that a unit whose
    /// answer was lost is in the log after all.
    pub async fn append(&self, unit: Unit) -> Result<Committed, StoreError> {
        let start = Instant::now();
        let kilobytes = u32::try_from(task::weight(&unit) / 1024).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.shared.room).try_acquire_many_owned(kilobytes);
        let room = room.map_err(|_| StoreError::Unavailable(None))?;
        let (answer, answered) = oneshot::channel();
        {
            let queue = self.shared.queue.read();
            let Some(queue) = queue.as_ref() else { return Err(StoreError::Unavailable(None)) };
            queue.try_send(Job { unit, answer, _room: room }).map_err(|_| StoreError::Unavailable(None))?;
        }
        let outcome = answered.await.map_err(StoreError::unavailable)?;
        self.shared.took.record(start.elapsed());
        outcome
    }

    /// How appending goes.
    pub fn health(&self) -> AppenderHealth {
        let running = self.shared.queue.read().as_ref().is_some_and(|queue| !queue.is_closed());
        self.shared.health.report(running)
    }

    /// Whether the database stores something now: a commit that changes nothing, within two seconds.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let backend = Arc::clone(&self.shared.backend);
        // A task of its own, so that a late answer finds somebody who rolls back.
        #[allow(clippy::disallowed_methods, reason = "ends with the database's own deadline")]
        let touched = tokio::spawn(async move {
            let mut tx = backend.begin().await?;
            tx.touch().await?;
            tx.commit().await
        });
        let touched = timeout(PING, touched).await.map_err(StoreError::unavailable)?;
        touched.map_err(StoreError::unavailable)?
    }

    /// Takes no more units, commits those that wait, ends the task.
    pub async fn close(&self) {
        self.shared.queue.write().take();
        // Under the lock, so that a second caller waits as well.
        let mut task = self.shared.task.lock().await;
        if let Some(task) = task.take() {
            // A task that panicked has ended too.
            let _ = task.await;
        }
    }
}
