//! Partners, tenants, users and the installation itself, as far as bootstrap makes them.

use serde::{Deserialize, Serialize};

use crate::{IdentityId, PartnerId, Role, TenantId, id::UserId};

/// A partner came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerCreated {
    /// Its id.
    pub id: PartnerId,
    /// For people.
    pub name: String,
    /// For addresses.
    pub slug: String,
}

/// A tenant came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantCreated {
    /// Its id.
    pub id: TenantId,
    /// Whose tenant.
    pub partner_id: PartnerId,
    /// For people.
    pub name: String,
    /// For addresses.
    pub slug: String,
}

/// A user came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserCreated {
    /// Record id.
    pub id: UserId,
    /// Identity.
    pub identity: IdentityId,
    /// Tenant of the record.
    pub tenant_id: TenantId,
    /// Partner of that tenant.
    pub partner_id: PartnerId,
    /// For people.
    pub display_name: String,
    /// Administrative roles.
    pub roles: Vec<Role>,
}

/// The development clock was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockMoved {
    /// Microseconds the server's clock runs ahead of the real one, in all.
    pub offset_micros: i64,
}
