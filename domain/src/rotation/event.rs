//! What happens to rotation policies. All of a tenant's stand in one stream; what happens to the secrets that are
//! attached stands in theirs.

use serde::{Deserialize, Serialize};

use super::{Content, RotationPolicyId};
use crate::secret_policy::PolicyUid;

/// A change of a rotation policy. The names are those stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RotationPolicyEvent {
    /// It came to be, active.
    #[serde(rename = "rotation_policy.created")]
    Created {
        /// Which.
        id: RotationPolicyId,
        /// Which of those that have or had this id.
        uid: PolicyUid,
        /// What it says.
        content: Content,
    },
    /// It says something else.
    #[serde(rename = "rotation_policy.updated")]
    Updated {
        /// Which.
        id: RotationPolicyId,
        /// What it says.
        content: Content,
        /// Whether it is active.
        is_active: bool,
    },
    /// It is gone, and its secrets are attached to nothing.
    #[serde(rename = "rotation_policy.deleted")]
    Deleted {
        /// Which.
        id: RotationPolicyId,
    },
}

impl RotationPolicyEvent {
    /// Every stored type.
    pub const KINDS: [&'static str; 3] =
        ["rotation_policy.created", "rotation_policy.updated", "rotation_policy.deleted"];

    /// Stored type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Created { .. } => "rotation_policy.created",
            Self::Updated { .. } => "rotation_policy.updated",
            Self::Deleted { .. } => "rotation_policy.deleted",
        }
    }
}
