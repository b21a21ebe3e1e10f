//! Secret policies: recipes that generate values.

pub mod create;
pub mod delete;
pub mod generate;
mod input;
pub mod list;
pub mod show;
mod store;
pub mod types;
pub mod update;
pub mod view;

use std::sync::Arc;

use scaivault_domain::Rejection;
use scaivault_domain::secret_policy::{SecretPolicy, SecretPolicyId, unknown};

use crate::call::Call;
use crate::operation::Operation;

/// The operations of this group.
pub fn operations() -> [&'static Operation; 7] {
    [&list::LIST, &create::CREATE, &types::TYPES, &show::SHOW, &update::UPDATE, &delete::DELETE, &generate::GENERATE]
}

/// The id of the route.
fn id(call: &Call) -> Result<SecretPolicyId, Rejection> {
    SecretPolicyId::parse(call.captures.first()).ok_or_else(unknown)
}

/// The policy of the route.
fn policy(call: &Call) -> Result<Arc<SecretPolicy>, Rejection> {
    let view = call.app.engine.projections().view();
    view.secret_policies.of(&call.target.owner).get(&id(call)?).cloned().ok_or_else(unknown)
}
