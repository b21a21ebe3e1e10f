//! Whose records the past of one owner consists of.

use std::collections::HashSet;

use scaivault_domain::access::Target;
use scaivault_domain::delivery::DeliveryEvent;
use scaivault_domain::directory::IdentityEvent;
use scaivault_domain::{Owner, TenantId};
use scaivault_eventstore::Owner as KeyOwner;

use crate::installation::Installation;
use crate::owners::key_owner;

/// The owner's own records, those of its partner and of the platform, which has the partners and tenants. Of the other
/// tenants of the partner it is who is there: whom the partner's policies name, is somewhere.
pub(crate) struct Scope {
    whole: [Option<Owner>; 3],
    /// As the log names them.
    opened: HashSet<KeyOwner>,
    sisters: HashSet<KeyOwner>,
}

impl Scope {
    /// What is needed of the past of `target`, as the tenants belong to partners now.
    pub(crate) fn of(target: &Target, installation: &Installation) -> Self {
        let whole = [Some(target.owner.clone()), target.partner.clone().map(Owner::Partner), Some(Owner::Platform)];
        let opened = whole.iter().flatten().map(key_owner).collect();
        let sisters = target.owner.tenant().into_iter().flat_map(|tenant| installation.sisters(tenant));
        Self { whole, opened, sisters: sisters.map(|tenant: &TenantId| KeyOwner::Tenant(tenant.shared())).collect() }
    }

    /// Whether all of an owner's records are in it.
    pub(crate) fn has_all_of(&self, owner: &Owner) -> bool {
        self.whole.iter().flatten().any(|whole| whole == owner)
    }

    /// Whether a record of that type is in it.
    pub(crate) fn wants(&self, owner: &KeyOwner, kind: &str) -> bool {
        (self.opened.contains(owner) && !is_of_deliveries(kind)) || (self.sisters.contains(owner) && is_of_people(kind))
    }
}

/// Whether an event of that type changes what is on its way, which is no part of a view.
fn is_of_deliveries(kind: &str) -> bool {
    DeliveryEvent::KINDS.contains(&kind)
}

/// Whether an event of that type says who there is in a tenant.
fn is_of_people(kind: &str) -> bool {
    IdentityEvent::KINDS.contains(&kind) || kind == "user.created"
}
