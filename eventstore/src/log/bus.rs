//! What several processes on one log tell each other, over NATS JetStream.
//!
//! One stream per installation, in which a record's sequence is its position in the log: every
//! message is published on condition that the stream ends right before it. That is the order, the
//! idempotence and the fence at once, so any number of processes may publish beside each other.
//!
//! The bus is for speed, never for truth. Nothing that comes from it is folded unless the log
//! confirms it, and data keys never go there. Without it the log is polled.

mod connection;
mod error;
mod follower;
mod message;
mod relay;
mod session;
mod stream;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex as StateMutex;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::log::appender::Clock;
use crate::log::backend::Backend;
use crate::log::feed::Feed;
use crate::record::hex;
use crate::sealing::secret_key::random_bytes;

/// How long [`Bus::close`] waits for what was committed to be published.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where the bus is, and who we are on it.
#[derive(Clone)]
pub struct BusOptions {
    /// `nats://` or `tls://` URLs of the servers of one cluster. A name and a password, or a token,
    /// may stand before the host.
    pub urls: Vec<Zeroizing<String>>,
    /// File with a user's JWT and seed, read anew for each connection.
    pub credentials_file: Option<PathBuf>,
    /// Begins the names of the stream and of its subject.
    pub prefix: String,
    /// Names this process to the server.
    pub node_id: String,
    /// Names the installation: streams of others are neither read nor written.
    pub installation_id: [u8; 16],
}

impl fmt::Debug for BusOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URLs may hold passwords.
        f.debug_struct("BusOptions")
            .field("prefix", &self.prefix)
            .field("node_id", &self.node_id)
            .finish_non_exhaustive()
    }
}

/// How the bus is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusHealth {
    /// Why it cannot be used just now; `None` while all is well.
    pub fault: Option<String>,
    /// Of the last question to the server.
    pub latency: Duration,
}

/// Handle to this process's part in the exchange. Ends with [`Bus::close`].
pub struct Bus {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Bus {
    /// Starts to connect, publish and follow, for ever and in the background: a server that is away
    /// delays nothing. `clock` tells the time of the records.
    pub fn start(options: BusOptions, backend: Arc<dyn Backend>, feed: Arc<Feed>, clock: Clock) -> Self {
        let shared = Arc::new(Shared {
            source: format!("/scaivault/{}", hex(&options.installation_id)),
            options,
            backend,
            feed,
            clock,
            tail: watch::Sender::new(0),
            health: StateMutex::new(BusHealth { fault: Some("connecting".into()), latency: Duration::ZERO }),
        });
        let (stop, stopped) = watch::channel(false);
        #[allow(clippy::disallowed_methods, reason = "close() ends and awaits it")]
        let task = tokio::spawn(session::run(Arc::clone(&shared), stopped));
        Self { shared, stop, task: Mutex::new(Some(task)) }
    }

    /// How it is doing.
    pub fn health(&self) -> BusHealth {
        self.shared.health.lock().clone()
    }

    /// Waits a little until what was committed here is published, then ends.
    pub async fn close(&self) {
        let mut task = self.task.lock().await;
        let Some(running) = task.take() else { return };
        if self.health().fault.is_none() {
            let last = self.shared.feed.committed().0;
            let mut tail = self.shared.tail.subscribe();
            // What is left another process publishes, or this one when it is back.
            let _ = timeout(LAST_WORDS, tail.wait_for(|tail| *tail >= last)).await;
        }
        self.stop.send_replace(true);
        // A task that panicked has ended too.
        let _ = running.await;
    }
}

/// What the tasks of the bus have in common.
struct Shared {
    options: BusOptions,
    backend: Arc<dyn Backend>,
    feed: Arc<Feed>,
    clock: Clock,
    /// The last sequence the stream is known to have.
    tail: watch::Sender<u64>,
    health: StateMutex<BusHealth>,
    /// `ce-source` of all our messages: the installation.
    source: String,
}

impl Shared {
    /// Notes that the stream reaches `sequence`.
    fn reached(&self, sequence: u64) {
        self.tail.send_if_modified(|tail| {
            let further = sequence > *tail;
            if further {
                *tail = sequence;
            }
            further
        });
    }
}

/// Some part of `most`, so that processes do not all do the same at the same moment.
fn chance(most: Duration) -> Duration {
    // Without randomness all wait the same; what they do then is safe, if slower.
    let [byte] = random_bytes::<1>().unwrap_or_default();
    most * u32::from(byte) / 255
}
