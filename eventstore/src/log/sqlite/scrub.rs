//! Clears destroyed keys out of the write-ahead log, where they would otherwise stay readable until
//! it is written over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sqlx::Row as _;
use sqlx::sqlite::SqlitePool;
use tokio::time::timeout;

/// How long emptying may hold up a commit.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between attempts, so that long reads do not hold up every commit.
const PAUSE: Duration = Duration::from_secs(5);

/// Empties the write-ahead log after keys were destroyed, and goes on trying until it could.
#[derive(Clone)]
pub(super) struct Scrubber {
    pool: SqlitePool,
    /// Keys may still lie in the write-ahead log. True at first: an earlier process may have been
    /// killed before it could empty it.
    owed: Arc<AtomicBool>,
    /// When trying is worth while again after readers were in the way.
    not_before: Arc<Mutex<Option<Instant>>>,
}

impl Scrubber {
    pub(super) fn new(pool: SqlitePool) -> Self {
        Self { pool, owed: Arc::new(AtomicBool::new(true)), not_before: Arc::default() }
    }

    /// To be called after each commit; `shredded` says whether it destroyed keys.
    pub(super) async fn after_commit(&self, shredded: bool) {
        if shredded {
            self.owed.store(true, Ordering::Release);
        }
        let waits = self.not_before.lock().is_some_and(|moment| Instant::now() < moment);
        if !self.owed.load(Ordering::Acquire) || (waits && !shredded) {
            return;
        }
        if self.empty().await {
            self.owed.store(false, Ordering::Release);
        } else {
            *self.not_before.lock() = Some(Instant::now() + PAUSE);
        }
    }

    /// Whether the write-ahead log is empty now. Readers may be in the way: that is a row, not an error.
    async fn empty(&self) -> bool {
        let emptied = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.pool);
        match timeout(PATIENCE, emptied).await {
            Ok(Ok(row)) => row.try_get::<i64, _>(0).is_ok_and(|busy| busy == 0),
            Ok(Err(error)) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "write-ahead log not emptied");
                false
            }
            Err(_) => false,
        }
    }
}
