//! A secret: versions of a value under one path, with metadata, options and expiry.
//!
//! `decide` functions (one file per command) are pure and total; [`Secret::evolve`] folds their
//! events. Whatever is due by the clock is settled before any decision, see [`settle`].

pub mod attach;
pub mod condition;
pub mod delete;
pub mod event;
mod evolve;
pub mod metadata;
pub mod options;
mod own_keys;
pub mod read;
pub mod restore;
pub mod rotate;
pub mod scheduled;
pub mod settle;
pub mod update;
pub mod version;
pub mod write;

use std::sync::Arc;

use serde_json::Value;

pub use condition::Condition;
pub use event::SecretEvent;
pub use metadata::Metadata;
pub use options::{Expiry, NoticeTimes, Options};
pub use own_keys::OwnKeys;
pub use version::{Handover, SecretType, Version, VersionState};

use crate::rotation::{Agenda, Attachment, RotationPolicy, RotationPolicyReference};
use crate::secret_policy::SecretPolicyReference;
use crate::{ErrorCode, IdentityId, Rejection, SecretPath, Timestamp};

/// Longest value, in bytes of compact JSON.
pub const MAX_DATA: usize = 524_288;

/// State of one secret, from its first version to its hard deletion.
///
/// A path without a secret is the absence of this.
#[derive(Clone, Debug, PartialEq)]
pub struct Secret {
    /// Its name.
    pub path: SecretPath,
    /// Versions ever written, oldest first, destroyed ones included.
    pub versions: Vec<Version>,
    /// Not secret, searchable.
    pub metadata: Metadata,
    /// How it is kept.
    pub options: Options,
    /// When it ends, and what has been said about it.
    pub expiry: Option<Expiry>,
    /// First version.
    pub created_at: Timestamp,
    /// Last new version or metadata change.
    pub updated_at: Timestamp,
    /// Set while soft-deleted.
    pub deleted: Option<Deletion>,
    /// The last rotation.
    pub rotated_at: Option<Timestamp>,
    /// To which rotation policy it is attached. Counts as nothing once that policy is gone.
    pub attachment: Option<Arc<Attachment>>,
}

/// A soft deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// When.
    pub deleted_at: Timestamp,
    /// Until when it can be restored.
    pub recoverable_until: Timestamp,
}

/// What a command leads to: events for the log, and what the caller is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<T> {
    /// In order; none if nothing changes.
    pub events: Vec<SecretEvent>,
    /// For the answer.
    pub outcome: T,
}

impl Secret {
    /// The version served by default: the highest live one.
    pub fn current(&self) -> Option<&Version> {
        self.versions.iter().rev().find(|version| version.is_live())
    }

    /// Number of the current version.
    pub fn current_number(&self) -> Option<u32> {
        self.current().map(|version| version.number)
    }

    /// The version of that number.
    pub fn version(&self, number: u32) -> Option<&Version> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        self.versions.get(index)
    }

    /// The same without the policies that it names, unless they are there.
    #[must_use]
    pub fn with_policies(
        mut self,
        is_there: impl Fn(&SecretPolicyReference) -> bool,
        is_rotated: impl Fn(&RotationPolicyReference) -> bool,
    ) -> Self {
        self.options.secret_policy = self.options.secret_policy.filter(|reference| is_there(reference));
        self.attachment = self.attachment.filter(|attachment| is_rotated(&attachment.policy));
        self
    }

    /// Versions that still have a value.
    pub fn valued(&self) -> impl DoubleEndedIterator<Item = &Version> {
        self.versions.iter().filter(|version| version.has_value())
    }

    /// When it ends.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expiry.as_ref().map(|expiry| expiry.at)
    }

    /// What is to be done about it under the policy that it is attached to.
    pub fn agenda<'p>(&self, policy: &'p RotationPolicy, paired: Option<Timestamp>) -> Option<Agenda<'p>> {
        let attachment = self.attachment.as_ref().filter(|attachment| attachment.policy == policy.reference())?;
        let schedule = policy.schedule(&self.path, attachment.basis(self.rotated_at, paired));
        Some(Agenda::new(policy, schedule, &attachment.cycle))
    }

    /// Versions that a rotation replaced and whose consumers are waited for, those included whose value is gone since.
    pub fn handovers(&self) -> impl Iterator<Item = (&Version, &Handover)> {
        self.versions.iter().filter_map(|version| Some((version, version.handover.as_deref()?)))
    }

    /// Whether its end has passed.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at().is_some_and(|end| end <= now)
    }

    /// Positions of the records whose data keys `events` destroy.
    pub fn shredded_by(&self, events: &[SecretEvent]) -> Vec<u64> {
        let mut positions = Vec::new();
        for event in events {
            match event {
                SecretEvent::VersionDestroyed { version, .. } => {
                    positions.extend(
                        self.version(*version).filter(|version| version.has_value()).map(|version| version.position),
                    );
                }
                SecretEvent::Destroyed { .. } => positions.extend(self.valued().map(|version| version.position)),
                SecretEvent::Created { .. }
                | SecretEvent::VersionAdded { .. }
                | SecretEvent::MetadataUpdated { .. }
                | SecretEvent::VersionDeleted { .. }
                | SecretEvent::VersionRestored { .. }
                | SecretEvent::CurrentVersionChanged { .. }
                | SecretEvent::Deleted { .. }
                | SecretEvent::Restored { .. }
                | SecretEvent::ExpiryAnnounced { .. }
                | SecretEvent::Expired { .. }
                | SecretEvent::RotationAttached { .. }
                | SecretEvent::RotationDetached {}
                | SecretEvent::RotationDue { .. }
                | SecretEvent::RotationOverdue { .. }
                | SecretEvent::RotationFailed(_)
                | SecretEvent::GraceFinished { .. }
                | SecretEvent::StragglersFound(_) => {}
            }
        }
        positions.sort_unstable();
        positions.dedup();
        positions
    }

    /// Applies events that have no position yet, to see what a decision would lead to.
    pub fn preview(state: Option<Self>, events: &[SecretEvent], now: Timestamp, path: &SecretPath) -> Option<Self> {
        Self::preview_by(None, state, events, now, path)
    }

    /// The same, with who is behind the events.
    pub fn preview_by(
        actor: Option<&IdentityId>,
        state: Option<Self>,
        events: &[SecretEvent],
        now: Timestamp,
        path: &SecretPath,
    ) -> Option<Self> {
        let facts = evolve::Facts { position: 0, at: now, actor: actor.cloned() };
        events.iter().fold(state, |state, event| Self::evolve(state, path, event, &facts))
    }
}

pub use evolve::Facts;

/// `secret_not_found`; a soft-deleted secret says until when it can be restored.
pub fn not_found(path: &SecretPath, deletion: Option<Deletion>) -> Rejection {
    let rejection =
        Rejection::new(ErrorCode::SecretNotFound, format!("Secret '{path}' not found")).detail("path", path.as_str());
    match deletion {
        Some(deletion) => with_deletion(rejection, deletion),
        None => rejection,
    }
}

fn with_deletion(rejection: Rejection, deletion: Deletion) -> Rejection {
    rejection
        .detail("deleted_at", deletion.deleted_at.to_string())
        .detail("recoverable_until", deletion.recoverable_until.to_string())
}

/// `version_not_found` with its reason.
pub fn version_not_found(path: &SecretPath, version: Option<u32>, reason: &str) -> Rejection {
    let what = match (version, reason) {
        (Some(number), "unknown") => format!("Secret '{path}' has no version {number}"),
        (Some(number), "deleted") => format!("Version {number} of secret '{path}' is deleted"),
        (Some(number), "destroyed") => format!("Version {number} of secret '{path}' is destroyed"),
        (Some(number), "grace_period_ended") => {
            format!("Version {number} of secret '{path}' cannot be read any more: its grace period has ended")
        }
        (Some(number), _) => format!("Version {number} of secret '{path}' cannot be read"),
        (None, _) => format!("Secret '{path}' had no readable version at that moment"),
    };
    Rejection::new(ErrorCode::VersionNotFound, what)
        .detail("path", path.as_str())
        .detail("version", version.map_or(Value::Null, Value::from))
        .detail("reason", reason)
}

/// The live secret, or `secret_not_found`.
pub fn live<'a>(secret: Option<&'a Secret>, path: &SecretPath) -> Result<&'a Secret, Rejection> {
    match secret {
        Some(secret) if secret.deleted.is_none() => Ok(secret),
        Some(secret) => Err(not_found(path, secret.deleted)),
        None => Err(not_found(path, None)),
    }
}
