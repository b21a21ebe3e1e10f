//! Where a request acts: tenant and partner, and whether the caller may act there.

use axum::http::HeaderMap;
use scaivault_domain::access::{Caller, Target};
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Owner, PartnerId, Rejection, Role, TenantId};
use scaivault_projections::View;

use crate::headers::{PARTNER, TENANT, single};
use crate::json::invalid;
use crate::operation::{Operation, Place};

/// Resolves the target of a request.
pub fn resolve(
    view: &View,
    caller: &Caller,
    operation: &Operation,
    prefix: Option<&str>,
    headers: &HeaderMap,
) -> Result<Target, Rejection> {
    let target = match operation.place {
        Place::Installation => own(caller),
        Place::Tenant => tenant(view, caller, prefix, headers)?,
        Place::TenantIfAny if prefix.is_none() && caller.tenant.is_none() && headers.get(TENANT).is_none() => {
            own(caller)
        }
        Place::TenantIfAny => tenant(view, caller, prefix, headers)?,
        Place::Partner => partner(view, caller, headers)?,
    };
    let installation = &view.installation;
    let open = installation.is_open(caller.tenant.as_ref(), caller.partner.as_ref())
        && installation.is_open(target.owner.tenant(), target.partner.as_ref());
    if open || looks_after(caller, operation) { Ok(target) } else { Err(suspended()) }
}

/// There is nothing to act upon.
pub fn tenant_required() -> Rejection {
    invalid("Name a tenant: /v1/t/{tenant_id}/… or the header X-Tenant-ID").detail("reason", "tenant_required")
}

/// Nothing is done in a tenant that is suspended, or of a partner that is.
pub fn suspended() -> Rejection {
    denied("The tenant is suspended").detail("reason", "tenant_suspended")
}

/// Whether a caller may do something though a tenant concerned is suspended: read there, and whatever
/// brings it back.
fn looks_after(caller: &Caller, operation: &Operation) -> bool {
    let reads = matches!(operation.action, Some(Action::Read | Action::List));
    caller.has_role(Role::SuperAdmin) && (reads || operation.place == Place::Installation)
}

/// The caller's own tenant or partner: where requests about the caller itself are recorded.
pub fn own(caller: &Caller) -> Target {
    Target { owner: Owner::of(caller.tenant.as_ref(), caller.partner.as_ref()), partner: caller.partner.clone() }
}

fn tenant(view: &View, caller: &Caller, prefix: Option<&str>, headers: &HeaderMap) -> Result<Target, Rejection> {
    let header = single(headers, &TENANT)?;
    let named = prefix.or(header);
    let own = caller.tenant.as_ref().map(TenantId::as_str);
    let target = match named.or(own) {
        None => return Err(tenant_required()),
        Some(id) if Some(id) == own => {
            let owner = caller.tenant.clone().map_or(Owner::Platform, Owner::Tenant);
            Target { owner, partner: caller.partner.clone() }
        }
        Some(id) => foreign_tenant(view, caller, id)?,
    };
    match single(headers, &PARTNER)? {
        Some(id) if target.partner.as_ref().map(PartnerId::as_str) != Some(id) => {
            Err(denied("The tenant does not belong to the named partner"))
        }
        Some(_) | None => Ok(target),
    }
}

/// A tenant other than the caller's own, within its reach.
pub fn foreign_tenant(view: &View, caller: &Caller, id: &str) -> Result<Target, Rejection> {
    if !caller.has_role(Role::PartnerAdmin) {
        return Err(denied("The token does not open this tenant"));
    }
    let unknown = || Rejection::new(ErrorCode::TenantNotFound, "Tenant not found");
    let known = TenantId::parse(id).and_then(|id| view.installation.tenant(&id).cloned());
    let known = known.filter(|tenant| !tenant.is_doomed()).ok_or_else(unknown)?;
    let target = Target { owner: Owner::Tenant(known.id.clone()), partner: Some(known.partner_id.clone()) };
    if caller.administers(&target) { Ok(target) } else { Err(denied("The token does not open this tenant")) }
}

fn partner(view: &View, caller: &Caller, headers: &HeaderMap) -> Result<Target, Rejection> {
    let named = single(headers, &PARTNER)?;
    let own = caller.partner.as_ref();
    let id = match named {
        None => own
            .cloned()
            .ok_or_else(|| invalid("Name a partner in the header X-Partner-ID").detail("reason", "partner_required"))?,
        Some(id) if own.is_some_and(|own| own.as_str() == id) => own.cloned().ok_or_else(|| denied("No partner"))?,
        Some(_) if !caller.has_role(Role::SuperAdmin) => return Err(denied("The token does not open this partner")),
        Some(id) => {
            let known = PartnerId::parse(id).and_then(|id| view.installation.partner(&id).cloned());
            known
                .map(|partner| partner.id.clone())
                .ok_or_else(|| Rejection::new(ErrorCode::NotFound, "Partner not found"))?
        }
    };
    Ok(Target { owner: Owner::Partner(id.clone()), partner: Some(id) })
}

fn denied(sentence: &str) -> Rejection {
    Rejection::new(ErrorCode::TenantAccessDenied, sentence)
}
