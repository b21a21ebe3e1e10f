//! Where events are pushed to, and in which form: of a webhook, or of a subscription with a URL.
//!
//! What deliveries are signed with is in no event: it lies in the erasable part of the record that set it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Form of the body of a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The envelope.
    #[default]
    Scaivault,
    /// CloudEvents 1.0, structured JSON mode.
    Cloudevents,
}

impl Format {
    /// Every form.
    pub const ALL: [Self; 2] = [Self::Scaivault, Self::Cloudevents];

    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scaivault => "scaivault",
            Self::Cloudevents => "cloudevents",
        }
    }

    /// The form of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }
}

/// Where events are pushed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Checked against the address rules when it was written, and at every connection.
    pub url: Arc<str>,
    /// Form of the body.
    #[serde(default)]
    pub format: Format,
    /// `whpk_…` of its own key pair, if it signs with one, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<Arc<str>>,
    /// Roots to trust besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<Arc<str>>,
    /// Until when the secret before this one is signed with, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_secret_expires_at: Option<Timestamp>,
}

/// Why nothing is pushed to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// Somebody said so.
    Requested,
    /// It answered 410.
    Gone,
    /// Nothing reached it for days.
    Failing,
}

impl DisabledReason {
    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}
