//! A receiver that fails in every way there is, and remembers what came.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use scaivault_commands::delivery::message::Message;
use scaivault_commands::delivery::post::{Answered, PATIENCE, Post, PostError, Posted, RetryAfter};
use serde_json::Value;

/// What came, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// Which endpoint.
    pub url: String,
    pub event_id: String,
    pub event_type: String,
    pub path: Option<String>,
    pub delivery_id: String,
    pub replay: bool,
    /// Whether it was told that it arrived. Whoever is cut off meanwhile does not hear it.
    pub accepted: bool,
}

/// Answers by chance.
#[derive(Default)]
pub struct Receiver {
    arrivals: Mutex<Vec<Arrival>>,
    state: AtomicU64,
    /// Of a hundred, how many go wrong.
    pub faulty: AtomicU64,
    pub faults: AtomicU64,
    /// Paths whose requests are not answered.
    pub hanging: Mutex<HashSet<String>>,
    /// Endpoints with an answer of their own.
    pub fixed: Mutex<HashMap<String, u16>>,
}

impl Receiver {
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.arrivals.lock().clone()
    }

    /// SplitMix64.
    pub fn chance(&self, below: u64) -> u64 {
        let mut z = self.state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    fn note(&self, message: &Message, accepted: bool) {
        let header = |name: &str| {
            let found = message.headers.iter().find(|(of, _)| *of == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let body: Value = serde_json::from_slice(&message.body).unwrap();
        self.arrivals.lock().push(Arrival {
            url: message.url.to_string(),
            event_id: header("webhook-id"),
            event_type: header("x-scaivault-event-type"),
            path: body["path"].as_str().map(str::to_owned),
            delivery_id: header("x-scaivault-delivery-id"),
            replay: header("x-scaivault-replay") == "true",
            accepted,
        });
    }
}

fn has_path(message: &Message, path: &str) -> bool {
    let body: Value = serde_json::from_slice(&message.body).unwrap();
    body["path"] == path
}

fn answered(status: u16, retry_after: Option<RetryAfter>) -> Posted {
    let answer = Ok(Answered { status, retry_after, body: Some("noted".into()) });
    Posted { took: Duration::from_millis(1), answer }
}

#[async_trait]
impl Post for Receiver {
    async fn post(&self, message: &Message) -> Posted {
        tokio::time::sleep(Duration::from_micros(self.chance(2_000))).await;
        if self.hanging.lock().iter().any(|path| has_path(message, path)) {
            tokio::time::sleep(PATIENCE).await;
            return Posted { took: PATIENCE, answer: Err(PostError::Timeout) };
        }
        if let Some(status) = self.fixed.lock().get(message.url.as_ref()).copied() {
            self.note(message, (200..300).contains(&status));
            return answered(status, None);
        }
        if self.chance(100) >= self.faulty.load(Ordering::SeqCst) {
            self.note(message, true);
            // The answer takes its time, and nobody may be there to hear it.
            tokio::time::sleep(Duration::from_micros(self.chance(1_000))).await;
            return answered(200, None);
        }
        self.faults.fetch_add(1, Ordering::SeqCst);
        let failed = |error| Posted { took: Duration::from_millis(1), answer: Err(error) };
        match self.chance(6) {
            0 => failed(PostError::Connection),
            // It came, but nobody hears so.
            1 => {
                self.note(message, false);
                failed(PostError::Timeout)
            }
            2 => answered(302, None),
            3 => answered(503, Some(RetryAfter::Seconds(20))),
            4 => {
                self.note(message, false);
                answered(500, None)
            }
            _ => failed(PostError::Tls),
        }
    }
}
