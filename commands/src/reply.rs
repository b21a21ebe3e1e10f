//! An answer as it leaves, and as it is kept for repetitions.

use std::{fmt, io};

use scaivault_eventstore::Position;
use zeroize::Zeroizing;

/// Status, tag and body of an answer.
#[derive(Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// `ETag`.
    pub etag: Option<String>,
    /// JSON body; empty for 204. May hold a credential that is shown once.
    pub body: Zeroizing<Vec<u8>>,
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: &impl serde::Serialize) -> Result<Self, serde_json::Error> {
        Self::json_sized(status, body, 1_024)
    }

    /// A JSON answer of about `size` bytes. One that is longer costs a copy.
    pub fn json_sized(status: u16, body: &impl serde::Serialize, size: usize) -> Result<Self, serde_json::Error> {
        let mut text = Wiped(Zeroizing::new(Vec::with_capacity(size)));
        serde_json::to_writer(&mut text, body)?;
        Ok(Self { status, etag: None, body: text.0 })
    }

    /// 204.
    pub fn no_content() -> Self {
        Self { status: 204, etag: None, body: Zeroizing::default() }
    }

    /// With an `ETag` of a version.
    #[must_use]
    pub fn with_version_tag(mut self, version: u32) -> Self {
        self.etag = Some(format!("\"{version}\""));
        self
    }
}

/// A buffer that leaves nothing behind when it grows: what it outgrew is wiped.
struct Wiped(Zeroizing<Vec<u8>>);

impl Wiped {
    #[cold]
    fn grow(&mut self, more: usize) {
        let needed = self.0.len() + more;
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * self.0.capacity())));
        larger.extend_from_slice(&self.0);
        self.0 = larger;
    }
}

impl io::Write for Wiped {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    // JSON comes in pieces of a few bytes.
    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > self.0.capacity() - self.0.len() {
            self.grow(bytes.len());
        }
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply {{ status: {}, [sealed] }}", self.status)
    }
}

/// A reply whose change, audit entry and kept outcome are durable and folded here.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What to say.
    pub reply: Reply,
    /// Up to where another node must have read to see the change.
    pub position: Position,
    /// Whether this is the outcome of an earlier request with the same idempotency key.
    pub replayed: bool,
}
