//! ScaiKey, the identity provider: how this installation is registered there, and what was taken over.

use serde::{Deserialize, Serialize};

use crate::id::SyncId;
use crate::{PartnerId, TenantId, Timestamp};

/// How much of the installation a registration is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationScope {
    /// All of it.
    Platform,
    /// A partner with its tenants.
    Partner,
    /// A tenant.
    Tenant,
}

impl RegistrationScope {
    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Partner => "partner",
            Self::Tenant => "tenant",
        }
    }

    /// The scope of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Platform, Self::Partner, Self::Tenant].into_iter().find(|scope| scope.as_str() == text)
    }
}

/// A registration with ScaiKey. Its webhook secret is never here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// How much it is about.
    pub scope: RegistrationScope,
    /// The tenant, by slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_slug: Option<String>,
    /// The partner, by slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_slug: Option<String>,
    /// Whom ScaiKey's operators write to.
    pub email: String,
}

impl Registration {
    /// Whether it is about the same.
    pub fn has_target_of(&self, other: &Self) -> bool {
        (self.scope, &self.tenant_slug, &self.partner_slug) == (other.scope, &other.tenant_slug, &other.partner_slug)
    }
}

/// A webhook event was handled: it is not handled again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookHandled {
    /// ScaiKey's id of it.
    pub event_id: String,
    /// Whether it changed anything.
    pub applied: bool,
}

/// What a synchronisation is about; neither: everything in reach of who asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncTarget {
    /// One partner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_id: Option<PartnerId>,
    /// One tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
}

/// Why a synchronisation takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Somebody asked for it.
    Manual,
    /// It was time.
    Schedule,
    /// After a registration.
    Registration,
}

/// A synchronisation began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncStarted {
    /// `sync_…`.
    pub id: SyncId,
    /// Why.
    pub trigger: Trigger,
    /// What it is about.
    #[serde(flatten)]
    pub target: SyncTarget,
}

/// A synchronisation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncEnded {
    /// Which.
    pub id: SyncId,
    /// What it came to.
    #[serde(flatten)]
    pub counts: SyncCounts,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<SyncError>,
}

/// How many records a synchronisation met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncCounts {
    /// New ones.
    pub created: u64,
    /// Changed ones.
    pub updated: u64,
    /// Those gone at the source.
    pub deleted: u64,
    /// All others.
    pub unchanged: u64,
}

/// Why a synchronisation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncError {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
}

/// A synchronisation as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sync {
    /// How it began.
    #[serde(flatten)]
    pub started: SyncStarted,
    /// When.
    pub started_at: Timestamp,
    /// When and how it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<(Timestamp, SyncEnded)>,
}

impl Sync {
    /// `running`, `completed` or `failed`.
    pub fn status(&self) -> &'static str {
        match &self.ended {
            None => "running",
            Some((_, SyncEnded { error: None, .. })) => "completed",
            Some((_, SyncEnded { error: Some(_), .. })) => "failed",
        }
    }
}
