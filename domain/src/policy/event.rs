//! What happens to policies and their bindings.

use serde::{Deserialize, Serialize};

use super::{Binding, Content};
use crate::id::BindingId;
use crate::{IdentityId, PolicyId, Timestamp};

/// A change of a policy or binding. The names are those stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PolicyEvent {
    /// It came to be, at revision 1.
    #[serde(rename = "policy.created")]
    Created {
        /// Which.
        id: PolicyId,
        /// What it says.
        content: Content,
    },
    /// It says something else.
    #[serde(rename = "policy.updated")]
    Updated {
        /// Which.
        id: PolicyId,
        /// At which revision, from now on.
        revision: u64,
        /// What it says.
        content: Content,
    },
    /// It is gone; its bindings went before it.
    #[serde(rename = "policy.deleted")]
    Deleted {
        /// Which.
        id: PolicyId,
        /// At which revision it went.
        revision: u64,
        /// Its name, for those who are told.
        name: String,
        /// How many rules it had.
        rule_count: u32,
    },
    /// It was bound.
    #[serde(rename = "policy.binding.created")]
    Bound(Binding),
    /// A binding got another end.
    #[serde(rename = "policy.binding.renewed")]
    Renewed {
        /// Which.
        id: BindingId,
        /// Of which policy.
        policy_id: PolicyId,
        /// Its end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
    },
    /// It was unbound.
    #[serde(rename = "policy.binding.deleted")]
    Unbound {
        /// Which.
        id: BindingId,
        /// Of which policy.
        policy_id: PolicyId,
        /// From whom.
        identity: IdentityId,
        /// Whether its end had come.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        expired: bool,
    },
}

impl PolicyEvent {
    /// Every stored type.
    pub const KINDS: [&'static str; 6] = [
        "policy.created",
        "policy.updated",
        "policy.deleted",
        "policy.binding.created",
        "policy.binding.renewed",
        "policy.binding.deleted",
    ];

    /// Stored type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Created { .. } => "policy.created",
            Self::Updated { .. } => "policy.updated",
            Self::Deleted { .. } => "policy.deleted",
            Self::Bound(_) => "policy.binding.created",
            Self::Renewed { .. } => "policy.binding.renewed",
            Self::Unbound { .. } => "policy.binding.deleted",
        }
    }
}
