//! Which process runs the schedulers: a lease in the database, judged by the database's clock.
//!
//! Not a lock of a session: a process that is cut off would keep that until its connection is found
//! dead. Two leaders for a moment do no harm, since what they append is judged like any other write.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::StoreError;
use crate::log::backend::Backend;

/// How long a lease lasts: a leader that vanished is replaced within this and one [`RENEW`].
const TTL_SECONDS: u32 = 6;
const TTL: Duration = Duration::from_secs(TTL_SECONDS as u64);
/// Between renewals, and between attempts of those who wait.
const RENEW: Duration = Duration::from_secs(2);
/// A leader stops this long before its lease ends: what it has begun must not outlast it.
const MARGIN: Duration = Duration::from_secs(1);
/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// This process's part in the leadership. Ends with [`Leadership::resign`].
pub struct Leadership {
    backend: Arc<dyn Backend>,
    holder: String,
    leading: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Leadership {
    /// Seeks it for `holder`, a name that no other process run has, and keeps it once it has it.
    pub fn seek(backend: Arc<dyn Backend>, holder: String) -> Arc<Self> {
        let leading = watch::Sender::new(false);
        let seeking = Seeking { backend: Arc::clone(&backend), holder: holder.clone(), leading: leading.clone() };
        #[allow(clippy::disallowed_methods, reason = "resign() ends it")]
        let task = tokio::spawn(seeking.run());
        Arc::new(Self { backend, holder, leading, task: Mutex::new(Some(task)) })
    }

    /// Whether this process leads, as it changes.
    pub fn leading(&self) -> watch::Receiver<bool> {
        self.leading.subscribe()
    }

    /// Stops leading and makes room for another at once. A database that is away forgets by itself.
    pub async fn resign(&self) {
        let Some(task) = self.task.lock().await.take() else { return };
        task.abort();
        let _ = task.await;
        self.leading.send_replace(false);
        if let Ok(Err(error)) | Err(error) =
            timeout(PATIENCE, self.backend.resign(&self.holder)).await.map_err(StoreError::unavailable)
        {
            tracing::debug!(error = &error as &dyn std::error::Error, "the leadership was not handed over");
        }
    }
}

struct Seeking {
    backend: Arc<dyn Backend>,
    holder: String,
    leading: watch::Sender<bool>,
}

impl Seeking {
    async fn run(self) {
        // When the lease that is held ends at the earliest, by this process's own clock.
        let mut until: Option<Instant> = None;
        loop {
            // The lease begins when the database has the request: counted from before it was sent.
            let asked = Instant::now();
            let patience = until.map_or(PATIENCE, |until| PATIENCE.min(until.saturating_duration_since(asked)));
            match timeout(patience, self.backend.lead(&self.holder, TTL_SECONDS)).await {
                Ok(Ok(true)) => {
                    until = asked.checked_add(TTL.saturating_sub(MARGIN));
                    self.tell(true);
                }
                Ok(Ok(false)) => {
                    until = None;
                    self.tell(false);
                }
                Ok(Err(error)) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "cannot ask for the leadership");
                }
                Err(_) => tracing::debug!("no answer about the leadership"),
            }
            let pause = match until {
                Some(until) => RENEW.min(until.saturating_duration_since(Instant::now())),
                None => RENEW,
            };
            sleep(pause).await;
            if until.is_some_and(|until| Instant::now() >= until) {
                until = None;
                self.tell(false);
            }
        }
    }

    fn tell(&self, leads: bool) {
        let changed = self.leading.send_if_modified(|leading| std::mem::replace(leading, leads) != leads);
        if changed {
            tracing::info!(leads, "leadership changed");
        }
    }
}
