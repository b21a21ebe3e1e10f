//! Requests as they go over the wire, made before the clock runs.

use std::net::SocketAddr;

use crate::dataset::{Dataset, Sequence};

/// Distinct requests of one kind; they are sent in turn.
const SMALL: usize = 65_536;
/// The same where one asks for much.
const LARGE: usize = 8_192;
/// Values of one batch read.
pub(crate) const BATCH_VALUES: usize = 20;
/// Rows of a list.
pub(crate) const LIST_ROWS: u32 = 50;
/// Rows of a page.
pub(crate) const PAGE_ROWS: u32 = 200;

/// Where requests come from.
pub(crate) trait Requests {
    /// Appends the next request; false if there is none left.
    fn next(&mut self, out: &mut Vec<u8>) -> bool;
}

/// Whom to ask, as whom.
#[derive(Clone)]
pub(crate) struct Client {
    /// The server.
    pub(crate) address: SocketAddr,
    /// Its administrator's token.
    pub(crate) token: String,
    /// What it holds.
    pub(crate) dataset: Dataset,
}

/// Requests that are ready, over and over again.
pub(crate) struct Prepared {
    requests: Vec<Box<[u8]>>,
    next: usize,
}

/// The first write of every secret, once.
pub(crate) struct Seeding {
    client: Client,
    next: u64,
}

// === impl Client ===

impl Client {
    /// Reads of secrets drawn by chance.
    pub(crate) fn reads(&self) -> Prepared {
        self.prepare(SMALL, 1, |random| self.get(&format!("/{}", self.any(random))))
    }

    /// Writes of further versions.
    pub(crate) fn writes(&self) -> Prepared {
        self.prepare(SMALL, 2, |random| {
            let number = random.below(self.dataset.count);
            let body = self.dataset.body(number, random.next());
            self.with_body("PUT", &format!("/{}", self.dataset.path(number)), &body)
        })
    }

    /// First pages of a team's list.
    pub(crate) fn lists(&self) -> Prepared {
        self.prepare(LARGE, 3, |random| {
            self.get(&format!("?prefix={}&limit={LIST_ROWS}", self.dataset.prefix(random.next())))
        })
    }

    /// Largest pages of what a team has with a tag.
    pub(crate) fn pages(&self) -> Prepared {
        self.prepare(LARGE, 4, |random| {
            let (prefix, tag) = (self.dataset.prefix(random.next()), self.dataset.tag(random.next()));
            self.get(&format!("?prefix={prefix}&tag={tag}&limit={PAGE_ROWS}"))
        })
    }

    /// Batch reads of secrets drawn by chance.
    pub(crate) fn batches(&self) -> Prepared {
        self.prepare(LARGE, 5, |random| {
            let paths: Vec<String> = (0..BATCH_VALUES).map(|_| format!("\"{}\"", self.any(random))).collect();
            self.with_body("POST", "/batch", &format!("{{\"paths\":[{}]}}", paths.join(",")))
        })
    }

    /// Writes of everything.
    pub(crate) fn seeding(&self) -> Seeding {
        Seeding { client: self.clone(), next: 0 }
    }

    fn any(&self, random: &mut Sequence) -> String {
        self.dataset.path(random.below(self.dataset.count))
    }

    fn prepare(&self, count: usize, seed: u64, make: impl Fn(&mut Sequence) -> String) -> Prepared {
        let mut random = Sequence::new(seed);
        let requests = (0..count).map(|_| make(&mut random).into_bytes().into_boxed_slice()).collect();
        Prepared { requests, next: 0 }
    }

    fn get(&self, rest: &str) -> String {
        format!("{}\r\n", self.head("GET", rest))
    }

    fn with_body(&self, method: &str, rest: &str, body: &str) -> String {
        let head = self.head(method, rest);
        format!("{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    fn head(&self, method: &str, rest: &str) -> String {
        let Self { address, token, .. } = self;
        format!("{method} /v1/secrets{rest} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n")
    }
}

// === impl Prepared ===

impl Prepared {
    /// One of them.
    pub(crate) fn sample(&self) -> &[u8] {
        self.requests.first().map(AsRef::as_ref).unwrap_or_default()
    }
}

impl Requests for Prepared {
    fn next(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(request) = self.requests.get(self.next % self.requests.len().max(1)) else { return false };
        out.extend_from_slice(request);
        self.next = self.next.wrapping_add(1);
        true
    }
}

// === impl Seeding ===

impl Requests for Seeding {
    fn next(&mut self, out: &mut Vec<u8>) -> bool {
        let Client { dataset, .. } = self.client;
        if self.next >= dataset.count {
            return false;
        }
        let (path, body) = (dataset.path(self.next), dataset.body(self.next, 0));
        out.extend_from_slice(self.client.with_body("PUT", &format!("/{path}"), &body).as_bytes());
        self.next += 1;
        true
    }
}
