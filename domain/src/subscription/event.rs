//! What happens to subscriptions. All of a tenant's stand in one stream; what becomes of their events stands in theirs
//! ([`crate::delivery`]).

use serde::{Deserialize, Serialize};

use super::{Content, Home};
use crate::IdentityId;
use crate::endpoint::DisabledReason;
use crate::id::SubscriptionId;

/// A change of a subscription. The names are those stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SubscriptionEvent {
    /// It came to be. What it signs with, if it is pushed, is in the erasable part.
    #[serde(rename = "subscription.created")]
    Created {
        /// Which.
        id: SubscriptionId,
        /// Whose.
        owner: IdentityId,
        /// Where its owner is at home, if that is not the tenant that it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        home: Option<Home>,
        /// What it says.
        content: Content,
    },
    /// It says something else, and is no longer disabled if it was. Where there is an erasable part, that is what it
    /// signs with from now on.
    #[serde(rename = "subscription.updated")]
    Updated {
        /// Which.
        id: SubscriptionId,
        /// What it says.
        content: Content,
        /// Why nothing is pushed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        disabled: Option<DisabledReason>,
    },
    /// The server gave its URL up.
    #[serde(rename = "subscription.disabled")]
    Disabled {
        /// Which.
        id: SubscriptionId,
        /// Why.
        reason: DisabledReason,
    },
    /// It is gone, and so are its events.
    #[serde(rename = "subscription.deleted")]
    Deleted {
        /// Which.
        id: SubscriptionId,
    },
}

impl SubscriptionEvent {
    /// Every stored type.
    pub const KINDS: [&'static str; 4] =
        ["subscription.created", "subscription.updated", "subscription.disabled", "subscription.deleted"];

    /// Stored type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Created { .. } => "subscription.created",
            Self::Updated { .. } => "subscription.updated",
            Self::Disabled { .. } => "subscription.disabled",
            Self::Deleted { .. } => "subscription.deleted",
        }
    }

    /// Which subscription.
    pub fn id(&self) -> &SubscriptionId {
        match self {
            Self::Created { id, .. } | Self::Updated { id, .. } | Self::Disabled { id, .. } | Self::Deleted { id } => {
                id
            }
        }
    }
}
