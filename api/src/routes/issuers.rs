//! Trusted issuers.

pub mod create;
pub mod delete;
pub(crate) mod input;
pub mod list;
pub mod show;
pub mod update;
pub mod view;

use std::sync::Arc;

use scaivault_commands::issuer::unknown;
use scaivault_domain::access;
use scaivault_domain::id::IssuerId;
use scaivault_domain::issuer::Issuer;
use scaivault_domain::{ErrorCode, Rejection, Role};
use scaivault_projections::View;

use crate::call::Call;
use crate::operation::Operation;

/// The operations of this group.
pub fn operations() -> [&'static Operation; 5] {
    [&list::LIST, &create::CREATE, &show::SHOW, &update::UPDATE, &delete::DELETE]
}

/// Issuers are for administrators: those of a tenant for its own, those of the platform for its own to change.
fn may_see(call: &Call) -> Result<(), Rejection> {
    call.require_role(Role::TenantAdmin)
}

fn may_change_platform(call: &Call) -> Result<(), Rejection> {
    match call.caller.has_role(Role::SuperAdmin) {
        true => Ok(()),
        false => Err(access::role_required(Role::SuperAdmin)),
    }
}

/// The issuer of the route, if it counts here.
fn issuer(call: &Call, view: &View) -> Result<Arc<Issuer>, Rejection> {
    may_see(call)?;
    let id = IssuerId::parse(call.captures.first()).ok_or_else(unknown)?;
    call.app.engine.issuer(view, &call.target.owner, &id).ok_or_else(unknown)
}

/// The same, to be changed.
fn issuer_to_change(call: &Call, view: &View) -> Result<Arc<Issuer>, Rejection> {
    let issuer = issuer(call, view)?;
    if issuer.is_builtin {
        return Err(Rejection::new(ErrorCode::Forbidden, "ScaiKey is built in; it is changed by configuration alone")
            .detail("reason", "builtin"));
    }
    if issuer.tenant.is_none() {
        may_change_platform(call)?;
    }
    Ok(issuer)
}
