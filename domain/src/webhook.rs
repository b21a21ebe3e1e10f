//! Webhooks: a tenant's events, pushed to a URL.

pub mod decide;
pub mod event;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::endpoint::{DisabledReason, Endpoint};
use crate::home::Home;
use crate::id::WebhookId;
use crate::publication::{EventFilter, EventNames};
use crate::{IdentityId, Owner, TenantId, Timestamp};

pub use event::WebhookEvent;

/// Most webhooks of a tenant.
pub const MAX_WEBHOOKS: usize = 100;
/// Longest name, in characters.
pub const MAX_NAME: usize = 128;

/// A webhook as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// What it says.
    pub content: Content,
    /// Why nothing is queued for it; `None` while it is enabled.
    pub disabled: Option<DisabledReason>,
    /// Position of the record whose erasable part has what it signs with.
    pub secrets_at: u64,
    /// Who made it.
    pub created_by: IdentityId,
    /// Where that identity is at home, if not in the webhook's tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<Home>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What a webhook says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Unique in its tenant.
    pub name: Arc<str>,
    /// Which events.
    pub events: EventNames,
    /// About which secrets.
    #[serde(default)]
    pub filters: EventFilter,
    /// Where to.
    pub endpoint: Endpoint,
}

impl Webhook {
    /// The tenant in which who made it is at home, if that is in one.
    pub fn home_in<'a>(&'a self, tenant: &'a Owner) -> Option<&'a TenantId> {
        Home::tenant(self.home.as_ref(), tenant)
    }

    /// Whether events are queued for it.
    pub fn is_enabled(&self) -> bool {
        self.disabled.is_none()
    }
}
