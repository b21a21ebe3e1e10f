//! What a log record consists of, before and after it has a position.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Number of a record in the log: 1, 2, 3 … without holes. Orders all changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position(pub u64);

impl Position {
    /// Before the first record.
    pub const START: Self = Self(0);

    /// The position that follows.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of a record in its stream: 1, 2, 3 …; 0 is the revision of a stream without records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision of a stream without records.
    pub const NONE: Self = Self(0);

    /// The revision that follows.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Microseconds since the Unix epoch at which a record was made. Never decreases along the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordedAt(pub i64);

/// Opaque name of a stream: an HMAC of its kind and natural key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub [u8; 32]);

impl StreamId {
    /// Lower-case hexadecimal digits, as in Merkle leaves.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

/// Names one command for ever; the log accepts each once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(pub [u8; 16]);

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// The data key of a record's erasable part, wrapped by the owner's key.
///
/// Kept beside the log, never in it: destroying it erases the part for good.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedDataKey(pub Box<[u8]>);

impl fmt::Debug for WrappedDataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}

/// A sealed record that has no position yet.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// Stream it belongs to.
    pub stream: StreamId,
    /// Its revision there: one more than the revision it was decided upon.
    pub revision: Revision,
    /// Stored type, such as `secret.created`.
    pub kind: Cow<'static, str>,
    /// Version of the body's schema.
    pub schema_version: u16,
    /// When it was made; the log may move it forward to keep its order.
    pub recorded_at: RecordedAt,
    /// Sealed body.
    pub body: Box<[u8]>,
    /// SHA-256 of `body`.
    pub body_sha256: [u8; 32],
    /// RFC 9162 root over the audit entries it holds.
    pub entries_root: Option<[u8; 32]>,
    /// Key of its erasable part, if it has one.
    pub data_key: Option<WrappedDataKey>,
}

/// A record as the log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Number in the log.
    pub position: Position,
    /// Stream it belongs to.
    pub stream: StreamId,
    /// Number in that stream.
    pub revision: Revision,
    /// Stored type, such as `secret.created`.
    pub kind: Cow<'static, str>,
    /// Version of the body's schema.
    pub schema_version: u16,
    /// When it was made.
    pub recorded_at: RecordedAt,
    /// Set on the first record of each command.
    pub command_id: Option<CommandId>,
    /// Sealed body.
    pub body: Box<[u8]>,
    /// SHA-256 of `body`, as stored.
    pub body_sha256: [u8; 32],
    /// RFC 9162 root over the audit entries it holds.
    pub entries_root: Option<[u8; 32]>,
    /// Leaf of the Merkle tree over the log, as stored.
    pub leaf_hash: [u8; 32],
    /// Key of its erasable part; `None` if it has none, or it was destroyed.
    pub data_key: Option<WrappedDataKey>,
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    push_hex(&mut text, bytes);
    text
}

/// The same at the end of a text.
pub(crate) fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from(if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble }));
        }
    }
}
