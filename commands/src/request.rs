//! A request that changes something, as far as commands care.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use scaivault_domain::{IdentityId, Owner};
use scaivault_projections::outcomes::OutcomeKey;

use crate::EntryDraft;

/// Who changes what where, and what must be recorded along with it.
#[derive(Clone, Debug)]
pub struct ChangeRequest {
    /// Where.
    pub owner: Owner,
    /// Who.
    pub actor: IdentityId,
    /// The request.
    pub request_id: Arc<str>,
    /// The entry that becomes durable with the change.
    pub entry: EntryDraft,
    /// Set if the request carries an idempotency key.
    pub idempotency: Option<IdempotentRequest>,
    /// Told when the change goes to the log.
    pub handed: Handed,
}

/// Whether something of a request was handed to the log: from then on nobody but the log can say what
/// became of it. Clones tell of the same request.
#[derive(Clone, Debug, Default)]
pub struct Handed(Arc<AtomicBool>);

impl Handed {
    /// Something is about to be.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether something was.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// An idempotency key with the request it came with.
#[derive(Clone, Debug)]
pub struct IdempotentRequest {
    /// Under what the outcome is kept.
    pub key: OutcomeKey,
    /// SHA-256 over method, path, query and body, hexadecimal.
    pub request_sha256: String,
}
