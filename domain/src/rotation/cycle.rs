//! What is kept of a secret that is attached: to what, since when, and what has been told and tried of its due date.

use serde::{Deserialize, Serialize};

use super::{Basis, RotationPolicyReference, Schedule};
use crate::{DurationText, IdentityId, Timestamp};

/// After how many seconds an automatic attempt that failed is repeated; the last one again and again.
const RETRY_SECONDS: [i64; 5] = [60, 5 * 60, 15 * 60, 3_600, 6 * 3_600];

/// What brought a rotation about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The clock.
    Schedule,
    /// A call that asked for it.
    Manual,
    /// A write that counted as one.
    Write,
}

impl Trigger {
    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Manual => "manual",
            Self::Write => "write",
        }
    }
}

/// To which policy a secret is attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The policy.
    pub policy: RotationPolicyReference,
    /// Since when.
    pub at: Timestamp,
    /// By whom.
    pub by: IdentityId,
    /// Since when the value that was current then was there.
    pub value_since: Timestamp,
    /// What has been told and tried since the last rotation.
    pub cycle: Cycle,
}

/// What has been told and tried of a due date.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycle {
    /// Of which one; another due date has none of it.
    pub due_at: Option<Timestamp>,
    /// Warnings given.
    pub warned: Vec<DurationText>,
    /// When it was told that it is due.
    pub told_at: Option<Timestamp>,
    /// Whether it was told that it is overdue.
    pub told_overdue: bool,
    /// Automatic attempts that failed.
    pub failures: u32,
    /// When the next one is made.
    pub next_attempt_at: Option<Timestamp>,
    /// Who asked for a rotation that is not made yet, and when: it is due since then.
    pub asked: Option<(Timestamp, IdentityId)>,
}

impl Attachment {
    /// What the due date rests on, given the last rotation and that of the paired secret.
    pub fn basis(&self, rotated_at: Option<Timestamp>, paired: Option<Timestamp>) -> Basis {
        Basis { since: rotated_at.unwrap_or(self.value_since), attached_at: self.at, paired }
    }
}

impl Cycle {
    /// The schedule, unless somebody asked for a rotation: then it is due since that moment.
    pub fn schedule(&self, regular: Schedule) -> Schedule {
        self.asked.as_ref().map_or(regular, |(at, _)| Schedule { due_at: *at, since: *at })
    }

    /// The same, emptied if it is about another due date.
    #[must_use]
    pub fn of(&self, due_at: Timestamp) -> Self {
        match self.due_at == Some(due_at) {
            true => self.clone(),
            false => Self { due_at: Some(due_at), ..Self::default() },
        }
    }

    /// Number of the next attempt.
    pub fn attempt(&self) -> u32 {
        self.failures.saturating_add(1)
    }

    /// When to try again after an attempt at `now` that failed.
    pub fn retry_at(&self, now: Timestamp) -> Timestamp {
        let index = usize::try_from(self.failures).unwrap_or(usize::MAX).min(RETRY_SECONDS.len() - 1);
        now.plus_seconds(RETRY_SECONDS.get(index).copied().unwrap_or_default())
    }
}
