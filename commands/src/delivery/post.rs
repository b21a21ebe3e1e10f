//! Sending one message as a port.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use scaivault_domain::Timestamp;

use super::message::Message;

/// Longest wait from the start of connecting to the end of the answer's headers.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Most of an answer's body that is kept, in bytes.
pub const BODY: usize = 1_024;

/// Sends over HTTP: once, within [`PATIENCE`], without following redirects, only to addresses that are open.
#[async_trait]
pub trait Post: Send + Sync {
    /// What came of it.
    async fn post(&self, message: &Message) -> Posted;
}

/// What came of sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// How long it took.
    pub took: Duration,
    /// The answer, or why there is none.
    pub answer: Result<Answered, PostError>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// When it asks to be sent again.
    pub retry_after: Option<RetryAfter>,
    /// The beginning of its body.
    pub body: Option<Arc<str>>,
}

/// `Retry-After` (RFC 9110, section 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// After so many seconds.
    Seconds(i64),
    /// At a moment.
    At(Timestamp),
}

impl RetryAfter {
    /// Seconds from `now` on.
    pub fn seconds_from(self, now: Timestamp) -> i64 {
        match self {
            Self::Seconds(seconds) => seconds,
            Self::At(at) => at.as_seconds() - now.as_seconds(),
        }
    }
}

/// Why there is no answer. Says nothing of what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostError {
    /// It took too long.
    Timeout,
    /// The name has no address.
    Dns,
    /// Nobody answers there, or the connection broke.
    Connection,
    /// The certificate is not trusted, or TLS failed otherwise.
    Tls,
    /// Its address may not be connected to.
    BlockedAddress,
}

impl PostError {
    /// In the words of the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Dns => "dns_error",
            Self::Connection => "connection_error",
            Self::Tls => "tls_error",
            Self::BlockedAddress => "blocked_address",
        }
    }
}

/// Nothing is sent.
pub struct Nowhere;

#[async_trait]
impl Post for Nowhere {
    async fn post(&self, _message: &Message) -> Posted {
        Posted { took: Duration::ZERO, answer: Err(PostError::Connection) }
    }
}
