//! A store in a directory with its root key, and somebody who meddles with it.

use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use scaivault_eventstore::log::{
    Appender, AppenderLimits, Backend, Clock, Committed, Compose, Feed, SqliteBackend, Unit,
};
use scaivault_eventstore::sealing::{AccessComposer, Draft, FileRoot, Keyring, Sealer};
use scaivault_eventstore::{
    CommandId, Owner, Position, Record, RecordedAt, Revision, StoreError, StreamId, merkle, record::hex,
};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use tempfile::TempDir;
use zeroize::Zeroizing;

/// When everything happens.
pub const NOW: i64 = 1_776_952_800_123_456;

pub fn acme() -> Owner {
    Owner::Tenant("tnt_acme".into())
}

pub fn other() -> Owner {
    Owner::Tenant("tnt_other".into())
}

pub fn partner() -> Owner {
    Owner::Partner("ptn_acme".into())
}

/// A store on disk.
pub struct Store {
    directory: TempDir,
}

impl Store {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub async fn backend(&self) -> Arc<dyn Backend> {
        let backend = SqliteBackend::open(Some(&self.path("log.db"))).await.unwrap();
        backend.migrate().await.unwrap();
        Arc::new(backend)
    }

    pub fn root(&self) -> FileRoot {
        FileRoot::new(self.path("keys/root.key"))
    }

    /// The keys, as a process that starts opens them.
    pub async fn open(&self) -> Result<Keyring, StoreError> {
        Keyring::open_or_create(self.backend().await, &self.root(), NOW).await
    }

    /// The keys, with a partner and two tenants.
    pub async fn sealer(&self) -> Sealer {
        let keyring = self.open().await.unwrap();
        keyring.ensure(&partner(), &Owner::Platform, NOW).await.unwrap();
        keyring.ensure(&acme(), &partner(), NOW).await.unwrap();
        keyring.ensure(&other(), &partner(), NOW).await.unwrap();
        Sealer::new(Arc::new(keyring))
    }

    /// A connection of somebody with access to the file: nothing holds it back.
    pub async fn meddler(&self) -> SqlitePool {
        let options = SqliteConnectOptions::new()
            .filename(self.path("log.db"))
            .pragma("synchronous", "OFF")
            .pragma("ignore_check_constraints", "ON");
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        for trigger in ["events_refuse_update", "events_refuse_delete", "events_refuse_gap"] {
            let sql = format!("DROP TRIGGER IF EXISTS {trigger}");
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&pool).await.unwrap();
        }
        pool
    }
}

/// Sets one column of the row at `position` of `table` to an SQL expression.
pub async fn set(pool: &SqlitePool, table: &str, position: u64, column: &str, value: &str) {
    let sql = format!("UPDATE {table} SET {column} = {value} WHERE position = {position}");
    let done = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(pool).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
}

pub fn blob(bytes: &[u8]) -> String {
    format!("x'{}'", hex(bytes))
}

/// One process that writes.
pub struct Writer {
    pub backend: Arc<dyn Backend>,
    pub sealer: Sealer,
    pub appender: Appender,
}

impl Writer {
    pub async fn start(store: &Store) -> Self {
        let backend = store.backend().await;
        let sealer = store.sealer().await;
        let composer: Arc<dyn Compose> = Arc::new(AccessComposer::new(sealer.clone()).unwrap());
        let feed = Feed::open(Arc::clone(&backend)).await.unwrap();
        let clock: Clock = Arc::new(|| RecordedAt(NOW));
        let appender = Appender::start(Arc::clone(&backend), feed, composer, clock, AppenderLimits::default());
        Self { backend, sealer, appender }
    }

    /// Appends one command of these drafts.
    pub async fn append(&self, number: u8, drafts: Vec<Draft>) -> Committed {
        let command_id = CommandId([number; 16]);
        let records = self.sealer.seal_unit(command_id, drafts).unwrap();
        self.appender.append(Unit { command_id, records, entries: Vec::new(), shred: Vec::new() }).await.unwrap()
    }

    pub async fn at(&self, position: u64) -> Record {
        self.backend.read_at(Position(position)).await.unwrap().unwrap()
    }

    pub fn stream(&self, owner: &Owner, name: &str) -> StreamId {
        self.sealer.keyring().stream(owner, "secret", name).unwrap()
    }

    /// A record with a value.
    pub fn draft(&self, owner: &Owner, name: &str, revision: u64, value: &str) -> Draft {
        Draft {
            owner: owner.clone(),
            stream: self.stream(owner, name),
            revision: Revision(revision),
            kind: "secret.created".into(),
            schema_version: 1,
            recorded_at: RecordedAt(NOW),
            json: format!("{{\"path\":\"{name}\",\"of\":{revision}}}").into_bytes(),
            erasable: Some(Zeroizing::new(value.as_bytes().to_vec())),
            entries_root: None,
        }
    }
}

/// Whatever does not hold about a record and its value, as a reader finds it.
pub fn check(sealer: &Sealer, record: &Record) -> Result<Vec<u8>, StoreError> {
    let opened = sealer.open(record)?;
    let value = sealer.value_of(&opened.owner, record).expect("its data key is there");
    sealer.open_value(&value).map(|bytes| bytes.to_vec())
}

/// Makes the digests fit again, as whoever alters a record with care would.
pub fn digested(mut record: Record) -> Record {
    record.body_sha256 = digest(&SHA256, &record.body).as_ref().try_into().unwrap();
    record.leaf_hash = merkle::leaf_hash(&record);
    record
}

/// The reason of damage, which is at `position`.
#[track_caller]
pub fn damage<T>(answer: Result<T, StoreError>, position: u64) -> String {
    match answer {
        Err(StoreError::Damaged { position: found, reason }) => {
            assert_eq!(found, Position(position), "{reason}");
            reason
        }
        Err(other) => panic!("not damage: {other}"),
        Ok(_) => panic!("nothing was noticed"),
    }
}

/// What is said of a key.
#[track_caller]
pub fn key_error<T>(answer: Result<T, StoreError>) -> String {
    match answer {
        Err(error @ StoreError::Key { .. }) => error.to_string(),
        Err(other) => panic!("not about a key: {other}"),
        Ok(_) => panic!("nothing was noticed"),
    }
}

/// What is said to whoever set the store up.
#[track_caller]
pub fn setup<T>(answer: Result<T, StoreError>) -> String {
    match answer {
        Err(StoreError::Setup(text)) => text,
        Err(other) => panic!("not about the setup: {other}"),
        Ok(_) => panic!("nothing was noticed"),
    }
}
