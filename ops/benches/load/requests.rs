//! Requests, made before the clock runs.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request};
use http_body_util::Full;

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
    /// The next request, if there is one left.
    fn next(&mut self) -> Option<Request<Full<Bytes>>>;
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
    requests: Vec<Request<Full<Bytes>>>,
    next: usize,
}

/// The first write of every secret, once.
pub(crate) struct Seeding {
    client: Client,
    next: u64,
}

// === impl Client ===

fn secrets(rest: &str) -> String {
    format!("/v1/secrets{rest}")
}

impl Client {
    /// Reads of secrets drawn by chance.
    pub(crate) fn reads(&self) -> Prepared {
        self.prepare(SMALL, 1, |random| {
            self.request(Method::GET, &secrets(&format!("/{}", self.any(random))), String::new())
        })
    }

    /// Writes of further versions.
    pub(crate) fn writes(&self) -> Prepared {
        self.prepare(SMALL, 2, |random| {
            let number = random.below(self.dataset.count);
            let body = self.dataset.body(number, random.next());
            self.request(Method::PUT, &secrets(&format!("/{}", self.dataset.path(number))), body)
        })
    }

    /// First pages of a team's list.
    pub(crate) fn lists(&self) -> Prepared {
        self.prepare(LARGE, 3, |random| {
            let query = format!("?prefix={}&limit={LIST_ROWS}", self.dataset.prefix(random.next()));
            self.request(Method::GET, &secrets(&query), String::new())
        })
    }

    /// Largest pages of what a team has with a tag.
    pub(crate) fn pages(&self) -> Prepared {
        self.prepare(LARGE, 4, |random| {
            let (prefix, tag) = (self.dataset.prefix(random.next()), self.dataset.tag(random.next()));
            self.request(Method::GET, &secrets(&format!("?prefix={prefix}&tag={tag}&limit={PAGE_ROWS}")), String::new())
        })
    }

    /// Batch reads of secrets drawn by chance.
    pub(crate) fn batches(&self) -> Prepared {
        self.prepare(LARGE, 5, |random| {
            let paths: Vec<String> = (0..BATCH_VALUES).map(|_| format!("\"{}\"", self.any(random))).collect();
            self.request(Method::POST, &secrets("/batch"), format!("{{\"paths\":[{}]}}", paths.join(",")))
        })
    }

    /// Writes of everything.
    pub(crate) fn seeding(&self) -> Seeding {
        Seeding { client: self.clone(), next: 0 }
    }

    fn any(&self, random: &mut Sequence) -> String {
        self.dataset.path(random.below(self.dataset.count))
    }

    fn prepare(&self, count: usize, seed: u64, make: impl Fn(&mut Sequence) -> Request<Full<Bytes>>) -> Prepared {
        let mut random = Sequence::new(seed);
        Prepared { requests: (0..count).map(|_| make(&mut random)).collect(), next: 0 }
    }

    /// A request as this client.
    #[allow(clippy::expect_used, reason = "the benchmark makes them all itself")]
    pub(crate) fn request(&self, method: Method, target: &str, body: String) -> Request<Full<Bytes>> {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(HOST, self.address.to_string())
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body));
        request.expect("paths, tags and tokens are plain ASCII")
    }
}

// === impl Prepared ===

impl Prepared {
    /// One of them.
    pub(crate) fn sample(&self) -> Option<Request<Full<Bytes>>> {
        self.requests.first().cloned()
    }
}

impl Requests for Prepared {
    fn next(&mut self) -> Option<Request<Full<Bytes>>> {
        let request = self.requests.get(self.next % self.requests.len().max(1))?;
        self.next = self.next.wrapping_add(1);
        Some(request.clone())
    }
}

// === impl Seeding ===

impl Requests for Seeding {
    fn next(&mut self) -> Option<Request<Full<Bytes>>> {
        let Client { dataset, .. } = self.client;
        if self.next >= dataset.count {
            return None;
        }
        let (path, body) = (dataset.path(self.next), dataset.body(self.next, 0));
        self.next += 1;
        Some(self.client.request(Method::PUT, &secrets(&format!("/{path}")), body))
    }
}
