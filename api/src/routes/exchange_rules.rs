//! Rules of token exchange.

pub mod create;
pub mod delete;
mod input;
pub mod list;
pub mod show;
pub mod update;
pub mod view;

use std::sync::Arc;

use scaivault_commands::exchange::unknown;
use scaivault_domain::exchange::ExchangeRule;
use scaivault_domain::id::ExchangeRuleId;
use scaivault_domain::{Rejection, Role};
use scaivault_projections::View;

use crate::call::Call;
use crate::operation::Operation;

/// The operations of this group.
pub fn operations() -> [&'static Operation; 5] {
    [&list::LIST, &create::CREATE, &show::SHOW, &update::UPDATE, &delete::DELETE]
}

/// The rule of the route.
fn rule(call: &Call, view: &View) -> Result<Arc<ExchangeRule>, Rejection> {
    call.require_role(Role::TenantAdmin)?;
    let id = ExchangeRuleId::parse(call.captures.first()).ok_or_else(unknown)?;
    view.issuers.of(&call.target.owner).rule(&id).cloned().ok_or_else(unknown)
}
