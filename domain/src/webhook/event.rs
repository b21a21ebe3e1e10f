//! What happens to webhooks. All of a tenant's stand in one stream.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Content;
use crate::endpoint::DisabledReason;
use crate::home::Home;
use crate::id::WebhookId;

/// A change of a webhook. The names are those stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum WebhookEvent {
    /// It came to be. What it signs with is in the erasable part.
    #[serde(rename = "webhook.created")]
    Created {
        /// Which.
        id: WebhookId,
        /// What it says.
        content: Content,
        /// Where who made it is at home, if not in its tenant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        home: Option<Home>,
        /// Whether it starts out disabled.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        disabled: bool,
    },
    /// It says something else, or was switched on or off. Where there is an erasable part, that is what it signs with
    /// from now on.
    #[serde(rename = "webhook.updated")]
    Updated {
        /// Which.
        id: WebhookId,
        /// What it says.
        content: Content,
        /// Why nothing is queued for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        disabled: Option<DisabledReason>,
    },
    /// The server gave it up.
    #[serde(rename = "webhook.disabled")]
    Disabled {
        /// Which.
        id: WebhookId,
        /// Its name, for those who are told.
        name: Arc<str>,
        /// Why.
        reason: DisabledReason,
        /// What came of the last attempt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_error: Option<Arc<str>>,
    },
    /// It is gone, and so is what was queued for it.
    #[serde(rename = "webhook.deleted")]
    Deleted {
        /// Which.
        id: WebhookId,
    },
}

impl WebhookEvent {
    /// Every stored type.
    pub const KINDS: [&'static str; 4] = ["webhook.created", "webhook.updated", "webhook.disabled", "webhook.deleted"];

    /// Stored type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Created { .. } => "webhook.created",
            Self::Updated { .. } => "webhook.updated",
            Self::Disabled { .. } => "webhook.disabled",
            Self::Deleted { .. } => "webhook.deleted",
        }
    }

    /// Which webhook.
    pub fn id(&self) -> &WebhookId {
        match self {
            Self::Created { id, .. } | Self::Updated { id, .. } | Self::Disabled { id, .. } | Self::Deleted { id } => {
                id
            }
        }
    }
}
