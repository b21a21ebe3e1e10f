//! Where an identity is at home: names are unique within a tenant only.

use serde::{Deserialize, Serialize};

use crate::access::Caller;
use crate::{Owner, PartnerId, TenantId};

/// Where an identity is at home. Others of its name may be so elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// Its tenant, if it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// Its partner, if it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_id: Option<PartnerId>,
}

impl Home {
    /// That of a caller, if it is not the tenant acted upon.
    pub fn of(caller: &Caller, here: &Owner) -> Option<Self> {
        let is_here = caller.tenant.is_some() && caller.tenant.as_ref() == here.tenant();
        (!is_here).then(|| Self { tenant_id: caller.tenant.clone(), partner_id: caller.partner.clone() })
    }

    /// The tenant that it names, if any; without a home, the tenant acted upon.
    pub fn tenant<'a>(home: Option<&'a Self>, here: &'a Owner) -> Option<&'a TenantId> {
        home.map_or(here.tenant(), |home| home.tenant_id.as_ref())
    }
}
