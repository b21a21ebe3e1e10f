//! Subscriptions: a feed of chosen paths for one identity, polled, streamed or pushed.

pub mod decide;
pub mod event;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::access::Caller;
use crate::endpoint::{DisabledReason, Endpoint};
use crate::id::SubscriptionId;
use crate::publication::{EventFilter, EventNames};
use crate::{IdentityId, Owner, Pattern, TenantId, Timestamp};

pub use crate::home::Home;
pub use event::SubscriptionEvent;

/// Most subscriptions of a tenant.
pub const MAX_SUBSCRIPTIONS: usize = 1_000;
/// Longest name, in characters.
pub const MAX_NAME: usize = 128;
/// Most patterns.
pub const MAX_PATHS: usize = 50;
/// Unacknowledged events that are kept, unless said otherwise; and the most that may be said.
pub const BUFFER: u32 = 1_000;
/// See [`BUFFER`].
pub const MAX_BUFFER: u32 = 100_000;

/// A subscription as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Whose it is.
    pub owner: IdentityId,
    /// Where its owner is at home, if that is not the tenant that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<Home>,
    /// What it says.
    pub content: Content,
    /// Why nothing is pushed.
    pub disabled: Option<DisabledReason>,
    /// Of a pushed one: position of the record whose erasable part has what it signs with.
    pub secrets_at: Option<u64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What a subscription says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Unique among those of its owner.
    pub name: Arc<str>,
    /// About which paths.
    pub paths: Vec<Pattern>,
    /// Which events.
    pub events: EventNames,
    /// About which secrets.
    #[serde(default)]
    pub filters: EventFilter,
    /// How they get to its owner.
    pub delivery: Delivery,
}

/// How events get to the owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Delivery {
    /// It asks for them.
    Polling {
        /// Most events that wait for it.
        buffer_size: u32,
    },
    /// They are pushed.
    Webhook(Endpoint),
}

impl Subscription {
    /// Whether a caller is its owner, in the tenant that it is about.
    pub fn is_of(&self, caller: &Caller, tenant: &Owner) -> bool {
        self.owner == caller.identity && self.home == Home::of(caller, tenant)
    }

    /// The tenant in which its owner is at home, if it is in one.
    pub fn home_in<'a>(&'a self, tenant: &'a Owner) -> Option<&'a TenantId> {
        Home::tenant(self.home.as_ref(), tenant)
    }

    /// Where to push, if it is pushed.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match &self.content.delivery {
            Delivery::Polling { .. } => None,
            Delivery::Webhook(endpoint) => Some(endpoint),
        }
    }
}

impl Content {
    /// Whether an event on a path is about what it watches. Without a path: whether it watches everything.
    pub fn watches(&self, path: Option<&str>) -> bool {
        match path {
            Some(path) => self.paths.iter().any(|pattern| pattern.matches(path)),
            None => self.paths.iter().any(|pattern| pattern.as_str() == "**"),
        }
    }
}
