//! The caller and its tokens.

pub mod create;
pub mod introspect;
pub mod list;
pub mod revoke;
pub mod revoke_value;
pub mod view;
pub mod whoami;

use scaivault_commands::EntryDraft;
use scaivault_domain::access::Target;
use scaivault_domain::token::TokenCreated;
use scaivault_domain::{Owner, Scope};

use crate::call::Call;
use crate::operation::Operation;

/// The operations of this group.
pub fn operations() -> [&'static Operation; 6] {
    [
        &whoami::WHOAMI,
        &create::CREATE,
        &list::LIST,
        &revoke::REVOKE,
        &revoke_value::REVOKE_VALUE,
        &introspect::INTROSPECT,
    ]
}

/// Whether the caller may see and revoke a token: its own, or as an administrator within reach.
fn within_reach(call: &Call, token: &TokenCreated) -> bool {
    is_own(call, token) || administers(call, token)
}

fn is_own(call: &Call, token: &TokenCreated) -> bool {
    token.identity == call.caller.identity
        && token.tenant_id == call.caller.tenant
        && token.partner_id == call.caller.partner
}

fn administers(call: &Call, token: &TokenCreated) -> bool {
    call.caller.scopes.grants(Scope::Admin) && call.caller.administers(&target_of(token))
}

fn target_of(token: &TokenCreated) -> Target {
    let owner = Owner::of(token.tenant_id.as_ref(), token.partner_id.as_ref());
    Target { owner, partner: token.partner_id.clone() }
}

/// Revoking concerns the log of the token's tenant.
fn entry_for(call: &Call, token: &TokenCreated) -> EntryDraft {
    EntryDraft { owner: target_of(token).owner, ..call.entry.clone() }
}
