//! How far a caller sees: its own tenant and partner, and what its roles reach.

use std::sync::Arc;

use scaivault_commands::tenancy::{unknown_partner, unknown_tenant};
use scaivault_domain::access::{self, Caller, Target};
use scaivault_domain::directory::{Partner, Tenant};
use scaivault_domain::{Owner, PartnerId, Rejection, Role, TenantId};
use scaivault_projections::View;

/// Whether the caller sees a partner.
pub(super) fn sees_partner(caller: &Caller, id: &PartnerId) -> bool {
    caller.has_role(Role::SuperAdmin) || caller.partner.as_ref() == Some(id)
}

/// Whether the caller sees a tenant.
pub(super) fn sees_tenant(caller: &Caller, tenant: &Tenant) -> bool {
    caller.tenant.as_ref() == Some(&tenant.id) || administers_tenants_of(caller, &tenant.partner_id)
}

/// Whether the caller administers all tenants of a partner.
pub(super) fn administers_tenants_of(caller: &Caller, partner: &PartnerId) -> bool {
    let own = caller.has_role(Role::PartnerAdmin) && caller.partner.as_ref() == Some(partner);
    caller.has_role(Role::SuperAdmin) || own
}

/// A partner within reach.
pub(super) fn partner(view: &View, caller: &Caller, id: &str) -> Result<Arc<Partner>, Rejection> {
    let found = PartnerId::parse(id).and_then(|id| view.installation.partner(&id).cloned());
    found.filter(|partner| sees_partner(caller, &partner.id)).ok_or_else(unknown_partner)
}

/// A tenant within reach.
pub(super) fn tenant(view: &View, caller: &Caller, id: &str) -> Result<Arc<Tenant>, Rejection> {
    let found = TenantId::parse(id).and_then(|id| view.installation.tenant(&id).cloned());
    found.filter(|tenant| sees_tenant(caller, tenant)).ok_or_else(unknown_tenant)
}

/// All tenants within reach, the caller's own first.
pub(super) fn tenants<'a>(view: &'a View, caller: &'a Caller) -> impl Iterator<Item = &'a Arc<Tenant>> {
    let own = caller.tenant.as_ref().and_then(|id| view.installation.tenant(id));
    let others = view.installation.tenants().filter(|tenant| caller.tenant.as_ref() != Some(&tenant.id));
    own.into_iter().chain(others.filter(|tenant| sees_tenant(caller, tenant)))
}

/// A tenant as a place to act.
pub(super) fn target_of(tenant: &Tenant) -> Target {
    Target { owner: Owner::Tenant(tenant.id.clone()), partner: Some(tenant.partner_id.clone()) }
}

/// Refuses callers that hold no role of that rank, wherever it reaches.
pub(super) fn require_rank(caller: &Caller, role: Role) -> Result<(), Rejection> {
    if caller.has_role(role) { Ok(()) } else { Err(access::role_required(role)) }
}
