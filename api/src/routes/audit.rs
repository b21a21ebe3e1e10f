//! The audit trail: searched, summed up, and followed.

pub mod blast_radius;
pub mod entry;
pub mod identity;
pub(in crate::routes) mod input;
pub mod logs;
mod page;
pub mod reindex;
pub mod replay;
pub mod secret;
pub mod summary;

use scaivault_domain::access::{self, Caller};
use scaivault_domain::{Owner, Rejection, Role};
use scaivault_projections::View;

use crate::call::Call;
use crate::context::tenant_required;
use crate::operation::{Operation, Parameter, Shape};

/// The operations of this group.
pub fn operations() -> [&'static Operation; 9] {
    [
        &logs::LOGS,
        &entry::ENTRY,
        &secret::SECRET,
        &identity::IDENTITY,
        &summary::SUMMARY,
        &blast_radius::BLAST_RADIUS,
        &reindex::START,
        &reindex::STATUS,
        &replay::REPLAY,
    ]
}

const FROM: Parameter =
    Parameter { name: "from", shape: Shape::Timestamp, meaning: "Start of the period; everything kept if absent." };
const TO: Parameter = Parameter { name: "to", shape: Shape::Timestamp, meaning: "End of the period; now if absent." };
const ACTION: Parameter =
    Parameter { name: "action", shape: Shape::Text, meaning: "One action, or several separated by commas." };
const PLATFORM: Parameter = Parameter {
    name: "platform",
    shape: Shape::Boolean,
    meaning: "Entries of no tenant: those of the caller's partner, or for a super_admin all.",
};
const SECRET_SCOPE: Parameter = Parameter {
    name: "secret_scope",
    shape: Shape::Choice(&["tenant", "partner"]),
    meaning: "partner for accesses to the partner's secrets.",
};
const LIMIT: Parameter =
    Parameter { name: "limit", shape: Shape::Integer(1, 1000), meaning: "Rows per page, 100 if absent." };
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// In whose logs a request looks. Also says so in its own entry.
fn owners(call: &mut Call, platform: bool) -> Result<Vec<Owner>, Rejection> {
    if !platform {
        return match &call.target.owner {
            owner @ Owner::Tenant(_) => Ok(vec![owner.clone()]),
            Owner::Platform | Owner::Partner(_) => Err(tenant_required()),
        };
    }
    let owners = tenantless(&call.caller, &call.app.engine.projections().view())?;
    if let Some(owner) = owners.first() {
        call.entry.owner = owner.clone();
    }
    Ok(owners)
}

/// The logs of no tenant that a caller may see.
fn tenantless(caller: &Caller, view: &View) -> Result<Vec<Owner>, Rejection> {
    if caller.has_role(Role::SuperAdmin) {
        let partners = view.installation.partners().map(|partner| Owner::Partner(partner.id.clone()));
        return Ok(std::iter::once(Owner::Platform).chain(partners).collect());
    }
    match &caller.partner {
        Some(partner) if caller.has_role(Role::PartnerAdmin) => Ok(vec![Owner::Partner(partner.clone())]),
        Some(_) | None => Err(access::role_required(Role::PartnerAdmin)),
    }
}
