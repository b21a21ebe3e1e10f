//! A node put together from the library crates, with a clock that the test holds.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use scaivault_api::health::{Bus, Checks, Database, Encryption, Status};
use scaivault_api::{Api, App, Settings};
use scaivault_commands::{AuditTree, Clock, Engine};
use scaivault_domain::Timestamp;
use scaivault_eventstore::RecordedAt;
use scaivault_eventstore::log::{Appender, AppenderLimits, Backend, Feed};
use scaivault_eventstore::sealing::root::EphemeralRoot;
use scaivault_eventstore::sealing::{AccessComposer, Keyring, Sealer};
use scaivault_eventstore::tree::Notary;
use scaivault_projections::audit::{AuditIndex, Follower, Sizes};
use scaivault_projections::history::History;
use scaivault_projections::{Projections, Reader};
use tokio::sync::watch;

/// Shows the time it was told.
#[derive(Default)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// Microseconds since the Unix epoch.
    pub fn micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Moves it forward.
    pub fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros())
    }
}

struct Well;

#[async_trait::async_trait]
impl Checks for Well {
    async fn database(&self) -> Database {
        let (status, kind) = (Status::Ok, "memory");
        Database { status, kind, latency: Duration::ZERO, pool: (1, 1), log_position: 0 }
    }

    fn bus(&self) -> Bus {
        Bus { status: Status::Ok, kind: "memory", latency: Duration::ZERO }
    }

    fn encryption(&self) -> Encryption {
        Encryption { status: Status::Ok, provider: "file" }
    }

    fn uptime(&self) -> Duration {
        Duration::ZERO
    }
}

/// One life of a node.
pub struct Node {
    pub engine: Arc<Engine>,
    pub sealer: Sealer,
    pub service: Api,
    appender: Appender,
    /// Dropped, the node would stop serving.
    _ready: watch::Sender<bool>,
    _indexing: watch::Sender<bool>,
}

impl Node {
    /// Starts on what `backend` holds: keys are opened, everything is folded anew.
    pub async fn start(backend: Arc<dyn Backend>, root: &EphemeralRoot, clock: Arc<TestClock>) -> Self {
        backend.migrate().await.unwrap();
        let keyring = Keyring::open_or_create(backend.clone(), root, clock.micros()).await.unwrap();
        let sealer = Sealer::new(Arc::new(keyring));
        let feed = Feed::open(backend.clone()).await.unwrap();
        let composer = Arc::new(AccessComposer::new(sealer.clone()).unwrap());
        let told = clock.clone();
        let commit_clock = Arc::new(move || RecordedAt(told.micros()));
        let appender =
            Appender::start(backend.clone(), feed.clone(), composer, commit_clock, AppenderLimits::default());
        let projections = Arc::new(Projections::default());
        tokio::spawn(projections.clone().run(feed.reader(projections.applied()), sealer.clone()));
        let history = History::new(backend.clone(), sealer.clone());
        let reader = Reader::new(projections, history.clone(), sealer.clone());
        let told = clock.clone();
        let audit_clock = Arc::new(move || RecordedAt(told.micros()));
        let audit = Arc::new(AuditIndex::open(history, audit_clock, Sizes::default()).await.unwrap());
        let (indexing, stopped) = watch::channel(false);
        tokio::spawn(Follower::new(audit.clone(), feed.clone(), watch::channel(true).1).run(stopped));
        let engine = Engine::new(appender.clone(), feed, sealer.clone(), reader.clone(), audit, clock);
        let engine = Arc::new(engine);
        engine.read_barrier().await.unwrap();
        let (ready, is_ready) = watch::channel(true);
        let signing = sealer.keyring().audit_signing("model.example/audit", None, 0).await.unwrap();
        let notary = Notary::new(backend.clone(), signing.signer, signing.previous);
        let tree = Arc::new(AuditTree::new(engine.clone(), backend, notary));
        let app = App::new(engine.clone(), reader, tree, settings(), Arc::new(Well), is_ready).unwrap();
        Self { engine, sealer, service: Api::new(Arc::new(app)), appender, _ready: ready, _indexing: indexing }
    }

    /// Ends this life; the backend stays open.
    pub async fn stop(self) {
        self.appender.close().await;
    }
}

fn settings() -> Settings {
    Settings {
        version: "1.0.0",
        commit: "test",
        build_date: "2026-04-23T00:00:00Z",
        node_id: "test".into(),
        request_timeout: Duration::from_secs(30),
        limits: HashMap::new(),
        client_address: Arc::new(|_, _| IpAddr::V4(Ipv4Addr::LOCALHOST)),
        metrics: Arc::new(|_| ("text/plain".into(), String::new())),
        dev_clock: None,
        provider: Default::default(),
    }
}
