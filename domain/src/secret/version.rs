//! One version of a secret's value.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::NamedPolicy;
use crate::{ErrorCode, IdentityId, Rejection, Timestamp};

/// A hint at the shape of the value, never checked against it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretType {
    /// `{"key":"value"}`.
    #[default]
    Kv,
    /// Any object.
    Json,
    /// `cert_pem`, `key_pem`, `chain_pem`.
    Certificate,
    /// `private_key`, `public_key`.
    SshKey,
    /// `api_key`, `api_secret`.
    ApiKey,
}

impl SecretType {
    /// Every type.
    pub const ALL: [Self; 5] = [Self::Kv, Self::Json, Self::Certificate, Self::SshKey, Self::ApiKey];

    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kv => "kv",
            Self::Json => "json",
            Self::Certificate => "certificate",
            Self::SshKey => "ssh_key",
            Self::ApiKey => "api_key",
        }
    }

    /// The type of that name, or `invalid_secret_type`.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            Rejection::new(
                ErrorCode::InvalidSecretType,
                "secret_type must be one of kv, json, certificate, ssh_key, api_key",
            )
        })
    }
}

impl fmt::Display for SecretType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One version. Its value lies sealed at `position` in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// 1, 2, 3 …
    pub number: u32,
    /// Shape of the value.
    pub secret_type: SecretType,
    /// When it was written.
    pub created_at: Timestamp,
    /// Who wrote it.
    pub created_by: IdentityId,
    /// Log position of the record that holds the value.
    pub position: u64,
    /// What became of it.
    pub state: VersionState,
    /// Set when a rotation replaced it: readable until then.
    pub grace_ends_at: Option<Timestamp>,
    /// Set when that grace period ends once all consumers have moved.
    pub handover: Option<Box<Handover>>,
}

/// A rotation whose consumers are waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// When the version was replaced.
    pub replaced_at: Timestamp,
    /// By which.
    pub new_version: u32,
    /// Under which policy.
    pub policy: NamedPolicy,
    /// Whether it was told at half of the grace period who has not moved.
    pub told_half: bool,
    /// And at its end.
    pub told_end: bool,
}

impl Handover {
    /// When half of a grace period is over.
    pub fn half(&self, grace_ends_at: Timestamp) -> Timestamp {
        let (from, to) = (self.replaced_at.as_micros(), grace_ends_at.as_micros());
        Timestamp::from_micros(from + (to - from) / 2)
    }
}

/// What became of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionState {
    /// Has a value, current or replaced.
    Live,
    /// Soft-deleted on its own, restorable until `recoverable_until`.
    Deleted {
        /// When.
        deleted_at: Timestamp,
        /// Until when it can be restored.
        recoverable_until: Timestamp,
    },
    /// Value gone for good.
    Destroyed,
}

impl Version {
    /// Neither deleted nor destroyed.
    pub fn is_live(&self) -> bool {
        self.state == VersionState::Live
    }

    /// Not destroyed.
    pub fn has_value(&self) -> bool {
        self.state != VersionState::Destroyed
    }

    /// Replaced by a rotation whose grace period still runs.
    pub fn in_grace(&self, now: Timestamp) -> bool {
        self.grace_ends_at.is_some_and(|end| now < end)
    }

    /// Replaced by a rotation whose grace period is over.
    pub fn grace_ended(&self, now: Timestamp) -> bool {
        self.grace_ends_at.is_some_and(|end| end <= now)
    }

    /// `current`, `previous`, `grace`, `deleted` or `destroyed`.
    pub fn state_name(&self, current: Option<u32>, now: Timestamp) -> &'static str {
        match self.state {
            VersionState::Destroyed => "destroyed",
            VersionState::Deleted { .. } => "deleted",
            VersionState::Live if current == Some(self.number) => "current",
            VersionState::Live if self.in_grace(now) => "grace",
            VersionState::Live => "previous",
        }
    }
}
