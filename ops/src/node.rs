//! One node put together: database, keys, feed, appender, read models, commands.

use std::convert::Infallible;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::stat::{Mode, umask};
use scaivault_commands::deferral::Recorder;
use scaivault_commands::export::{Exporting, FileLimits};
use scaivault_commands::issuer::Trust;
use scaivault_commands::{AuditTree, Clock, Engine, Failure};
use scaivault_domain::address::AddressRules;
use scaivault_domain::{TenantId, Timestamp};
use scaivault_eventstore::log::{self, Appender, AppenderLimits, Backend, Feed, PostgresBackend, SqliteBackend};
use scaivault_eventstore::sealing::root::EphemeralRoot;
use scaivault_eventstore::sealing::{AccessComposer, FileRoot, Keyring, PassphraseRoot, RootKeyProvider, Sealer};
use scaivault_eventstore::tree::Notary;
use scaivault_eventstore::{RecordedAt, StoreError};
use scaivault_projections::audit::{AuditIndex, Sizes};
use scaivault_projections::history::History;
use scaivault_projections::owners::key_owner;
use scaivault_projections::{Frozen, Projections, ProjectorState, Reader};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::clock::ServerClock;
use crate::configuration::{Configuration, KeyProvider, ScaiKey, Storage};
use crate::objects::Objects;
use crate::outbound::{Courier, Outbound};
use crate::past;
use crate::snapshots::Keeper;

/// File of the embedded log, in the data directory.
const LOG_FILE: &str = "scaivault.db";
/// Held by the process that has the embedded log open.
const LOCK_FILE: &str = "scaivault.lock";
/// Longest replay at start; far beyond any real one.
const REPLAY_PATIENCE: Duration = Duration::from_secs(24 * 3_600);

/// How often a long replay says how far it has come.
const REPLAY_SHOWN: Duration = Duration::from_secs(2);
/// How often to look for the order behind keys that are gone, before that is damage.
const ERASURE_LOOKS: usize = 20;
/// And how long to wait each time.
const ERASURE_PAUSE: Duration = Duration::from_millis(200);

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The configuration does not fit the store.
    #[error("{0}")]
    Configuration(String),
    /// Store, keys or log.
    #[error("the store cannot be opened")]
    Store(#[from] StoreError),
    /// A command at start.
    #[error("start-up failed")]
    Command(#[from] Failure),
    /// Something else of this host, or the log itself; the text says what.
    #[error("{0}")]
    Host(String),
}

/// A running node, up to date with its log.
pub(crate) struct Node {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) appender: Appender,
    pub(crate) feed: Arc<Feed>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) reader: Reader,
    pub(crate) tree: Arc<AuditTree>,
    pub(crate) clock: Arc<ServerClock>,
    pub(crate) keeper: Option<Arc<Keeper>>,
    /// Records reads that were answered already, where that is so.
    pub(crate) recorder: Option<Recorder>,
    /// Looks at what a start from a snapshot has passed over.
    checking: JoinHandle<()>,
    _lock: Option<File>,
}

impl Node {
    /// Opens the store, makes its keys if it is empty, and folds the log from the last snapshot on.
    pub(crate) async fn open(configuration: &Configuration) -> Result<Self, StartError> {
        // Whatever this process makes from here on is for its owner alone, SQLite's files included.
        umask(Mode::from_bits_truncate(0o077));
        let clock = Arc::new(ServerClock::default());
        let lock = lock(configuration)?;
        let backend = open_backend(configuration).await?;
        backend.migrate().await?;
        let provider = provider(&configuration.key_provider)?;
        let opened = Keyring::open_or_create(backend.clone(), provider.as_ref(), clock.now().as_micros()).await;
        let keyring = Arc::new(opened.map_err(key_error)?);
        let sealer = Sealer::new(keyring.clone());
        let feed = Feed::open(backend.clone()).await?;
        let composer = Arc::new(AccessComposer::new(sealer.clone())?);
        let appender =
            Appender::start(backend.clone(), feed.clone(), composer, commit_clock(&clock), AppenderLimits::default());
        let keeper = configuration.data_directory.as_ref().map(|place| Arc::new(Keeper::new(place, sealer.clone())));
        let frozen = match &keeper {
            Some(keeper) => keeper.resume(backend.as_ref()).await,
            None => Frozen::default(),
        };
        let projections = Arc::new(Projections::resumed(frozen));
        let past = past::check(backend.clone(), projections.applied(), projections.clone());
        tokio::spawn(projections.clone().run(feed.reader(projections.applied()), sealer.clone()));
        let history = History::new(backend.clone(), sealer.clone());
        let reader = Reader::new(projections, history.clone(), sealer.clone());
        let audit = Arc::new(AuditIndex::open(history, commit_clock(&clock), Sizes::default()).await?);
        let engine = Engine::new(appender.clone(), feed.clone(), sealer, reader.clone(), audit, clock.clone());
        let snapshots = keeper.as_ref().map(|keeper| keeper.snapshots());
        let objects = Arc::new(Objects::new(configuration.export_directory.clone()));
        let exporting = Exporting::new(objects, FileLimits::default());
        let engine = engine.trusting(trust(configuration, clock.now())).resuming(snapshots).exporting_to(exporting);
        let engine = engine.posting(Arc::new(Courier::new(address_rules(configuration))));
        let (engine, recorder) = match configuration.audit_defers {
            true => {
                let (engine, recorder) = engine.deferring();
                (engine, Some(recorder))
            }
            false => (engine, None),
        };
        let engine = Arc::new(engine);
        let notary = notary(configuration, &keyring, backend.clone(), &clock).await?;
        let tree = Arc::new(AuditTree::new(engine.clone(), backend.clone(), notary));
        let checking = tokio::spawn(past);
        let node = Self {
            backend,
            keyring,
            appender,
            feed,
            engine,
            reader,
            tree,
            clock,
            keeper,
            recorder,
            checking,
            _lock: lock,
        };
        node.replay().await?;
        Ok(node)
    }

    /// Waits until everything that was in the log is folded; then the clock is where it was.
    async fn replay(&self) -> Result<(), StartError> {
        let started = std::time::Instant::now();
        let caught_up = tokio::select! {
            caught_up = self.engine.read_barrier_within(REPLAY_PATIENCE) => caught_up,
            never = self.show_replay() => match never {},
        };
        if let ProjectorState::Stopped(reason) = self.engine.projections().state() {
            return Err(StartError::Host(format!("the log cannot be read: {reason}")));
        }
        caught_up?;
        self.hear_of_erasures().await?;
        let view = self.engine.projections().view();
        for owner in self.keyring.destroyed() {
            // Records without a key are passed over: only the log may say that they are.
            let tenant = TenantId::parse(owner.id()).and_then(|id| view.installation.tenant(&id));
            if !tenant.is_some_and(|tenant| tenant.is_doomed()) {
                let text = format!(
                    "the key of {} {} is destroyed, but the log has no order to do so",
                    owner.level(),
                    owner.id()
                );
                return Err(StartError::Host(text));
            }
        }
        if let Some((owner, position)) = view.erasures.unexplained() {
            let text = format!(
                "audit entries of {} are erased up to position {position}, but the log has no order to do so",
                key_owner(owner).id()
            );
            return Err(StartError::Host(text));
        }
        self.clock.0.set_offset_micros(view.installation.clock_offset_micros());
        tracing::info!(
            target: "start",
            position = view.applied.0,
            entries = self.engine.projections().entries_folded(),
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "log folded"
        );
        Ok(())
    }

    /// Another node may erase while this one starts: that it was ordered may come after the keys are seen gone.
    async fn hear_of_erasures(&self) -> Result<(), StartError> {
        for _ in 0..ERASURE_LOOKS {
            if self.engine.projections().view().erasures.unexplained().is_none() {
                break;
            }
            tokio::time::sleep(ERASURE_PAUSE).await;
            self.feed.look();
            self.engine.read_barrier_within(REPLAY_PATIENCE).await?;
        }
        Ok(())
    }

    /// Says how far the replay has come, as long as it goes on.
    async fn show_replay(&self) -> Infallible {
        let mut ticks = tokio::time::interval(REPLAY_SHOWN);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let position = self.engine.projections().folded().0;
            let end = self.feed.committed().0;
            let percent = position.saturating_mul(100) / end.max(1);
            tracing::info!(target: "start", position, end, percent, "folding the log");
        }
    }

    /// Commits what is queued and lets the store go.
    pub(crate) async fn close(&self) {
        self.checking.abort();
        self.appender.close().await;
        if let Some(keeper) = &self.keeper {
            keeper.finish(self.engine.projections()).await;
        }
        self.backend.close().await;
    }
}

/// What tenants may have this node connect to.
fn address_rules(configuration: &Configuration) -> AddressRules {
    let is_dev = configuration.mode == crate::configuration::Mode::Dev;
    AddressRules { private: configuration.allow_private_webhooks, plain_loopback: is_dev }
}

/// Whom this node asks for keys, and where.
fn trust(configuration: &Configuration, since: Timestamp) -> Trust {
    let rules = address_rules(configuration);
    let builtin = configuration.scaikey.as_ref().map(|ScaiKey { url, jwks_url, audience }| {
        scaivault_domain::issuer::scaikey(url, jwks_url.as_deref(), audience, since)
    });
    Trust::new(Arc::new(Outbound), rules, builtin)
}

/// Who signs checkpoints: in the name the store was made with, with the key it has or the one configured.
async fn notary(
    configuration: &Configuration,
    keyring: &Keyring,
    backend: Arc<dyn Backend>,
    clock: &ServerClock,
) -> Result<Notary, StartError> {
    let (asked, now) = (&configuration.audit_origin, clock.now().as_micros());
    let origin = keyring.audit_origin(&asked.text, now).await?;
    if asked.is_set && asked.text != origin {
        let text = format!("AUDIT_ORIGIN is {}, but this store was made with {origin}: set it to that", asked.text);
        return Err(StartError::Configuration(text));
    }
    let given = configuration.audit_signing_key.as_ref().and_then(|key| key.signer(&origin));
    let signing = keyring.audit_signing(&origin, given, now).await?;
    Ok(Notary::new(backend, signing.signer, signing.previous))
}

/// Tells the time of commits.
pub(crate) fn commit_clock(clock: &Arc<ServerClock>) -> log::Clock {
    let clock = clock.clone();
    Arc::new(move || RecordedAt(clock.now().as_micros()))
}

/// An embedded log belongs to one process: another one would not see what this one writes.
fn lock(configuration: &Configuration) -> Result<Option<File>, StartError> {
    let Storage::Embedded = configuration.storage else { return Ok(None) };
    let path = directory(configuration).join(LOCK_FILE);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| StartError::Host(format!("{} cannot be opened: {error}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            let place = directory(configuration).display();
            Err(StartError::Host(format!("another process has the store in {place} open; stop it first")))
        }
        Err(TryLockError::Error(error)) => {
            Err(StartError::Host(format!("{} cannot be locked: {error}", path.display())))
        }
    }
}

fn directory(configuration: &Configuration) -> &Path {
    configuration.data_directory.as_deref().unwrap_or(Path::new("."))
}

async fn open_backend(configuration: &Configuration) -> Result<Arc<dyn Backend>, StartError> {
    Ok(match &configuration.storage {
        Storage::Memory => Arc::new(SqliteBackend::open(None).await?),
        Storage::Embedded => Arc::new(SqliteBackend::open(Some(&directory(configuration).join(LOG_FILE))).await?),
        Storage::Postgres { url, pool_size } => Arc::new(PostgresBackend::connect(url.expose(), *pool_size).await?),
    })
}

fn provider(provider: &KeyProvider) -> Result<Box<dyn RootKeyProvider>, StartError> {
    Ok(match provider {
        KeyProvider::Memory => Box::new(EphemeralRoot::new()?),
        KeyProvider::File { path } => Box::new(FileRoot::new(path)),
        KeyProvider::Passphrase { passphrase: Some(passphrase) } => {
            Box::new(PassphraseRoot::new(Zeroizing::new(passphrase.expose().to_owned())))
        }
        KeyProvider::Passphrase { passphrase: None } => {
            let text =
                "KMS_PASSPHRASE is not set, and this build cannot be unsealed later: set it, or KMS_PASSPHRASE_FILE";
            return Err(StartError::Configuration(text.into()));
        }
    })
}

/// A root key that does not fit is a matter of configuration; all else is the store's.
fn key_error(error: StoreError) -> StartError {
    if let StoreError::Setup(text) = error { StartError::Configuration(text) } else { StartError::Store(error) }
}
