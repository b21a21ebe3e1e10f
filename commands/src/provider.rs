//! The identity provider as a port.

use async_trait::async_trait;
use scaivault_domain::id::{GroupId, UserId};
use scaivault_domain::scaikey::{Registration, SyncTarget};
use scaivault_domain::{PartnerId, TenantId, Timestamp};
use zeroize::Zeroizing;

use crate::mirror::Said;

/// What of the provider is asked for.
#[async_trait]
pub trait IdentityProvider: Send + Sync {
    /// Everything about a target: all of it, or an error.
    async fn fetch(&self, target: &SyncTarget) -> Result<Fetched, ProviderError>;

    /// Registers this installation for webhooks to `webhook_url`; gives the secret they are signed with.
    async fn register(
        &self,
        registration: &Registration,
        webhook_url: Option<&str>,
    ) -> Result<Zeroizing<Vec<u8>>, ProviderError>;
}

/// A record as it is at the provider, and when it was changed there last.
#[derive(Clone, Debug)]
pub struct Record<I> {
    /// Its id.
    pub id: I,
    /// What is said of it.
    pub said: Said,
    /// Its last change.
    pub at: Timestamp,
}

/// Everything about a target.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// Partners.
    pub partners: Vec<Record<PartnerId>>,
    /// Tenants, each with what is in it.
    pub tenants: Vec<FetchedTenant>,
}

/// A tenant with what is in it.
#[derive(Clone, Debug)]
pub struct FetchedTenant {
    /// The tenant.
    pub tenant: Record<TenantId>,
    /// Its users.
    pub users: Vec<Record<UserId>>,
    /// Its groups.
    pub groups: Vec<Record<GroupId>>,
    /// Who is in which, since when.
    pub members: Vec<(GroupId, UserId, Timestamp)>,
}

/// Why the provider did not do what it was asked for. Holds nothing that it said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// Nobody answers, or not in time.
    #[error("the identity provider cannot be reached")]
    Unreachable,
    /// It answers, but not with success.
    #[error("the identity provider answered with status {0}")]
    Status(u16),
    /// Its answer is not what was agreed on.
    #[error("the identity provider's answer is not understood: {0}")]
    Malformed(&'static str),
}
