//! Service accounts and their keys.

pub mod create;
pub mod create_key;
pub mod delete;
pub mod delete_key;
mod input;
pub mod list;
pub mod list_keys;
pub mod show;
pub mod update;
pub mod view;

use std::sync::Arc;

use scaivault_commands::service_account;
use scaivault_domain::id::ServiceAccountId;
use scaivault_domain::{IdentityId, Rejection};
use scaivault_projections::{HeldAccount, View};

use crate::call::Call;
use crate::operation::Operation;

/// The operations of this group.
pub fn operations() -> [&'static Operation; 8] {
    [
        &list::LIST,
        &create::CREATE,
        &show::SHOW,
        &update::UPDATE,
        &delete::DELETE,
        &list_keys::LIST_KEYS,
        &create_key::CREATE_KEY,
        &delete_key::DELETE_KEY,
    ]
}

/// The account that the route names, by id or identity, in the request's tenant.
fn named(call: &mut Call, view: &View) -> Result<Arc<HeldAccount>, Rejection> {
    let unknown = service_account::unknown;
    let people = call.target.owner.tenant().map(|tenant| view.installation.people(tenant)).ok_or_else(unknown)?;
    let text = call.captures.first();
    let found = match ServiceAccountId::parse(text) {
        Some(id) => people.account(&id),
        None => IdentityId::parse(text).and_then(|identity| people.account_named(&identity)),
    };
    let held = found.ok_or_else(unknown)?.clone();
    call.entry.resource = call.entry.resource.take().map(|resource| {
        // Of what was given only ids are taken over: here the id is known.
        let after = call.operation.path.rsplit_once("{id}").map_or("", |(_, after)| after);
        let told = format!("identity/service-accounts/{}", held.account.id);
        match resource.strip_prefix(&told) {
            Some(_) => resource,
            None => told + after.split("/{").next().unwrap_or_default(),
        }
    });
    Ok(held)
}
