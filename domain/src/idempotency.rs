//! Outcomes kept so that a repeated request gets the first one's answer.

use serde::{Deserialize, Serialize};

use crate::{IdentityId, Timestamp};

/// How long an outcome is kept, in seconds.
pub const KEPT_SECONDS: i64 = 24 * 3_600;

/// The first outcome under an idempotency key. Its body is the record's erasable part: a credential
/// shown once must not lie open in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeKept {
    /// Whose key.
    pub identity: IdentityId,
    /// SHA-256 of the key, hexadecimal.
    pub key_sha256: String,
    /// SHA-256 over method, path, query and body, hexadecimal.
    pub request_sha256: String,
    /// HTTP status.
    pub status: u16,
    /// `ETag` of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}
