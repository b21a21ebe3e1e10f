//! The audit trail: searched, summed up, followed; and what proves that nobody has altered it.

pub mod blast_radius;
pub mod bundle;
pub mod checkpoint;
pub mod consistency;
pub mod entry;
pub mod exports;
pub mod identity;
pub mod inclusion;
pub(in crate::routes) mod input;
pub mod leaves;
pub mod logs;
mod page;
pub mod public_key;
pub mod reindex;
pub mod replay;
pub mod secret;
pub mod summary;
pub mod verify;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scaivault_commands::audit_tree::{Asker, Leaf};
use scaivault_domain::access::{self, Caller};
use scaivault_domain::{Owner, Rejection, Role};
use scaivault_projections::View;
use serde::Serialize;

use crate::call::Call;
use crate::context::tenant_required;
use crate::operation::{Operation, Parameter, Shape};

/// The operations of this group.
pub fn operations() -> [&'static Operation; 20] {
    [
        &logs::LOGS,
        &entry::ENTRY,
        &secret::SECRET,
        &identity::IDENTITY,
        &summary::SUMMARY,
        &blast_radius::BLAST_RADIUS,
        &reindex::START,
        &reindex::STATUS,
        &checkpoint::CHECKPOINT,
        &public_key::PUBLIC_KEY,
        &inclusion::INCLUSION,
        &consistency::CONSISTENCY,
        &leaves::LEAVES,
        &verify::VERIFY,
        &bundle::BUNDLE,
        &replay::REPLAY,
        &exports::create::CREATE,
        &exports::list::LIST,
        &exports::show::SHOW,
        &exports::file::FILE,
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
/// Secrets of the tenant.
const TENANT: &str = "tenant";
/// Secrets of its partner.
const PARTNER: &str = "partner";
const SECRET_SCOPE: Parameter = Parameter {
    name: "secret_scope",
    shape: Shape::Choice(&[TENANT, PARTNER]),
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

/// A leaf as it is shown.
#[derive(Serialize)]
struct LeafShown {
    position: u64,
    leaf_hash: String,
    leaf_data: Option<String>,
}

impl From<&Leaf> for LeafShown {
    fn from(leaf: &Leaf) -> Self {
        let leaf_data = leaf.data.as_ref().map(|data| STANDARD.encode(data));
        Self { position: leaf.position, leaf_hash: STANDARD.encode(leaf.hash), leaf_data }
    }
}

/// Hashes as they are shown.
fn hashes(hashes: &[[u8; 32]]) -> Vec<String> {
    hashes.iter().map(|hash| STANDARD.encode(hash)).collect()
}

/// Whose records the caller may see: its own tenant's, or as super administrator all.
fn asker<'a>(call: &Call, own: &'a Owner) -> Asker<'a> {
    if call.caller.has_role(Role::SuperAdmin) { Asker::Everywhere } else { Asker::Of(own) }
}

/// A size or position in a query.
const fn number(name: &'static str, meaning: &'static str) -> Parameter {
    Parameter { name, shape: Shape::Integer(1, i64::MAX), meaning }
}

/// The value of such a parameter.
fn given(call: &mut Call, name: &str) -> Option<u64> {
    call.query.integer(name, (1, i64::MAX)).and_then(|number| u64::try_from(number).ok())
}

/// The value of one that must be there.
fn required(call: &mut Call, name: &str) -> u64 {
    if call.query.text(name).is_none() {
        call.query.faults.field(format!("query.{name}"), "is required");
    }
    given(call, name).unwrap_or_default()
}
