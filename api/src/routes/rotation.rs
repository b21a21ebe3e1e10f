//! Rotation policies, the secrets attached to them, and what became of rotations.

pub mod attach;
pub mod create;
pub mod delete;
pub mod detach;
pub mod due;
pub mod history;
mod input;
mod item;
pub mod list;
pub mod rotate;
pub mod secrets;
pub mod show;
pub mod switch;
pub mod update;
pub(crate) mod view;

use std::sync::Arc;

use scaivault_domain::Rejection;
use scaivault_domain::rotation::{RotationPolicy, RotationPolicyId, decide};
use scaivault_projections::View;

use crate::call::Call;
use crate::operation::Operation;

/// The operations of this group.
pub fn operations() -> [&'static Operation; 14] {
    [
        &list::LIST,
        &create::CREATE,
        &show::SHOW,
        &update::UPDATE,
        &delete::DELETE,
        &switch::ENABLE,
        &switch::DISABLE,
        &secrets::SECRETS,
        &attach::ATTACH,
        &detach::DETACH,
        &rotate::ROTATE,
        &history::HISTORY,
        &due::DUE,
        &due::PENDING,
    ]
}

/// The id of the route, which is what the request is about.
fn id(call: &mut Call) -> Result<RotationPolicyId, Rejection> {
    let id = RotationPolicyId::parse(call.captures.first()).ok_or_else(decide::unknown)?;
    call.entry.resource = Some(format!("rotation/policies/{id}"));
    Ok(id)
}

/// The policy of the route.
fn policy(call: &mut Call, view: &View) -> Result<Arc<RotationPolicy>, Rejection> {
    let id = id(call)?;
    view.rotations.of(&call.target.owner).get(&id).cloned().ok_or_else(decide::unknown)
}
