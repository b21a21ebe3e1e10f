//! Service accounts: identities of programs, with keys that act as them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::ServiceAccountId;
use crate::{IdentityId, Role, Scope, Scopes};

/// Longest name, in characters.
pub const MAX_NAME: usize = 64;
/// Longest description, in characters.
pub const MAX_DESCRIPTION: usize = 1_024;
/// Life of a key where none is given, in seconds: 365 days.
pub const DEFAULT_KEY_LIFE_SECONDS: i64 = 365 * 86_400;
/// Longest life of a key that has an end, in seconds: 3650 days.
pub const MAX_KEY_LIFE_SECONDS: i64 = 3_650 * 86_400;

/// A service account as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// `sva_…`; those made later sort later.
    pub id: ServiceAccountId,
    /// As given.
    pub name: Arc<str>,
    /// `sa:` and the slug of the name, unique in the tenant.
    pub identity: IdentityId,
    /// What can be changed later.
    pub content: Content,
}

/// What of a service account can be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Arc<str>>,
    /// Administrative and access roles.
    pub roles: Vec<Role>,
    /// What its tokens may open at most.
    pub scopes: Scopes,
    /// An inactive one's tokens are refused.
    pub is_active: bool,
}

/// The scopes that go with roles where none are named.
pub fn scopes_of(roles: &[Role]) -> Scopes {
    let of_role = |role: &Role| -> &'static [Scope] {
        match role {
            Role::SuperAdmin | Role::PartnerAdmin | Role::TenantAdmin => &[Scope::Admin],
            Role::SecretsReader => &[Scope::SecretsRead, Scope::SecretsList],
            Role::SecretsWriter => &[Scope::SecretsRead, Scope::SecretsList, Scope::SecretsWrite, Scope::SecretsRotate],
        }
    };
    roles.iter().flat_map(of_role).copied().collect()
}
