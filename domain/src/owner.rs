//! Who owns a thing: the installation, a partner or a tenant.

use crate::{PartnerId, TenantId};

/// Isolation boundary of everything stored. A lookup always happens inside one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// The installation.
    Platform,
    /// A partner.
    Partner(PartnerId),
    /// A tenant.
    Tenant(TenantId),
}

impl Owner {
    /// The narrowest boundary of an identity: its tenant, else its partner, else the installation.
    pub fn of(tenant: Option<&TenantId>, partner: Option<&PartnerId>) -> Self {
        match (tenant, partner) {
            (Some(tenant), _) => Self::Tenant(tenant.clone()),
            (None, Some(partner)) => Self::Partner(partner.clone()),
            (None, None) => Self::Platform,
        }
    }

    /// The tenant, if it is one.
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Tenant(id) => Some(id),
            Self::Platform | Self::Partner(_) => None,
        }
    }
}
