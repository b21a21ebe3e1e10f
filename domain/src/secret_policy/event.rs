//! What happens to secret policies. All of a tenant's stand in one stream.

use serde::{Deserialize, Serialize};

use super::{Content, PolicyUid, SecretPolicyId};

/// A change of a secret policy. The names are those stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretPolicyEvent {
    /// It came to be.
    #[serde(rename = "secret_policy.created")]
    Created {
        /// Which.
        id: SecretPolicyId,
        /// Which of those that have or had this id.
        uid: PolicyUid,
        /// What it says.
        content: Content,
    },
    /// It says something else.
    #[serde(rename = "secret_policy.updated")]
    Updated {
        /// Which.
        id: SecretPolicyId,
        /// What it says.
        content: Content,
    },
    /// It is gone, and references to it count as none.
    #[serde(rename = "secret_policy.deleted")]
    Deleted {
        /// Which.
        id: SecretPolicyId,
    },
}

impl SecretPolicyEvent {
    /// Every stored type.
    pub const KINDS: [&'static str; 3] = ["secret_policy.created", "secret_policy.updated", "secret_policy.deleted"];

    /// Stored type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Created { .. } => "secret_policy.created",
            Self::Updated { .. } => "secret_policy.updated",
            Self::Deleted { .. } => "secret_policy.deleted",
        }
    }
}
