//! A node on the bus, and an outsider's view of the stream.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use async_nats::jetstream::{self, Context, message::StreamMessage};
use cloudevents::Event;
use scaivault_eventstore::log::{AppenderLimits, Backend, Bus, BusHealth, BusOptions, PostgresBackend, SqliteBackend};
use scaivault_eventstore::record::hex;
use scaivault_eventstore::{Position, Record, RecordedAt};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::fixture::{Node, all, random};

pub const PATIENCE: Duration = Duration::from_secs(30);

/// An installation: a prefix and an id that no other test has.
#[derive(Clone)]
pub struct Installation {
    pub prefix: String,
    pub id: [u8; 16],
    pub url: String,
}

impl Installation {
    pub fn new(url: &str) -> Self {
        let prefix = format!("t{}", hex(&random::<8>()));
        Self { prefix, id: random(), url: url.into() }
    }

    pub fn stream(&self) -> String {
        format!("{}-log", self.prefix)
    }

    pub fn source(&self) -> String {
        format!("/scaivault/{}", hex(&self.id))
    }

    pub async fn context(&self) -> Context {
        jetstream::new(async_nats::connect(&self.url).await.unwrap())
    }

    /// All messages in the stream, from the first that is kept.
    pub async fn messages(&self) -> Option<Vec<StreamMessage>> {
        Some(self.contents().await?.1)
    }

    /// The last sequence and the messages that are kept; `None` while there is no stream, or it
    /// changes under way.
    async fn contents(&self) -> Option<(u64, Vec<StreamMessage>)> {
        let stream = self.context().await.get_stream(self.stream()).await.ok()?;
        let state = stream.cached_info().state.clone();
        let mut messages = Vec::new();
        for sequence in state.first_sequence..=state.last_sequence {
            messages.push(stream.get_raw_message(sequence).await.ok()?);
        }
        Some((state.last_sequence, messages))
    }

    /// The stream's last sequence; 0 if there is none.
    pub async fn tail(&self) -> u64 {
        let found = self.context().await.get_stream(self.stream()).await;
        found.map_or(0, |stream| stream.cached_info().state.last_sequence)
    }
}

/// A node with an appender, a feed and a bus.
pub struct Member {
    pub node: Node,
    pub bus: Bus,
}

impl Member {
    pub async fn join(installation: &Installation, backend: Arc<dyn Backend>) -> Self {
        let node = Node::start(backend, AppenderLimits::default()).await;
        let bus = start(installation, &node);
        Self { node, bus }
    }

    /// Until the bus is up.
    pub async fn up(&self) {
        until("the bus is up", async || self.bus.health().fault.is_none()).await;
    }

    pub fn health(&self) -> BusHealth {
        self.bus.health()
    }

    /// Until the stream has all of this node's log; then they must be the same.
    pub async fn published(&self, installation: &Installation) -> Vec<Record> {
        let head = self.node.backend.head().await.unwrap().position;
        let log = all(&*self.node.backend).await;
        let asked = Instant::now();
        // Under way it may be replaced, and is short for a moment.
        let (last, messages) = loop {
            if let Some(contents) = installation.contents().await
                && contents.0 >= head.0
            {
                break contents;
            }
            assert!(asked.elapsed() < PATIENCE, "not all is published: {:?}", self.health());
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(last, head.0, "no message beyond the log");
        let first = messages.first().map_or(head.0 + 1, |message| message.sequence);
        let rest = usize::try_from(first - 1).unwrap();
        assert_eq!(messages.len(), log.len() - rest);
        for (message, record) in messages.iter().zip(&log[rest..]) {
            check(message, record, &installation.source());
        }
        log
    }
}

pub fn start(installation: &Installation, node: &Node) -> Bus {
    start_with(installation, node, vec![installation.url.clone()])
}

pub fn start_with(installation: &Installation, node: &Node, urls: Vec<String>) -> Bus {
    start_as(installation, node, urls, None)
}

pub fn start_as(installation: &Installation, node: &Node, urls: Vec<String>, credentials: Option<PathBuf>) -> Bus {
    let options = BusOptions {
        urls: urls.into_iter().map(Zeroizing::new).collect(),
        credentials_file: credentials,
        prefix: installation.prefix.clone(),
        node_id: "tester".into(),
        installation_id: installation.id,
    };
    let now = Arc::clone(&node.now);
    let clock = Arc::new(move || RecordedAt(now.load(Ordering::SeqCst)));
    Bus::start(options, Arc::clone(&node.backend), Arc::clone(&node.feed), clock)
}

pub async fn postgres(url: &str) -> Arc<dyn Backend> {
    let backend = PostgresBackend::connect(url, 8).await.unwrap();
    backend.migrate().await.unwrap();
    Arc::new(backend)
}

pub async fn memory() -> Arc<dyn Backend> {
    let backend = SqliteBackend::open(None).await.unwrap();
    backend.migrate().await.unwrap();
    Arc::new(backend)
}

/// Polls until `holds`.
pub async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let asked = Instant::now();
    while !holds().await {
        assert!(asked.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The event in a message, parsed and validated by the SDK from its JSON form.
pub fn event(headers: &HeaderMap) -> Event {
    let mut attributes = Map::new();
    for (name, values) in headers.iter() {
        let name: &str = name.as_ref();
        if let Some(name) = name.strip_prefix("ce-") {
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{name}");
            attributes.insert(name.into(), values[0].as_str().into());
        }
    }
    serde_json::from_value(Value::Object(attributes)).unwrap()
}

fn check(message: &StreamMessage, record: &Record, source: &str) {
    use cloudevents::AttributesReader;
    let event = event(&message.headers);
    let extension = |name: &str| event.extension(name).map(ToString::to_string);
    assert_eq!(Position(message.sequence), record.position);
    assert_eq!((event.id(), event.source().as_str()), (record.position.to_string().as_str(), source));
    assert_eq!((event.ty(), event.subject()), (record.kind.as_ref(), Some(record.stream.to_hex().as_str())));
    assert_eq!(event.time().unwrap().timestamp_micros(), record.recorded_at.0);
    assert_eq!(extension("leafhash"), Some(hex(&record.leaf_hash)));
    assert_eq!(extension("commandid"), record.command_id.map(|id| hex(&id.0)));
    match extension("dataref") {
        None => {
            assert_eq!(event.datacontenttype(), Some("application/octet-stream"));
            assert_eq!(message.payload, record.body.as_ref());
        }
        Some(_) => assert!(message.payload.is_empty()),
    }
}
