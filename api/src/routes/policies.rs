//! Access policies.

pub mod bind;
pub mod bindings;
pub mod create;
pub mod delete;
pub mod explain;
pub(crate) mod input;
pub mod list;
pub mod replace;
pub mod replay;
pub mod show;
pub mod test;
pub mod unbind;
pub mod update;
pub mod view;

use std::sync::Arc;

use scaivault_commands::policy::PolicyAddress;
use scaivault_domain::access::{self, Target};
use scaivault_domain::{ErrorCode, Owner, PolicyId, Rejection, Role};
use scaivault_projections::{HeldPolicy, View};

use crate::call::Call;
use crate::operation::Operation;

/// The operations of this group.
pub fn operations() -> [&'static Operation; 13] {
    [
        &list::LIST,
        &create::CREATE,
        &show::SHOW,
        &replace::REPLACE,
        &update::UPDATE,
        &delete::DELETE,
        &bindings::BINDINGS,
        &bind::BIND,
        &unbind::UNBIND,
        &test::TEST,
        &explain::EXPLAIN,
        &replay::REPLAY,
        &replay::status::STATUS,
    ]
}

/// The policy of the route: the tenant's, or its partner's.
fn policy(call: &Call, view: &View) -> Result<(PolicyAddress, Arc<HeldPolicy>), Rejection> {
    let unknown = || Rejection::new(ErrorCode::PolicyNotFound, "Policy not found");
    let id = PolicyId::parse(call.captures.first()).ok_or_else(unknown)?;
    let found = owners(&call.target).into_iter().find_map(|owner| {
        let held = view.policies.of(&owner).get(&id)?;
        Some((PolicyAddress { owner, id: id.clone() }, held.clone()))
    });
    found.ok_or_else(unknown)
}

/// The same, to be changed: a partner's policy is for its administrators.
fn policy_to_change(call: &Call, view: &View) -> Result<(PolicyAddress, Arc<HeldPolicy>), Rejection> {
    let found = policy(call, view)?;
    may_change(call, &found.0.owner).map(|()| found)
}

fn may_change(call: &Call, owner: &Owner) -> Result<(), Rejection> {
    let is_partners = matches!(owner, Owner::Partner(_));
    let of_partner = Target { owner: owner.clone(), partner: call.target.partner.clone() };
    match is_partners && !call.caller.administers(&of_partner) {
        true => Err(access::role_required(Role::PartnerAdmin)),
        false => Ok(()),
    }
}

/// Whose policies count in a tenant: its own, and its partner's.
pub(in crate::routes) fn owners(target: &Target) -> Vec<Owner> {
    let partner = target.partner.clone().map(Owner::Partner);
    std::iter::once(target.owner.clone()).chain(partner).collect()
}
