//! `AUDIT_MODE=async`: reads are answered a moment before their audit entries are durable.
//!
//! The moment is short: if the log has not taken what was handed to it for longer, reads wait for it again as in the
//! strict mode, and fail where it cannot be written. What waits when the process is killed is lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use scaivault_eventstore::log::Entry;
use tokio::sync::{mpsc, watch};

use crate::{Engine, Failure};

/// Entries that may wait.
const WAITING: usize = 10_000;
/// Entries of one commit.
const TOGETHER: usize = 1_000;
/// How long an answer may be ahead of its entry, with something to spare for the commit itself.
const AHEAD: Duration = Duration::from_millis(500);
/// Attempts at the end of the process, which must not wait for ever.
const LAST_ATTEMPTS: u32 = 25;
/// Between attempts while the log cannot be written.
const PAUSE: Duration = Duration::from_millis(200);

/// Takes entries that are made durable later.
pub(crate) struct Deferral {
    queue: mpsc::Sender<Entry>,
    /// Since when the entries at hand are being recorded.
    busy_since: Arc<Mutex<Option<Instant>>>,
}

/// Records what was taken.
pub struct Recorder {
    queue: mpsc::Receiver<Entry>,
    busy_since: Arc<Mutex<Option<Instant>>>,
}

/// Both ends.
pub(crate) fn pair() -> (Deferral, Recorder) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let busy_since = Arc::<Mutex<Option<Instant>>>::default();
    (Deferral { queue: sender, busy_since: busy_since.clone() }, Recorder { queue: receiver, busy_since })
}

impl Deferral {
    /// Takes all entries, or gives them back: the log is too slow.
    pub(crate) fn take(&self, entries: Vec<Entry>) -> Result<(), Vec<Entry>> {
        let is_late = self.busy_since.lock().is_some_and(|since| since.elapsed() >= AHEAD);
        match self.queue.try_reserve_many(entries.len()) {
            Ok(places) if !is_late => {
                places.zip(entries).for_each(|(place, entry)| place.send(entry));
                Ok(())
            }
            Ok(_) | Err(_) => Err(entries),
        }
    }
}

impl Recorder {
    /// Records until `stopped` says so and nothing waits any more. An entry whose commit broke off with an unknown
    /// outcome is not recorded again: none is there twice.
    pub async fn run(mut self, engine: Arc<Engine>, mut stopped: watch::Receiver<bool>) {
        let mut entries = Vec::with_capacity(TOGETHER);
        loop {
            tokio::select! {
                biased;
                count = self.queue.recv_many(&mut entries, TOGETHER) => if count == 0 { return },
                _ = async { stopped.wait_for(|stopped| *stopped).await.is_ok() } => {
                    // From here on who reads waits; what is here still gets its record.
                    self.queue.close();
                    continue;
                }
            }
            *self.busy_since.lock() = Some(Instant::now());
            let mut attempts = 0;
            while let Err(failure) = engine.record(entries.clone()).await {
                attempts += 1;
                tell(&failure, entries.len());
                if matches!(failure, Failure::Undecided) || (*stopped.borrow() && attempts >= LAST_ATTEMPTS) {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
            entries.clear();
            *self.busy_since.lock() = None;
        }
    }
}

fn tell(failure: &Failure, count: usize) {
    let error = failure as &dyn std::error::Error;
    tracing::error!(target: "audit", error, count, "entries of answered reads are not durable yet");
}
