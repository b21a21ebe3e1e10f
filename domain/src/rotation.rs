//! Rotation policies: how often a value is replaced, how long the replaced version stays readable, who is told.
//!
//! All of it is pure. [`schedule`] says when a secret is due, [`cycle`] what has been told and tried of a due date, and
//! [`agenda`] what is to be done at a moment; whoever asks brings the moment.

pub mod agenda;
pub mod cycle;
pub mod decide;
pub mod event;
pub mod reference;
pub mod schedule;
pub mod warnings;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::policy::TimeWindow;
use crate::secret_policy::{PolicyUid, SecretPolicyReference};
use crate::{DurationText, SecretPath, Timestamp};

pub use agenda::{Agenda, Status};
pub use cycle::{Attachment, Cycle, Trigger};
pub use event::RotationPolicyEvent;
pub use reference::{RotationPolicyId, RotationPolicyReference};
pub use schedule::{Basis, Schedule};
pub use warnings::Warnings;

/// Longest name, in characters.
pub const MAX_NAME: usize = 100;
/// Longest description, in characters.
pub const MAX_DESCRIPTION: usize = 1_000;
/// Most webhooks.
pub const MAX_WEBHOOKS: usize = 20;
/// How often, in seconds.
pub const INTERVAL_SECONDS: std::ops::RangeInclusive<i64> = 10..=3_650 * 86_400;
/// Grace periods and distances, in seconds.
pub const GRACE_SECONDS: std::ops::RangeInclusive<i64> = 1..=365 * 86_400;
/// The grace period where none is given.
pub const DEFAULT_GRACE: &str = "48h";

/// A rotation policy as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RotationPolicy {
    /// `rot_` and the slug of the name it was made with.
    pub id: RotationPolicyId,
    /// Tells it from others that had its id before, or will have it.
    pub uid: PolicyUid,
    /// What it says.
    pub content: Content,
    /// A disabled one pauses.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Since when its schedule is as it is.
    pub scheduled_since: Timestamp,
}

/// What a rotation policy says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// Unique in its tenant, ignoring case, and by slug.
    pub name: Arc<str>,
    /// For people.
    #[serde(default)]
    pub description: Arc<str>,
    /// From one rotation to the next.
    pub interval: DurationText,
    /// How long a replaced version stays readable.
    pub grace_period: DurationText,
    /// When to tell before a rotation.
    #[serde(default)]
    pub warn_before: Warnings,
    /// Whether values are made here.
    pub auto_generate: bool,
    /// The recipe for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_policy: Option<SecretPolicyReference>,
    /// When the schedule may fire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<TimeWindow>,
    /// From which rotations it keeps away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_distance: Option<MinDistance>,
    /// Whether grace ends once all consumers have moved.
    #[serde(default)]
    pub finish_when_moved: bool,
    /// Who is told besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhook_ids: Vec<Arc<str>>,
}

/// Least time between a rotation of an attached secret and one of another secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinDistance {
    /// The other secret.
    pub path: SecretPath,
    /// The time.
    pub duration: DurationText,
}

impl RotationPolicy {
    /// What an attached secret keeps of it.
    pub fn reference(&self) -> RotationPolicyReference {
        RotationPolicyReference { id: self.id.clone(), uid: self.uid }
    }
}

impl Content {
    /// Whether secrets are due at the same moments under `other`.
    pub fn schedules_as(&self, other: &Self) -> bool {
        self.interval.seconds() == other.interval.seconds()
            && self.window == other.window
            && self.min_distance == other.min_distance
            && self.warn_before == other.warn_before
    }
}
