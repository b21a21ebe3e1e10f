//! The load: connections of an ordinary client, hyper, each sending its next request as soon as its answer is there. All
//! on one thread, because it shares the processors with what it measures.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::{join_all, try_join_all};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{interval, timeout};

use crate::failure::{self, Failure};
use crate::histogram::Histogram;
use crate::requests::Requests;

/// How often the run looks up.
const TICK: Duration = Duration::from_millis(50);
/// How long answers may take after the last request was sent.
const DRAIN: Duration = Duration::from_secs(30);

/// Open connections to one server.
pub(crate) struct Generator {
    runtime: Runtime,
    connections: Vec<SendRequest<Full<Bytes>>>,
}

/// What came of a load.
pub(crate) struct Outcome {
    /// Time in which answers count.
    pub(crate) elapsed: Duration,
    /// Processor time that the server used in it.
    pub(crate) processor_time: Duration,
    /// From request to answer, of those answered with 2xx.
    pub(crate) latency: Histogram,
    /// Bytes of all their bodies.
    pub(crate) body_bytes: u64,
    /// What went wrong, and how often: a status other than 2xx, or a broken connection.
    pub(crate) errors: BTreeMap<String, u64>,
}

// === impl Outcome ===

impl Outcome {
    /// Of nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            elapsed: Duration::ZERO,
            processor_time: Duration::ZERO,
            latency: Histogram::new(),
            body_bytes: 0,
            errors: BTreeMap::new(),
        }
    }

    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.latency.total() as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// Mean length of a body.
    pub(crate) fn mean_body_bytes(&self) -> u64 {
        self.body_bytes / self.latency.total().max(1)
    }

    /// Whether there were answers, and nothing else.
    pub(crate) fn is_valid(&self) -> bool {
        self.errors.is_empty() && self.latency.total() > 0
    }

    /// Processor time of an answer, errors included.
    pub(crate) fn processor_time_each(&self) -> Duration {
        let answers = self.latency.total() + self.errors.values().sum::<u64>();
        self.processor_time.div_f64(answers.max(1) as f64)
    }

    /// Adds another load of the same kind, which ran before or after.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.elapsed += other.elapsed;
        self.processor_time += other.processor_time;
        self.latency.merge(&other.latency);
        self.body_bytes += other.body_bytes;
        for (text, count) in &other.errors {
            *self.errors.entry(text.clone()).or_default() += count;
        }
    }

    fn count(&mut self, status: u16, body_bytes: u64, latency: Duration) {
        if (200..300).contains(&status) {
            self.latency.record(latency);
            self.body_bytes += body_bytes;
        } else {
            self.error(format!("status {status}"));
        }
    }

    fn error(&mut self, text: String) {
        *self.errors.entry(text).or_default() += 1;
    }
}

/// A load while it runs.
struct Load<'r> {
    requests: &'r mut dyn Requests,
    begun: Instant,
    length: Duration,
    /// When the last answer came.
    last: Instant,
    outcome: Outcome,
}

// === impl Load ===

impl Load<'_> {
    /// The next request and when it is sent, unless the time is over or there is none left.
    fn next(&mut self) -> Option<(Request<Full<Bytes>>, Instant)> {
        let now = Instant::now();
        if now - self.begun >= self.length {
            return None;
        }
        Some((self.requests.next()?, now))
    }

    /// Takes an answer. What comes after the end does not count, but for an error.
    fn take(&mut self, sent_at: Instant, answer: hyper::Result<(u16, u64)>) {
        self.last = Instant::now();
        let over = self.last - self.begun >= self.length;
        match answer {
            Ok((status, _)) if over && (200..300).contains(&status) => {}
            Ok((status, body_bytes)) => self.outcome.count(status, body_bytes, self.last - sent_at),
            Err(error) => self.outcome.error(format!("connection: {error}")),
        }
    }
}

// === impl Generator ===

impl Generator {
    /// Connects so many times.
    pub(crate) fn open(address: SocketAddr, connections: u16) -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let connections = runtime.block_on(try_join_all((0..connections).map(|_| connect(address))))?;
        Ok(Self { runtime, connections })
    }

    /// Sends `requests` until they end or `length` is over. `watch` is told the number of answers
    /// several times a second.
    pub(crate) fn run(
        &mut self,
        requests: &mut dyn Requests,
        length: Duration,
        mut watch: impl FnMut(u64),
    ) -> Result<Outcome, Failure> {
        let begun = Instant::now();
        let load = RefCell::new(Load { requests, begun, length, last: begun, outcome: Outcome::new() });
        let watching = async {
            let mut ticks = interval(TICK);
            loop {
                ticks.tick().await;
                if let Err(failure) = failure::check() {
                    return failure;
                }
                watch(load.borrow().outcome.latency.total());
            }
        };
        let sending = join_all(self.connections.iter_mut().map(|connection| drive(connection, &load)));
        self.runtime.block_on(async {
            tokio::select! {
                failure = watching => Err(failure),
                sent = timeout(length.saturating_add(DRAIN), sending) => {
                    if sent.is_err() {
                        load.borrow_mut().outcome.error("no answer".to_owned());
                    }
                    Ok(())
                }
            }
        })?;
        let Load { last, mut outcome, .. } = load.into_inner();
        outcome.elapsed = (last - begun).min(length);
        Ok(outcome)
    }
}

/// A connection, driven by the runtime it is made on.
pub(crate) async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>, Failure> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // Whoever sends on it hears of its end.
    tokio::spawn(connection);
    Ok(sender)
}

/// One connection, from its first request to its last answer.
async fn drive(connection: &mut SendRequest<Full<Bytes>>, load: &RefCell<Load<'_>>) {
    loop {
        let Some((request, sent_at)) = load.borrow_mut().next() else { return };
        let answer = exchange(connection, request).await;
        let broken = answer.is_err();
        load.borrow_mut().take(sent_at, answer);
        if broken {
            return;
        }
    }
}

/// Status of an answer and length of its body, once all of it is here.
async fn exchange(
    connection: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> hyper::Result<(u16, u64)> {
    connection.ready().await?;
    let answer = connection.send_request(request).await?;
    let status = answer.status().as_u16();
    let mut body: Incoming = answer.into_body();
    let mut body_bytes = 0;
    while let Some(frame) = body.frame().await {
        body_bytes += frame?.data_ref().map_or(0, Bytes::len) as u64;
    }
    Ok((status, body_bytes))
}
