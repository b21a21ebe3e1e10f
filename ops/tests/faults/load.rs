//! Mixed load: clients that read, write, delete and restore the same few secrets on all nodes, and remember it all.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::api::Answer as Reply;
use crate::caller::{Caller, Request, Shared, Told};
use crate::history::{Answer, Call, Condition, Operation};
use crate::random::Random;

/// Clients at a time.
const CLIENTS: u64 = 6;
/// Secrets they share; on the last one they also erase.
const PATHS: u64 = 3;
/// Versions a secret keeps: it is not written more often.
const WRITES: u64 = 90;
/// How often a request is repeated with its key.
const REPETITIONS: usize = 40;

/// What clients do besides reading and writing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// Everything.
    All,
    /// Nothing that the clock brings to an end: no deletion with a recovery window, no key with a day to live.
    Timeless,
}

/// A running load.
pub struct Load {
    stop: Arc<AtomicBool>,
    clients: JoinSet<()>,
    operations: Arc<Mutex<Vec<Operation>>>,
    /// Beginning of all its paths.
    pub prefix: String,
}

impl Load {
    /// Starts clients on paths of their own.
    pub fn start(shared: &Arc<Shared>, prefix: &str, mix: Mix, seed: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let operations = Arc::<Mutex<Vec<Operation>>>::default();
        let writes: Arc<Vec<AtomicU64>> = Arc::new((0..PATHS).map(|_| AtomicU64::new(0)).collect());
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let client = Client {
                caller: Caller::new(shared),
                random: Random::new(seed, number + 1),
                prefix: prefix.into(),
                mix,
                stop: stop.clone(),
                writes: writes.clone(),
                operations: operations.clone(),
                last_version: 1,
            };
            clients.spawn(client.run());
        }
        Self { stop, clients, operations, prefix: prefix.into() }
    }

    /// Ends it and returns what was done.
    pub async fn stop(self) -> Vec<Operation> {
        self.stop.store(true, Ordering::SeqCst);
        self.clients.join_all().await;
        std::mem::take(&mut self.operations.lock().unwrap())
    }

    /// How much was done so far.
    pub fn count(&self) -> usize {
        self.operations.lock().unwrap().len()
    }
}

/// Whether values of all versions of a path can be read at the end.
pub fn keeps_versions(path: &str) -> bool {
    !path.ends_with(&format!("/{}", PATHS - 1))
}

struct Client {
    caller: Caller,
    random: Random,
    prefix: String,
    mix: Mix,
    stop: Arc<AtomicBool>,
    writes: Arc<Vec<AtomicU64>>,
    operations: Arc<Mutex<Vec<Operation>>>,
    last_version: u64,
}

impl Client {
    async fn run(mut self) {
        while !self.stop.load(Ordering::SeqCst) {
            let node = self.node();
            let path_number = self.random.below(PATHS);
            let path = format!("{}/{path_number}", self.prefix);
            let erases = path_number == PATHS - 1;
            let answered = match self.random.below(100) {
                0..40 => self.once(node, &path, Call::Read).await,
                40..46 => self.list(node).await,
                46..52 if self.mix == Mix::All => self.once(node, &path, Call::Delete).await,
                52..60 if self.mix == Mix::All => self.once(node, &path, Call::Restore).await,
                60..64 if erases => self.once(node, &path, Call::Erase).await,
                _ => self.write(node, &path, path_number).await,
            };
            // A node that is gone is not asked a thousand times a second.
            let pause_ms = if answered { self.random.below(6) } else { 20 + self.random.below(30) };
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
    }

    fn node(&mut self) -> usize {
        usize::try_from(self.random.below(self.caller.shared.nodes.len() as u64)).unwrap()
    }

    /// One request without repetition.
    async fn once(&mut self, node: usize, path: &str, call: Call) -> bool {
        let request = request(path, call);
        let invoked = self.caller.shared.now();
        let told = self.caller.send(node, request).await;
        self.note(path, call, Some(node), invoked, told)
    }

    async fn write(&mut self, node: usize, path: &str, path_number: u64) -> bool {
        let written = &self.writes[usize::try_from(path_number).unwrap()];
        if written.fetch_add(1, Ordering::Relaxed) >= WRITES {
            return self.once(node, path, Call::Read).await;
        }
        let condition = match self.random.below(10) {
            0 => Condition::Absent,
            1 | 2 => Condition::Version(self.last_version),
            _ => Condition::Always,
        };
        let value = self.caller.shared.number();
        let call = Call::Write { value, condition };
        if self.mix == Mix::All && self.random.below(3) == 0 {
            return self.insist(node, path, call, value).await;
        }
        self.once(node, path, call).await
    }

    /// With a key: repeated on any node until it is known what became of it.
    async fn insist(&mut self, first: usize, path: &str, call: Call, value: u64) -> bool {
        let invoked = self.caller.shared.now();
        let (mut node, mut nodes, mut perhaps) = (first, Some(first), false);
        for _ in 0..REPETITIONS {
            let mut request = request(path, call);
            request.headers.push(("idempotency-key", format!("key {value}")));
            let told = self.caller.send(node, request).await;
            match told {
                Told::Reply(_) => return self.note(path, call, nodes, invoked, told),
                Told::Refused(_) if !perhaps => return self.note(path, call, nodes, invoked, told),
                Told::Refused(_) | Told::Unknown(_) => perhaps = true,
            }
            tokio::time::sleep(Duration::from_millis(50 + self.random.below(100))).await;
            node = self.node();
            nodes = nodes.filter(|asked| *asked == node);
        }
        self.note(path, call, None, invoked, Told::Unknown(String::new()))
    }

    /// A list says something of each path.
    async fn list(&mut self, node: usize) -> bool {
        let address = format!("?prefix={}/", self.prefix);
        let request = Request { address, path: None, action: "list", ..Request::read("", "") };
        let invoked = self.caller.shared.now();
        let Told::Reply(reply) = self.caller.send(node, request).await else { return false };
        let answered = self.caller.shared.now();
        let rows = reply.json();
        let rows = rows["secrets"].as_array().unwrap();
        for path in (0..PATHS).map(|number| format!("{}/{number}", self.prefix)) {
            let version = rows.iter().find(|row| row["path"] == path.as_str()).and_then(|row| row["version"].as_u64());
            let answered = Some((answered, Answer::Listed { version }));
            let operation = Operation { path, call: Call::Row, node: Some(node as u64), invoked, answered };
            self.operations.lock().unwrap().push(operation);
        }
        true
    }

    /// Whether it was answered.
    fn note(&mut self, path: &str, call: Call, node: Option<usize>, invoked: u64, told: Told) -> bool {
        let answered = match told {
            Told::Refused(_) => return false,
            Told::Unknown(_) => None,
            Told::Reply(reply) => match understand(call, &reply) {
                Some(answer) => Some((self.caller.shared.now(), answer)),
                None => {
                    self.caller.shared.defect(format!("{call:?} of {path} was answered {reply:?}"));
                    return false;
                }
            },
        };
        if let Some((_, Answer::Value { version, .. } | Answer::Wrote { version, .. })) = answered {
            self.last_version = version;
        }
        let node = node.map(|node| node as u64);
        self.operations.lock().unwrap().push(Operation { path: path.into(), call, node, invoked, answered });
        answered.is_some()
    }
}

fn request(path: &str, call: Call) -> Request<'_> {
    match call {
        Call::Read | Call::Row => Request::read(path, ""),
        Call::Write { value, condition } => {
            let mut request = Request::write(path, value);
            match condition {
                Condition::Always => {}
                Condition::Absent => request.headers.push(("if-none-match", "*".into())),
                Condition::Version(version) => request.headers.push(("if-match", format!("\"{version}\""))),
            }
            request
        }
        Call::Delete => Request { method: Method::DELETE, action: "delete", ..Request::read(path, "") },
        Call::Erase => Request { method: Method::DELETE, action: "delete", ..Request::read(path, "?permanent=true") },
        Call::Restore => Request {
            method: Method::POST,
            address: format!("/{path}/restore"),
            action: "restore",
            ..Request::read(path, "")
        },
    }
}

/// What an answer says.
fn understand(call: Call, reply: &Reply) -> Option<Answer> {
    let body: Value = serde_json::from_str(&reply.text).unwrap_or_default();
    let (code, details) = (body["error"]["code"].as_str(), &body["error"]["details"]);
    let version = || body["version"].as_u64();
    Some(match (reply.status, call) {
        (404, _) if details["deleted_at"].is_string() => Answer::Gone,
        (404, _) => Answer::Missing,
        (409, _) if code == Some("secret_exists") => Answer::Exists,
        (409, _) => Answer::Conflict { current: details["current_version"].as_u64() },
        (200, Call::Read) => Answer::Value { version: version()?, value: body["data"]["value"].as_u64()? },
        (200 | 201, Call::Write { .. }) => Answer::Wrote { version: version()?, created: reply.status == 201 },
        (200, Call::Delete) => Answer::Deleted,
        (204, Call::Erase) => Answer::Erased,
        (200, Call::Restore) if body["restored"] == true => Answer::Restored { version: version()? },
        (200, Call::Restore) => Answer::Unchanged { version: version()? },
        _ => return None,
    })
}
