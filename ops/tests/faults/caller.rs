//! Sends requests to nodes, holds every answer against what any answer must be, and notes what became of each.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Answer as Reply;

/// `REQUEST_TIMEOUT` of the nodes.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// What an answer may take beyond that on a machine that is busy otherwise.
const SLACK: Duration = Duration::from_secs(5);
/// When a client leaves without an answer.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How ids of requests begin here; the server's own begin otherwise.
pub const OWN: &str = "fault-";

/// One request, as the audit log must know it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// `X-Request-ID`.
    pub id: String,
    /// As the audit log names it.
    pub action: &'static str,
    /// Secret concerned.
    pub path: Option<String>,
    /// Status of the answer; `None` without one.
    pub status: Option<u16>,
    /// `details.reason` of a 503, or that it was never sent.
    pub reason: Option<String>,
    /// Version in the answer.
    pub version: Option<u64>,
    /// Value that was to be written.
    pub value: Option<u64>,
    /// The server says that it repeats an earlier answer.
    pub replayed: bool,
}

/// What all clients of an installation share.
pub struct Shared {
    /// Base addresses of the nodes; a new one after each start.
    pub nodes: Vec<RwLock<String>>,
    token: String,
    start: Instant,
    /// Highest position in any answer so far.
    position: AtomicU64,
    number: AtomicU64,
    sent: Mutex<Vec<Sent>>,
    defects: Mutex<Vec<String>>,
    longest_ms: AtomicU64,
}

/// What became of one request.
pub enum Told {
    /// An answer that tells what happened.
    Reply(Reply),
    /// It was certainly not carried out, for this reason.
    Refused(String),
    /// It may have been carried out.
    Unknown(String),
}

impl Shared {
    /// The token of all clients.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Of nodes at these addresses.
    pub fn new(nodes: Vec<String>, token: String) -> Arc<Self> {
        Arc::new(Self {
            nodes: nodes.into_iter().map(RwLock::new).collect(),
            token,
            start: Instant::now(),
            position: AtomicU64::new(0),
            number: AtomicU64::new(1),
            sent: Mutex::default(),
            defects: Mutex::default(),
            longest_ms: AtomicU64::new(0),
        })
    }

    /// A number nobody else has.
    pub fn number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    /// Nanoseconds since the beginning.
    pub fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap()
    }

    /// Something that must never be.
    pub fn defect(&self, text: String) {
        eprintln!("DEFECT at {:.3} s: {text}", self.start.elapsed().as_secs_f64());
        self.defects.lock().unwrap().push(text);
    }

    /// Everything that must never be and was.
    pub fn defects(&self) -> Vec<String> {
        self.defects.lock().unwrap().clone()
    }

    /// All requests so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    /// Longest time to an answer, in milliseconds.
    pub fn longest_ms(&self) -> u64 {
        self.longest_ms.load(Ordering::Relaxed)
    }

    fn seen(&self, position: u64) {
        self.position.fetch_max(position, Ordering::SeqCst);
    }
}

/// Somebody with connections of its own.
#[derive(Clone)]
pub struct Caller {
    client: reqwest::Client,
    pub shared: Arc<Shared>,
}

/// What is sent.
pub struct Request<'a> {
    pub method: Method,
    /// Below `/v1/secrets`, query included.
    pub address: String,
    /// Secret concerned.
    pub path: Option<&'a str>,
    pub action: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Value>,
    /// Value that is to be written.
    pub value: Option<u64>,
}

impl Request<'_> {
    /// The value at `path`, or one version of it.
    pub fn read<'a>(path: &'a str, query: &str) -> Request<'a> {
        Request {
            method: Method::GET,
            address: format!("/{path}{query}"),
            path: Some(path),
            action: "read",
            headers: Vec::new(),
            body: None,
            value: None,
        }
    }

    /// A new version at `path`.
    pub fn write(path: &str, value: u64) -> Request<'_> {
        let body = json!({"data": {"value": value}, "options": {"max_versions": 100}});
        Request {
            method: Method::PUT,
            action: "write",
            body: Some(body),
            value: Some(value),
            ..Request::read(path, "")
        }
    }
}

impl Caller {
    /// With connections of its own.
    pub fn new(shared: &Arc<Shared>) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { client, shared: shared.clone() }
    }

    /// Sends to a node. Clients carry the highest position that any answer to any of them had before.
    pub async fn send(&self, node: usize, request: Request<'_>) -> Told {
        let shared = &self.shared;
        let id = format!("{OWN}{}", shared.number());
        let url = shared.nodes[node].read().unwrap().clone();
        let mut building = self
            .client
            .request(request.method.clone(), format!("{url}/v1/secrets{}", request.address))
            .bearer_auth(&shared.token)
            .header("x-request-id", &id)
            .header("x-scaivault-position", shared.position.load(Ordering::SeqCst));
        for (name, value) in &request.headers {
            building = building.header(*name, value);
        }
        if let Some(body) = &request.body {
            building = building.json(body);
        }
        let asked = Instant::now();
        let answered = async {
            let response = building.send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok(Reply { status, headers, text: response.text().await? })
        };
        let answered: Result<Reply, reqwest::Error> = answered.await;
        let took = asked.elapsed();
        let what = || format!("{} {} ({id}, node {node})", request.method, request.address);
        let mut sent = Sent {
            id: id.clone(),
            action: request.action,
            path: request.path.map(str::to_owned),
            status: None,
            reason: None,
            version: None,
            value: request.value,
            replayed: false,
        };
        let told = match answered {
            Ok(reply) => {
                shared.longest_ms.fetch_max(u64::try_from(took.as_millis()).unwrap(), Ordering::Relaxed);
                if took > REQUEST_TIMEOUT + SLACK {
                    shared.defect(format!("{} was answered {} after {took:?}: {}", what(), reply.status, reply.text));
                }
                self.judge(&what(), &id, reply, &mut sent)
            }
            Err(error) if error.is_timeout() => {
                let text = format!("{} was not answered in {took:?}", what());
                shared.defect(text.clone());
                Told::Unknown(text)
            }
            // Never sent.
            Err(error) if error.is_connect() => {
                sent.reason = Some("unconnected".into());
                Told::Refused(format!("{}: {error}", what()))
            }
            Err(error) => Told::Unknown(format!("{}: {error}", what())),
        };
        shared.sent.lock().unwrap().push(sent);
        told
    }

    /// Sends until it is not refused, or the time is up: a node that serves again may still come upon a connection that
    /// has become silent.
    pub async fn insist<'a>(&self, node: usize, in_time: Instant, request: impl Fn() -> Request<'a>) -> Told {
        loop {
            match self.send(node, request()).await {
                Told::Refused(_) if Instant::now() < in_time => tokio::time::sleep(Duration::from_millis(50)).await,
                told @ (Told::Reply(_) | Told::Refused(_) | Told::Unknown(_)) => return told,
            }
        }
    }

    /// What any answer must be, whatever happens around the node.
    fn judge(&self, what: &str, id: &str, reply: Reply, sent: &mut Sent) -> Told {
        let shared = &self.shared;
        sent.status = Some(reply.status);
        sent.replayed = reply.header("idempotency-replayed") == Some("true");
        if reply.header("x-request-id") != Some(id) {
            shared.defect(format!("{what} has lost its id: {reply:?}"));
        }
        if let Some(position) = reply.header("x-scaivault-position") {
            shared.seen(position.parse().unwrap());
        }
        let body: Value = serde_json::from_str(&reply.text).unwrap_or_default();
        sent.version = body["version"].as_u64();
        let error = &body["error"];
        // A repeated refusal is that of the first request, id included.
        if reply.status >= 400 && ((error["request_id"] != id && !sent.replayed) || !error["message"].is_string()) {
            shared.defect(format!("{what} has no envelope: {reply:?}"));
        }
        let code = error["code"].as_str().unwrap_or_default();
        match (reply.status, code) {
            (200 | 201 | 204, "") => Told::Reply(reply),
            (404, "secret_not_found") | (409, "secret_exists" | "version_conflict") => Told::Reply(reply),
            (503, "service_unavailable") => {
                let reason = error["details"]["reason"].as_str().unwrap_or_default().to_owned();
                if reply.header("retry-after").and_then(|text| text.parse::<u64>().ok()).is_none_or(|wait| wait == 0) {
                    shared.defect(format!("{what}: 503 without Retry-After: {reply:?}"));
                }
                let unknown = reason == "outcome_unknown";
                let text = format!("{what}: {reason}");
                sent.reason = Some(reason);
                if unknown { Told::Unknown(text) } else { Told::Refused(text) }
            }
            _ => {
                let text = format!("{what} was answered {reply:?}");
                shared.defect(text.clone());
                Told::Unknown(text)
            }
        }
    }
}
