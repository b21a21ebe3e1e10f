//! Processes over one log, with a clock that is moved by hand.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use scaivault_commands::delivery::post::{Nowhere, Post};
use scaivault_commands::request::Handed;
use scaivault_commands::{ChangeRequest, Clock, Engine, EntryDraft, Reply};
use scaivault_domain::audit::Action;
use scaivault_domain::rotation::{Content, RotationPolicy, RotationPolicyId, Warnings};
use scaivault_domain::secret::Condition;
use scaivault_domain::secret::options::OptionsChange;
use scaivault_domain::secret::write::{WriteSecret, Written};
use scaivault_domain::{DurationText, IdentityId, Owner, SecretPath, TenantId, Timestamp};
use scaivault_eventstore::log::{self, Appender, AppenderLimits, Backend, Feed, SqliteBackend};
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

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000_000;
/// Between two looks at what others wrote.
const POLL: Duration = Duration::from_millis(2);

/// A clock that goes on by a microsecond with every look, and when it is told to.
struct Moved(AtomicI64);

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// What outlives a process.
pub struct Log {
    pub backend: Arc<dyn Backend>,
    pub sealer: Sealer,
    /// How events are sent.
    pub post: Arc<dyn Post>,
    clock: Arc<Moved>,
}

/// A process.
pub struct Node {
    pub engine: Arc<Engine>,
    appender: Appender,
    tasks: Vec<JoinHandle<()>>,
    _leading: watch::Sender<bool>,
    _stop: watch::Sender<bool>,
}

pub fn acme() -> Owner {
    Owner::Tenant(TenantId::parse("tnt_acme").unwrap())
}

pub fn path(number: usize) -> SecretPath {
    SecretPath::parse(&format!("app/{number:06}")).unwrap()
}

fn alice() -> IdentityId {
    IdentityId::user("alice@acme.example")
}

fn duration(text: &str) -> DurationText {
    DurationText::parse(text).unwrap()
}

impl Log {
    /// In memory, or in a file.
    pub async fn new(file: Option<&Path>) -> Self {
        let store = SqliteBackend::open(file).await.unwrap();
        store.migrate().await.unwrap();
        let backend: Arc<dyn Backend> = Arc::new(store);
        let root = EphemeralRoot::new().unwrap();
        let keyring = Keyring::open_or_create(backend.clone(), &root, START).await.unwrap();
        keyring.ensure(&key_owner(&acme()), &KeyOwner::Platform, START).await.unwrap();
        let sealer = Sealer::new(Arc::new(keyring));
        Self { backend, sealer, post: Arc::new(Nowhere), clock: Arc::new(Moved(AtomicI64::new(START))) }
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Node {
    pub async fn start(log: &Log) -> Self {
        let told = log.clock.clone();
        let clock: log::Clock = Arc::new(move || RecordedAt(told.now().as_micros()));
        let composer = Arc::new(AccessComposer::new(log.sealer.clone()).unwrap());
        let feed = Feed::open(log.backend.clone()).await.unwrap();
        let limits = AppenderLimits::default();
        let appender = Appender::start(log.backend.clone(), feed.clone(), composer, clock.clone(), limits);
        let (told, backend) = (feed.clone(), log.backend.clone());
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
        let index = Arc::new(AuditIndex::open(history, clock, Sizes::default()).await.unwrap());
        let (leading, leads) = watch::channel(true);
        let (stop, stopped) = watch::channel(false);
        let following = tokio::spawn(Follower::new(index.clone(), feed.clone(), leads).run(stopped));
        let engine = Engine::new(appender.clone(), feed, log.sealer.clone(), reader, index, log.clock.clone());
        let engine = Arc::new(engine.posting(log.post.clone()));
        engine.read_barrier_within(Duration::from_secs(300)).await.unwrap();
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

    pub fn request(&self, action: Action) -> ChangeRequest {
        let now = self.engine.now();
        let entry = EntryDraft::without_client(acme(), action, Some(alice()), "req_1".into(), now);
        ChangeRequest {
            owner: acme(),
            actor: alice(),
            request_id: "req_1".into(),
            entry,
            idempotency: None,
            handed: Handed::default(),
        }
    }

    /// Makes a policy.
    pub async fn policy(&self, name: &str, interval: &str, auto_generate: bool) {
        let content = Content {
            name: name.into(),
            description: "".into(),
            interval: duration(interval),
            grace_period: duration("1h"),
            warn_before: Warnings::default(),
            auto_generate,
            secret_policy: None,
            window: None,
            min_distance: None,
            finish_when_moved: false,
            webhook_ids: Vec::new(),
        };
        let tell = |_: &RotationPolicy, _: usize| Reply::json(201, &());
        let request = self.request(Action::RotationPolicyCreate);
        self.engine.create_rotation_policy(&request, |_| Ok(content.clone()), tell).await.unwrap();
    }

    /// Gives a policy another interval.
    pub async fn interval(&self, id: &str, interval: &str) {
        let edit = |_: &scaivault_projections::View, policy: &RotationPolicy| {
            Ok((Content { interval: duration(interval), ..policy.content.clone() }, policy.is_active))
        };
        let tell = |_: &RotationPolicy, _: usize| Reply::json(200, &());
        let request = self.request(Action::RotationPolicyUpdate);
        let id = RotationPolicyId::parse(id).unwrap();
        self.engine.update_rotation_policy(&request, &id, edit, tell).await.unwrap();
    }

    /// Writes a secret that is attached to a policy.
    pub async fn attach(&self, path: &SecretPath, policy: &str) {
        let command = WriteSecret {
            path: path.clone(),
            secret_type: None,
            metadata: None,
            options: OptionsChange { rotation_policy_id: Some(Some(policy.into())), ..OptionsChange::default() },
            condition: Condition::default(),
        };
        let value = Zeroizing::new(br#"{"password":"first"}"#.to_vec());
        let tell = |_: &Written| Ok((Reply::json(201, &())?, None));
        self.engine.write_secret(&self.request(Action::Write), &command, &value, tell).await.unwrap();
    }

    /// Writes a version of a secret.
    pub async fn write(&self, path: &SecretPath) {
        let command = WriteSecret {
            path: path.clone(),
            secret_type: None,
            metadata: None,
            options: OptionsChange::default(),
            condition: Condition::default(),
        };
        let value = Zeroizing::new(br#"{"password":"another"}"#.to_vec());
        let tell = |_: &Written| Ok((Reply::json(201, &())?, None));
        self.engine.write_secret(&self.request(Action::Write), &command, &value, tell).await.unwrap();
    }

    /// Waits until it knows what another process knows.
    pub async fn reaches(&self, other: &Self) {
        let position = other.engine.projections().applied();
        self.engine.wait_for(position, Duration::from_secs(20)).await.unwrap();
    }

    /// Current versions of the first secrets.
    pub fn versions(&self, count: usize) -> Vec<u32> {
        let view = self.engine.projections().view();
        let held = |number| view.secrets(&acme()).held(path(number).as_str()).unwrap().clone();
        (0..count).map(|number| held(number).secret.current_number().unwrap()).collect()
    }

    /// Audit entries of an action.
    pub async fn count(&self, action: &str) -> usize {
        self.engine.audit_barrier().await.unwrap();
        let (from, to) = (Timestamp::from_micros(START), self.engine.now().plus_seconds(1));
        let summary = self.engine.audit().summary(&[acme()], (from, to), from).await.unwrap();
        usize::try_from(summary.by_action.get(action).copied().unwrap_or_default()).unwrap()
    }
}
