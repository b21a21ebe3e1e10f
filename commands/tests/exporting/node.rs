//! One process after the other over the same log.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use scaivault_commands::audit::Outcome;
use scaivault_commands::export::store::ObjectStores;
use scaivault_commands::export::{Exporting, FileLimits};
use scaivault_commands::request::Handed;
use scaivault_commands::{ChangeRequest, Clock, Engine, EntryDraft, Reply};
use scaivault_domain::audit::Action;
use scaivault_domain::export::{CredentialsPlace, Destination, ExportContent, ExportFilter, Format, StoreKind};
use scaivault_domain::id::ExportId;
use scaivault_domain::secret::Condition;
use scaivault_domain::secret::options::OptionsChange;
use scaivault_domain::secret::write::{WriteSecret, Written};
use scaivault_domain::{IdentityId, Owner, SecretPath, TenantId, Timestamp};
use scaivault_eventstore::log::{self, Appender, AppenderLimits, Backend, Feed, SqliteBackend};
use scaivault_eventstore::record::hex;
use scaivault_eventstore::sealing::root::EphemeralRoot;
use scaivault_eventstore::sealing::{AccessComposer, Keyring, Sealer};
use scaivault_eventstore::{Owner as KeyOwner, Position, RecordedAt};
use scaivault_projections::audit::{AuditIndex, Follower, Sizes};
use scaivault_projections::history::History;
use scaivault_projections::owners::key_owner;
use scaivault_projections::{Projections, Reader};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::PATIENCE;

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000_000;
/// Between two looks at what others wrote.
const POLL: Duration = Duration::from_millis(5);

/// A clock that goes on by itself, a microsecond with every look.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// What outlives a process.
pub struct Log {
    pub backend: Arc<dyn Backend>,
    pub sealer: Sealer,
    clock: Arc<Ticking>,
}

/// A process.
pub struct Node {
    pub engine: Arc<Engine>,
    pub appender: Appender,
    tasks: Vec<JoinHandle<()>>,
    _leading: watch::Sender<bool>,
    _stop: watch::Sender<bool>,
}

pub fn acme() -> Owner {
    Owner::Tenant(TenantId::parse("tnt_acme").unwrap())
}

pub fn other() -> Owner {
    Owner::Tenant(TenantId::parse("tnt_other").unwrap())
}

fn alice() -> IdentityId {
    IdentityId::user("alice@acme.example")
}

pub fn sha256(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

impl Log {
    pub async fn new() -> Self {
        let memory = SqliteBackend::open(None).await.unwrap();
        memory.migrate().await.unwrap();
        let backend: Arc<dyn Backend> = Arc::new(memory);
        let root = EphemeralRoot::new().unwrap();
        let keyring = Keyring::open_or_create(backend.clone(), &root, START).await.unwrap();
        for owner in [acme(), other()] {
            keyring.ensure(&key_owner(&owner), &KeyOwner::Platform, START).await.unwrap();
        }
        Self { backend, sealer: Sealer::new(Arc::new(keyring)), clock: Arc::new(Ticking(AtomicI64::new(START))) }
    }
}

impl Node {
    pub async fn start(log: &Log, store: Arc<dyn ObjectStores>, limits: FileLimits) -> Self {
        let told = log.clock.clone();
        let clock: log::Clock = Arc::new(move || RecordedAt(told.now().as_micros()));
        let composer = Arc::new(AccessComposer::new(log.sealer.clone()).unwrap());
        let feed = Feed::open(log.backend.clone()).await.unwrap();
        let limited = AppenderLimits::default();
        let appender = Appender::start(log.backend.clone(), feed.clone(), composer, clock.clone(), limited);
        let (told, backend) = (feed.clone(), log.backend.clone());
        // Where several processes write, each looks at the log now and then.
        let polling = tokio::spawn(async move {
            loop {
                told.reaches(backend.head().await.unwrap().position);
                tokio::time::sleep(POLL).await;
            }
        });
        let projections: Arc<Projections> = Arc::default();
        let fold = projections.clone().run(feed.reader(Position::START), log.sealer.clone());
        let folding = tokio::spawn(async move { panic!("the fold stopped: {}", fold.await) });
        let history = History::new(log.backend.clone(), log.sealer.clone());
        let reader = Reader::new(projections.clone(), history.clone(), log.sealer.clone());
        let index = Arc::new(AuditIndex::open(history, clock, Sizes { segment: 5, tail: 11 }).await.unwrap());
        let (leading, leads) = watch::channel(true);
        let (stop, stopped) = watch::channel(false);
        let following = tokio::spawn(Follower::new(index.clone(), feed.clone(), leads).run(stopped));
        let engine = Engine::new(appender.clone(), feed, log.sealer.clone(), reader, index, log.clock.clone());
        let engine = Arc::new(engine.exporting_to(Exporting::new(store, limits)));
        engine.read_barrier().await.unwrap();
        engine.audit_barrier().await.unwrap();
        Self { engine, appender, tasks: vec![folding, following, polling], _leading: leading, _stop: stop }
    }

    /// Nothing of it goes on.
    pub async fn kill(self) {
        for task in self.tasks {
            task.abort();
            let _ = task.await;
        }
        self.appender.close().await;
    }

    /// Records entries, some of them in one commit; their ids.
    pub async fn record(&self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for number in 0..count {
            let now = self.engine.now();
            let draft = EntryDraft::without_client(acme(), Action::Read, Some(alice()), "req_1".into(), now);
            let entries: Vec<_> = (0..1 + number % 3).map(|_| draft.finish(Outcome::Success).unwrap()).collect();
            let entries: Vec<_> = entries.into_iter().take(count - ids.len()).collect();
            ids.extend(entries.iter().map(|entry| {
                let json: serde_json::Value = serde_json::from_str(&entry.json).unwrap();
                json["id"].as_str().unwrap().to_owned()
            }));
            self.engine.record(entries).await.unwrap();
            if ids.len() == count {
                break;
            }
        }
        ids
    }

    fn request(owner: &Owner, action: Action, now: Timestamp) -> ChangeRequest {
        let entry = EntryDraft::without_client(owner.clone(), action, Some(alice()), "req_2".into(), now);
        ChangeRequest {
            owner: owner.clone(),
            actor: alice(),
            request_id: "req_2".into(),
            entry,
            idempotency: None,
            handed: Handed::default(),
        }
    }

    /// Asks for an export of everything.
    pub async fn ask(&self) -> ExportId {
        self.ask_for(&acme(), (StoreKind::File, None)).await
    }

    /// Asks for an export of everything of an owner.
    pub async fn ask_for(&self, owner: &Owner, to: (StoreKind, Option<CredentialsPlace>)) -> ExportId {
        let now = self.engine.now();
        let request = Self::request(owner, Action::ExportCreated, now);
        let (kind, credentials) = to;
        let destination =
            Destination { kind, bucket: None, prefix: "".into(), region: None, endpoint: None, credentials };
        let content = ExportContent {
            format: Format::Jsonl,
            from: Timestamp::from_micros(0),
            to: now,
            filters: ExportFilter { action: Some(vec!["read".into()]), ..ExportFilter::default() },
            platform: false,
            destination,
        };
        let tell = |export: &scaivault_domain::export::Export| Reply::json(202, &export.id);
        let answer = self.engine.create_export(&request, owner, &content, None, tell).await.unwrap();
        let text: String = serde_json::from_slice(&answer.reply.body).unwrap();
        ExportId::parse(&text).unwrap()
    }

    /// Writes a version of a secret.
    pub async fn write(&self, path: &SecretPath, value: &str) {
        let request = Self::request(&acme(), Action::Write, self.engine.now());
        let command = WriteSecret {
            path: path.clone(),
            secret_type: None,
            metadata: None,
            options: OptionsChange::default(),
            condition: Condition::default(),
        };
        let value = Zeroizing::new(value.as_bytes().to_vec());
        let tell = |_: &Written| Ok((Reply::json(201, &())?, None));
        self.engine.write_secret(&request, &command, &value, tell).await.unwrap();
    }

    /// Waits until it knows of an export that another process took.
    pub async fn knows(&self, id: &ExportId) {
        let mut changes = self.engine.projections().changes();
        let known = async {
            while self.engine.projections().view().exports.find(id).is_none() {
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, known).await.unwrap();
    }
}
