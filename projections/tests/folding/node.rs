//! One process: a log in memory, keys, an appender, the fold, and a clock that is moved by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use scaivault_domain::audit::{Action, Entry as AuditEntry, Extra};
use scaivault_domain::context::{Found, Settings};
use scaivault_domain::event::SCHEMA_VERSION;
use scaivault_domain::secret::options::OptionsChange;
use scaivault_domain::secret::write::{self, WriteSecret};
use scaivault_domain::secret::{Condition, Decision, Secret, SecretEvent};
use scaivault_domain::{Context, Event, EventBody, IdentityId, Owner, Rejection, SecretPath, TenantId, Timestamp};
use scaivault_eventstore::log::{
    Appender, AppenderLimits, Backend, Clock, Committed, Compose, Entry, Feed, SqliteBackend, Unit,
};
use scaivault_eventstore::sealing::root::EphemeralRoot;
use scaivault_eventstore::sealing::{AccessComposer, Draft, Keyring, Sealer};
use scaivault_eventstore::{CommandId, Owner as KeyOwner, Position, RecordedAt, Revision, StreamId};
use scaivault_projections::history::History;
use scaivault_projections::owners::key_owner;
use scaivault_projections::{Projections, Reader};
use zeroize::Zeroizing;

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000_000;

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// A moment, in seconds after the start.
pub fn second(seconds: i64) -> Timestamp {
    Timestamp::from_micros(START).plus_seconds(seconds)
}

pub fn acme() -> Owner {
    Owner::Tenant(TenantId::parse("tnt_acme").unwrap())
}

pub fn other() -> Owner {
    Owner::Tenant(TenantId::parse("tnt_other").unwrap())
}

pub fn path(text: &str) -> SecretPath {
    SecretPath::parse(text).unwrap()
}

/// A process.
pub struct Node {
    pub backend: Arc<dyn Backend>,
    pub sealer: Sealer,
    pub appender: Appender,
    pub feed: Arc<Feed>,
    pub projections: Arc<Projections>,
    now: Arc<AtomicI64>,
    commands: AtomicU64,
}

impl Node {
    pub async fn start() -> Self {
        let memory = SqliteBackend::open(None).await.unwrap();
        memory.migrate().await.unwrap();
        let backend: Arc<dyn Backend> = Arc::new(memory);
        let root = EphemeralRoot::new().unwrap();
        let keyring = Keyring::open_or_create(Arc::clone(&backend), &root, START).await.unwrap();
        for owner in [acme(), other()] {
            keyring.ensure(&key_owner(&owner), &KeyOwner::Platform, START).await.unwrap();
        }
        Self::with(backend, Sealer::new(Arc::new(keyring))).await
    }

    /// Over a log and keys that are there.
    pub async fn with(backend: Arc<dyn Backend>, sealer: Sealer) -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let told = Arc::clone(&now);
        let clock: Clock = Arc::new(move || RecordedAt(told.load(Ordering::SeqCst)));
        let composer: Arc<dyn Compose> = Arc::new(AccessComposer::new(sealer.clone()).unwrap());
        let feed = Feed::open(Arc::clone(&backend)).await.unwrap();
        let limits = AppenderLimits::default();
        let appender = Appender::start(Arc::clone(&backend), Arc::clone(&feed), composer, clock, limits);
        let node =
            Self { backend, sealer, appender, feed, projections: Arc::default(), now, commands: AtomicU64::new(0) };
        let reader = node.feed.reader(Position::START);
        tokio::spawn(Arc::clone(&node.projections).run(reader, node.sealer.clone()));
        node
    }

    /// A node with a secret at `app/db` of both tenants, to be read.
    pub async fn with_secrets() -> Self {
        let node = Self::start().await;
        for owner in [acme(), other()] {
            node.write(&owner, &path("app/db"), "{}").await;
        }
        node
    }

    /// The clock is set to so many seconds after the start.
    pub fn at(&self, seconds: i64) -> Timestamp {
        self.now.store(second(seconds).as_micros(), Ordering::SeqCst);
        self.now()
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now.load(Ordering::SeqCst))
    }

    pub fn stream(&self, owner: &Owner, kind: &str, name: &str) -> StreamId {
        self.sealer.keyring().stream(&key_owner(owner), kind, name).unwrap()
    }

    pub fn command_id(&self) -> CommandId {
        let number = self.commands.fetch_add(1, Ordering::SeqCst);
        CommandId((u128::from(number) + 1).to_be_bytes())
    }

    /// An event before it is sealed.
    pub fn draft(&self, owner: &Owner, stream: StreamId, revision: u64, event: Event, value: Option<&str>) -> Draft {
        let kind = event.kind().into();
        let actor = IdentityId::user("alice@acme.example");
        let body = EventBody { at: self.now(), actor, request_id: "req_1".into(), event };
        Draft {
            owner: key_owner(owner),
            stream,
            revision: Revision(revision),
            kind,
            schema_version: SCHEMA_VERSION,
            recorded_at: RecordedAt(self.now().as_micros()),
            json: body.encode().unwrap(),
            erasable: value.map(|value| Zeroizing::new(value.as_bytes().to_vec())),
            entries_root: None,
        }
    }

    /// Appends without waiting for the fold.
    pub async fn append(&self, drafts: Vec<Draft>, entries: Vec<Entry>, shred: Vec<u64>) -> Committed {
        let command_id = self.command_id();
        let records = self.sealer.seal_unit(command_id, drafts).unwrap();
        let shred = shred.into_iter().map(Position).collect();
        self.appender.append(Unit { command_id, records, entries, shred }).await.unwrap()
    }

    /// Waits until that is folded.
    pub async fn folded(&self, committed: Committed) {
        assert!(self.projections.wait_for(committed.last, Duration::from_secs(20)).await, "the fold hangs");
    }

    /// Events of one secret, with `value` as that of each new version, and the keys of what they
    /// destroy.
    pub async fn happened(&self, owner: &Owner, path: &SecretPath, events: Vec<SecretEvent>, value: &str) {
        if events.is_empty() {
            return;
        }
        let view = self.projections.view();
        let catalogue = view.secrets(owner);
        let shred = catalogue.held(path.as_str()).map_or_else(Vec::new, |held| held.secret.shredded_by(&events));
        let revision = catalogue.revision(path.as_str()).0;
        let stream = self.stream(owner, "secret", path.as_str());
        let drafts = (revision + 1..).zip(events).map(|(revision, event)| {
            let value = event.has_value().then_some(value);
            self.draft(owner, stream, revision, Event::Secret(path.clone(), event), value)
        });
        self.folded(self.append(drafts.collect(), Vec::new(), shred).await).await;
    }

    /// A command, decided upon the settled state as the server does it.
    pub async fn command<T>(
        &self,
        owner: &Owner,
        path: &SecretPath,
        value: &str,
        decide: impl FnOnce(Option<&Secret>, &Context) -> Result<Decision<T>, Rejection>,
    ) -> Result<(), Rejection> {
        let context = Context {
            found: Found::default(),
            now: self.now(),
            actor: IdentityId::user("alice@acme.example"),
            request_id: "req_1".into(),
            settings: Settings::default(),
        };
        let view = self.projections.view();
        let held = view.secrets(owner).held(path.as_str()).map(|held| held.secret.clone());
        let due = held.as_ref().map_or_else(Vec::new, |secret| secret.destructions_due(context.now));
        let settled = Secret::preview(held.map(Arc::unwrap_or_clone), &due, context.now, path);
        let decision = decide(settled.as_ref(), &context)?;
        self.happened(owner, path, [due, decision.events].concat(), value).await;
        Ok(())
    }

    /// Writes a version.
    pub async fn write(&self, owner: &Owner, path: &SecretPath, value: &str) {
        let command = WriteSecret {
            path: path.clone(),
            secret_type: None,
            metadata: None,
            options: OptionsChange::default(),
            condition: Condition::default(),
        };
        self.command(owner, path, value, |secret, context| write::decide(secret, &command, context)).await.unwrap();
    }

    /// Appends audit entries in one commit.
    pub async fn audited(&self, entries: Vec<Entry>) {
        self.folded(self.append(Vec::new(), entries, Vec::new()).await).await;
    }

    pub fn history(&self) -> History {
        History::new(Arc::clone(&self.backend), self.sealer.clone())
    }

    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.projections), self.history(), self.sealer.clone())
    }

    /// The read models, folded anew from the log.
    pub async fn rebuild(&self) -> Arc<Projections> {
        let rebuilt: Arc<Projections> = Arc::default();
        let task = tokio::spawn(Arc::clone(&rebuilt).run(self.feed.reader(Position::START), self.sealer.clone()));
        assert!(rebuilt.wait_for(self.feed.committed(), Duration::from_secs(20)).await, "{:?}", rebuilt.state());
        task.abort();
        rebuilt
    }
}

/// Who read what when.
#[derive(Clone, Copy, Debug)]
pub struct Read<'a> {
    pub identity: &'a str,
    pub path: &'a str,
    pub version: u32,
    pub at: Timestamp,
}

impl<'a> Read<'a> {
    /// As it is recorded.
    pub fn entry(&self, owner: &Owner) -> Entry {
        self.entry_with(owner, |_| {})
    }

    /// As it is recorded, but for a change.
    pub fn entry_with(&self, owner: &Owner, change: impl FnOnce(&mut AuditEntry<'a>)) -> Entry {
        let mut entry = AuditEntry {
            acting_tenant_id: None,
            action: Action::Read,
            duration_ms: 1,
            error_code: None,
            extra_data: Extra::default(),
            id: "log_1",
            identity_id: Some(self.identity),
            identity_type: None,
            request_id: "req_1",
            resource: None,
            secret_path: Some(self.path),
            secret_version: Some(self.version),
            source_ip: None,
            success: true,
            tenant_id: None,
            timestamp: self.at,
            user_agent: None,
        };
        change(&mut entry);
        Entry { owner: key_owner(owner), json: entry.to_canonical_json().into(), detail: None }
    }
}
