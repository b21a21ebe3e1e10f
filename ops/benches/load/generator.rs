//! The load: many connections in one thread over the kernel's event queue, each sending its next request as soon as its
//! answer is there. One thread and no runtime, because it shares the processors with what it measures.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use crate::connection::{Answer, Connection};
use crate::failure::{self, Failure};
use crate::histogram::Histogram;
use crate::requests::Requests;

/// How often the generator looks at the clock when nothing happens.
const TICK: Duration = Duration::from_millis(50);
/// How long answers may take after the last request was sent.
const DRAIN: Duration = Duration::from_secs(30);

/// Open connections to one server.
pub(crate) struct Generator {
    poll: Poll,
    connections: Vec<Connection>,
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

    fn count(&mut self, answer: &Answer, latency: Duration) {
        if (200..300).contains(&answer.status) {
            self.latency.record(latency);
            self.body_bytes += answer.body_bytes as u64;
        } else {
            self.error(format!("status {}", answer.status));
        }
    }

    fn error(&mut self, text: String) {
        *self.errors.entry(text).or_default() += 1;
    }
}

// === impl Generator ===

impl Generator {
    /// Connects so many times.
    pub(crate) fn open(address: SocketAddr, connections: u16) -> io::Result<Self> {
        let poll = Poll::new()?;
        let open = |index| Connection::open(address, poll.registry(), Token(usize::from(index)));
        let connections = (0..connections).map(open).collect::<io::Result<_>>()?;
        Ok(Self { poll, connections })
    }

    /// Sends `requests` until they end or `length` is over. What is answered later does not count,
    /// but for an error. `watch` is told the number of answers several times a second.
    pub(crate) fn run(
        &mut self,
        requests: &mut dyn Requests,
        length: Duration,
        mut watch: impl FnMut(u64),
    ) -> Result<Outcome, Failure> {
        let begun = Instant::now();
        let mut outcome = Outcome::new();
        let mut under_way = 0_usize;
        for connection in &mut self.connections {
            under_way += usize::from(connection.ask(begun, |out| requests.next(out))?);
        }
        let mut events = Events::with_capacity(1_024);
        let (mut next_tick, mut last) = (begun, begun);
        while under_way > 0 {
            if let Err(error) = self.poll.poll(&mut events, Some(TICK))
                && error.kind() != io::ErrorKind::Interrupted
            {
                return Err(error.into());
            }
            if last >= next_tick {
                failure::check()?;
                watch(outcome.latency.total());
                next_tick = last + TICK;
            }
            for event in &events {
                let Some(connection) = self.connections.get_mut(event.token().0) else { continue };
                let Some(sent_at) = connection.sent_at else { continue };
                let answer = connection.flush().and_then(|()| connection.answer());
                if let Ok(None) = answer {
                    continue;
                }
                last = Instant::now();
                let over = last - begun >= length;
                connection.sent_at = None;
                under_way -= 1;
                match answer {
                    Ok(Some(answer)) if !over || !(200..300).contains(&answer.status) => {
                        outcome.count(&answer, last - sent_at);
                    }
                    Ok(_) => {}
                    Err(error) => {
                        outcome.error(format!("connection: {error}"));
                        continue;
                    }
                }
                if !over {
                    match connection.ask(last, |out| requests.next(out)) {
                        Ok(asked) => under_way += usize::from(asked),
                        Err(error) => outcome.error(format!("connection: {error}")),
                    }
                }
            }
            if events.is_empty() {
                last = Instant::now();
                if last - begun > length.saturating_add(DRAIN) {
                    outcome.error("no answer".to_owned());
                    break;
                }
            }
        }
        outcome.elapsed = (last - begun).min(length);
        Ok(outcome)
    }
}
