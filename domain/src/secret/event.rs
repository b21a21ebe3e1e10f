//! What can happen to a secret, as stored.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Metadata, Options, SecretType};
use crate::rotation::{RotationPolicy, RotationPolicyReference, Trigger};
use crate::{DurationText, IdentityId, Timestamp};

/// One event of a secret. Values are never in it: they are the erasable part of the record.
///
/// Stored under the name of its type, not of its variant: the latter may change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SecretEvent {
    /// First version of a new history at the path.
    #[serde(rename = "secret.created")]
    Created {
        /// Type of the value.
        secret_type: SecretType,
        /// Metadata.
        metadata: Metadata,
        /// Options.
        options: Options,
        /// Its end.
        expires_at: Option<Timestamp>,
    },
    /// A further version.
    #[serde(rename = "secret.version_added")]
    VersionAdded {
        /// Its number.
        version: u32,
        /// The version that was current.
        previous_version: Option<u32>,
        /// Type of the value.
        secret_type: SecretType,
        /// Metadata, if replaced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<Metadata>,
        /// Options, if changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        options: Option<Options>,
        /// Its end.
        expires_at: Option<Timestamp>,
        /// Set if the version came by rotation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rotation: Option<Rotation>,
    },
    /// Metadata or options changed without a new version.
    #[serde(rename = "secret.metadata_updated")]
    MetadataUpdated {
        /// The current version.
        version: Option<u32>,
        /// Metadata, if changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<Metadata>,
        /// Options, if they or the end changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        options: Option<Options>,
        /// Its end.
        expires_at: Option<Timestamp>,
    },
    /// A version's value is gone for good.
    #[serde(rename = "secret.version_destroyed")]
    VersionDestroyed {
        /// Which.
        version: u32,
        /// Why.
        reason: DestroyReason,
    },
    /// A version was soft-deleted on its own.
    #[serde(rename = "secret.version_deleted")]
    VersionDeleted {
        /// Which.
        version: u32,
        /// Until when it can be restored.
        recoverable_until: Timestamp,
    },
    /// A soft-deleted version came back.
    #[serde(rename = "secret.version_restored")]
    VersionRestored {
        /// Which.
        version: u32,
        /// Whether the soft-deleted secret comes back with it, told by an event of its own.
        with_secret: bool,
    },
    /// Deleting, destroying or restoring a version made another one current.
    #[serde(rename = "secret.current_version_changed")]
    CurrentVersionChanged {
        /// Which was.
        old_version: u32,
        /// Which is.
        new_version: u32,
    },
    /// The secret was soft-deleted.
    #[serde(rename = "secret.deleted")]
    Deleted {
        /// Until when it can be restored.
        recoverable_until: Timestamp,
        /// Versions that have a value.
        version_count: u32,
    },
    /// A soft-deleted secret came back.
    #[serde(rename = "secret.restored")]
    Restored {
        /// The current version afterwards.
        version: u32,
    },
    /// The secret and all its values are gone for good.
    #[serde(rename = "secret.destroyed")]
    Destroyed {
        /// Why.
        reason: DestroyReason,
        /// Versions that had a value.
        version_count: u32,
    },
    /// A notice before its end.
    #[serde(rename = "secret.expiry_announced")]
    ExpiryAnnounced {
        /// The notice, as configured.
        threshold: DurationText,
        /// The end.
        expires_at: Timestamp,
        /// Remaining time in days, rounded up.
        days_remaining: i64,
    },
    /// Its end came.
    #[serde(rename = "secret.expired")]
    Expired {
        /// The end.
        expires_at: Timestamp,
    },
    /// It was attached to a rotation policy, or moved there.
    #[serde(rename = "secret.rotation_attached")]
    RotationAttached {
        /// Which.
        policy: RotationPolicyReference,
    },
    /// It was detached from its rotation policy.
    #[serde(rename = "secret.rotation_detached")]
    RotationDetached {},
    /// It will be due for rotation, or is.
    #[serde(rename = "secret.rotation_due")]
    RotationDue {
        /// Under which policy.
        policy: NamedPolicy,
        /// When.
        due_at: Timestamp,
        /// How long before, for a warning; none when it is due.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        warning: Option<DurationText>,
        /// Whether somebody asked for it.
        #[serde(default)]
        asked: bool,
    },
    /// Due, and without a new value for longer than the grace period.
    #[serde(rename = "secret.rotation_overdue")]
    RotationOverdue {
        /// Under which policy.
        policy: NamedPolicy,
        /// When it was due.
        due_at: Timestamp,
        /// Since when it is overdue.
        overdue_since: Timestamp,
    },
    /// No value could be made.
    #[serde(rename = "secret.rotation_failed")]
    RotationFailed(FailedRotation),
    /// A grace period ended early: all consumers have moved.
    #[serde(rename = "secret.grace_finished")]
    GraceFinished {
        /// Of which version.
        version: u32,
    },
    /// Consumers are still on a version that a rotation replaced.
    #[serde(rename = "secret.stragglers_found")]
    StragglersFound(Stragglers),
}

/// How a version came by rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Until when the replaced version stays readable.
    pub grace_ends_at: Timestamp,
    /// As given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// Under which policy, if the secret was attached to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<Box<UnderPolicy>>,
}

/// How a rotation came about under a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnderPolicy {
    /// The policy.
    pub policy: NamedPolicy,
    /// What brought it about.
    pub trigger: Trigger,
    /// Whether the value was made here.
    pub auto_generated: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// Number of the attempt for its due date.
    pub attempt: u32,
    /// Whether grace ends once all consumers have moved.
    #[serde(default)]
    pub finish_when_moved: bool,
}

/// A rotation policy, as it was called then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedPolicy {
    /// Which.
    #[serde(flatten)]
    pub reference: RotationPolicyReference,
    /// Its name.
    pub name: Arc<str>,
}

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRotation {
    /// Under which policy.
    pub policy: NamedPolicy,
    /// Of which due date, if it was an attempt of the schedule; others are not repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// What brought it about.
    pub trigger: Trigger,
    /// When it began.
    pub started_at: Timestamp,
    /// The version that was to be replaced, and stayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_version: Option<u32>,
    /// Number of the attempt for its due date.
    pub attempt: u32,
    /// When the next one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// Code of the contract.
    pub code: Arc<str>,
    /// For people.
    pub message: Arc<str>,
}

/// Who is still on a version that a rotation replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stragglers {
    /// Under which policy.
    pub policy: NamedPolicy,
    /// The version that was replaced.
    pub old_version: u32,
    /// By which.
    pub new_version: u32,
    /// Until when it is readable.
    pub grace_ends_at: Timestamp,
    /// Whether that has come.
    pub ended: bool,
    /// Consumers that have moved.
    pub moved: u32,
    /// Consumers that have not.
    pub missing: u32,
    /// Of these the first hundred, last reader first.
    pub stragglers: Vec<Straggler>,
}

/// A consumer that has not moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Straggler {
    /// Who.
    pub identity: IdentityId,
    /// Its last read.
    pub last_read_at: Timestamp,
}

/// Why a value is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DestroyReason {
    /// Somebody asked for it.
    Requested,
    /// More versions than the secret keeps.
    AgedOut,
    /// The recovery window ended.
    RecoveryEnded,
}

impl DestroyReason {
    /// As in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::AgedOut => "aged_out",
            Self::RecoveryEnded => "recovery_ended",
        }
    }
}

impl NamedPolicy {
    /// A policy as it is called now.
    pub fn of(policy: &RotationPolicy) -> Self {
        Self { reference: policy.reference(), name: policy.content.name.clone() }
    }
}

impl SecretEvent {
    /// Every stored type.
    pub const KINDS: [&'static str; 19] = [
        "secret.created",
        "secret.version_added",
        "secret.metadata_updated",
        "secret.version_destroyed",
        "secret.version_deleted",
        "secret.version_restored",
        "secret.current_version_changed",
        "secret.deleted",
        "secret.restored",
        "secret.destroyed",
        "secret.expiry_announced",
        "secret.expired",
        "secret.rotation_attached",
        "secret.rotation_detached",
        "secret.rotation_due",
        "secret.rotation_overdue",
        "secret.rotation_failed",
        "secret.grace_finished",
        "secret.stragglers_found",
    ];

    /// Stored type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Created { .. } => "secret.created",
            Self::VersionAdded { .. } => "secret.version_added",
            Self::MetadataUpdated { .. } => "secret.metadata_updated",
            Self::VersionDestroyed { .. } => "secret.version_destroyed",
            Self::VersionDeleted { .. } => "secret.version_deleted",
            Self::VersionRestored { .. } => "secret.version_restored",
            Self::CurrentVersionChanged { .. } => "secret.current_version_changed",
            Self::Deleted { .. } => "secret.deleted",
            Self::Restored { .. } => "secret.restored",
            Self::Destroyed { .. } => "secret.destroyed",
            Self::ExpiryAnnounced { .. } => "secret.expiry_announced",
            Self::Expired { .. } => "secret.expired",
            Self::RotationAttached { .. } => "secret.rotation_attached",
            Self::RotationDetached {} => "secret.rotation_detached",
            Self::RotationDue { .. } => "secret.rotation_due",
            Self::RotationOverdue { .. } => "secret.rotation_overdue",
            Self::RotationFailed(_) => "secret.rotation_failed",
            Self::GraceFinished { .. } => "secret.grace_finished",
            Self::StragglersFound(_) => "secret.stragglers_found",
        }
    }

    /// Whether the record carries a value.
    pub fn has_value(&self) -> bool {
        matches!(self, Self::Created { .. } | Self::VersionAdded { .. })
    }
}
