//! Units, a composer and a clock for tests of the log.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use scaivault_eventstore::log::{
    Appender, AppenderLimits, Backend, Clock, Committed, Compose, Entry, Feed, FeedReader, Unit,
};
use scaivault_eventstore::record::{NewRecord, WrappedDataKey};
use scaivault_eventstore::{CommandId, Owner, Position, Record, RecordedAt, Revision, StoreError, StreamId, merkle};

/// Random bytes.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).unwrap();
    bytes
}

/// A stream nobody else uses.
pub fn new_stream() -> StreamId {
    StreamId(random())
}

/// A record with a body of its own.
pub fn record(stream: StreamId, revision: u64) -> NewRecord {
    with_body(stream, revision, "test.happened", &random::<40>())
}

/// A record whose erasable part has a key.
pub fn keyed(stream: StreamId, revision: u64) -> NewRecord {
    NewRecord { data_key: Some(WrappedDataKey(Box::new(random::<60>()))), ..record(stream, revision) }
}

/// A record with a body of this length, in a stream of its own.
pub fn sized(bytes: usize) -> NewRecord {
    with_body(new_stream(), 1, "test.happened", &vec![7; bytes])
}

fn with_body(stream: StreamId, revision: u64, kind: &'static str, body: &[u8]) -> NewRecord {
    NewRecord {
        stream,
        revision: Revision(revision),
        kind: kind.into(),
        schema_version: 1,
        recorded_at: RecordedAt(1_700_000_000_000_000),
        body: body.into(),
        body_sha256: digest(&SHA256, body).as_ref().try_into().unwrap(),
        entries_root: None,
        data_key: None,
    }
}

/// A unit of records only.
pub fn unit(records: Vec<NewRecord>) -> Unit {
    Unit { command_id: CommandId(random()), records, entries: Vec::new(), shred: Vec::new() }
}

/// A unit of one entry only.
pub fn access(owner: &Owner, text: &str) -> Unit {
    let entry = Entry { owner: owner.clone(), json: format!("{{\"text\":\"{text}\"}}").into(), detail: None };
    Unit { entries: vec![entry], ..unit(Vec::new()) }
}

/// A tenant.
pub fn tenant(id: &str) -> Owner {
    Owner::Tenant(id.into())
}

/// Joins entries per owner into records of streams that belong to it alone.
#[derive(Default)]
pub struct TestComposer {
    streams: Mutex<HashMap<Owner, (StreamId, u64)>>,
    abandoned: AtomicU64,
}

impl TestComposer {
    /// How many records were abandoned.
    pub fn abandoned(&self) -> u64 {
        self.abandoned.load(Ordering::SeqCst)
    }

    /// The stream and last revision of an owner.
    pub fn stream(&self, owner: &Owner) -> Option<(StreamId, u64)> {
        self.streams.lock().unwrap().get(owner).copied()
    }
}

impl Compose for TestComposer {
    fn compose(&self, entries: Vec<Entry>, recorded_at: RecordedAt) -> Result<Vec<NewRecord>, StoreError> {
        let mut grouped: Vec<(Owner, Vec<Entry>)> = Vec::new();
        for entry in entries {
            match grouped.iter_mut().find(|(owner, _)| *owner == entry.owner) {
                Some((_, group)) => group.push(entry),
                None => grouped.push((entry.owner.clone(), vec![entry])),
            }
        }
        let mut streams = self.streams.lock().unwrap();
        let compose = |(owner, group): (Owner, Vec<Entry>)| {
            let (stream, revision) = streams.entry(owner).or_insert_with(|| (new_stream(), 0));
            *revision += 1;
            let leaves: Vec<_> = group.iter().map(|e| merkle::entry_leaf(&[0; 16], e.json.as_bytes())).collect();
            let body: Vec<&str> = group.iter().map(|entry| &*entry.json).collect();
            NewRecord {
                recorded_at,
                entries_root: Some(merkle::root_of(&leaves)),
                ..with_body(*stream, *revision, "access.recorded", body.join("\n").as_bytes())
            }
        };
        Ok(grouped.into_iter().map(compose).collect())
    }

    fn abandon(&self, records: &[NewRecord]) {
        let mut streams = self.streams.lock().unwrap();
        for record in records {
            self.abandoned.fetch_add(1, Ordering::SeqCst);
            let (_, revision) = streams.values_mut().find(|(stream, _)| *stream == record.stream).unwrap();
            assert_eq!(*revision, record.revision.0, "abandoned in order");
            *revision -= 1;
        }
    }
}

/// An appender with its feed, as one process has them.
#[derive(Clone)]
pub struct Node {
    pub appender: Appender,
    pub feed: Arc<Feed>,
    pub composer: Arc<TestComposer>,
    /// What the clock says.
    pub now: Arc<AtomicI64>,
    pub backend: Arc<dyn Backend>,
}

impl Node {
    /// On a migrated backend.
    pub async fn start(backend: Arc<dyn Backend>, limits: AppenderLimits) -> Self {
        let feed = Feed::open(Arc::clone(&backend)).await.unwrap();
        let composer = Arc::new(TestComposer::default());
        let now = Arc::new(AtomicI64::new(1_700_000_000_000_000));
        let told = Arc::clone(&now);
        let clock: Clock = Arc::new(move || RecordedAt(told.load(Ordering::SeqCst)));
        let compose: Arc<dyn Compose> = Arc::<TestComposer>::clone(&composer);
        let appender = Appender::start(Arc::clone(&backend), Arc::clone(&feed), compose, clock, limits);
        Self { appender, feed, composer, now, backend }
    }

    /// Appends.
    pub async fn append(&self, unit: Unit) -> Result<Committed, StoreError> {
        self.appender.append(unit).await
    }

    /// Appends `count` units of one record, each to a stream of its own.
    pub async fn fill(&self, count: usize) {
        for _ in 0..count {
            self.append(unit(vec![record(new_stream(), 1)])).await.unwrap();
        }
    }
}

/// Reads up to and including `last`, and checks that nothing is missing or out of order.
pub async fn follow(mut reader: FeedReader, last: Position) -> Vec<Record> {
    let mut seen: Vec<Record> = Vec::new();
    let mut expected = reader.position();
    while expected <= last {
        for record in reader.next().await.unwrap().records() {
            assert_eq!(record.position, expected);
            if let Some(before) = seen.last() {
                assert!(record.recorded_at >= before.recorded_at, "time runs backwards at {expected}");
            }
            assert_eq!(record.leaf_hash, merkle::leaf_hash(record));
            expected = expected.next();
            seen.push(record.clone());
        }
    }
    seen
}

/// The whole log.
pub async fn all(backend: &dyn Backend) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let after = records.last().map_or(Position::START, |record| record.position);
        let page = backend.read(after, 500).await.unwrap();
        if page.is_empty() {
            return records;
        }
        records.extend(page);
    }
}
