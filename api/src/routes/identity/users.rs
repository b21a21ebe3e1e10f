//! Users, and the roles they are given here.

pub mod list;
pub mod show_roles;
pub mod update_roles;

use std::sync::Arc;

use scaivault_commands::user::unknown;
use scaivault_domain::directory::{Status, Tenant};
use scaivault_domain::id::{GroupId, UserId};
use scaivault_domain::{Rejection, Role};
use scaivault_projections::{HeldUser, People, View};
use serde::Serialize;

use super::reach;
use super::records::ProvenanceView;
use crate::call::Call;
use crate::operation::Operation;

/// The operations of this group.
pub fn operations() -> [&'static Operation; 3] {
    [&list::LIST, &show_roles::SHOW_ROLES, &update_roles::UPDATE_ROLES]
}

/// A user as answers show it.
#[derive(Serialize)]
struct UserView<'a> {
    id: &'a str,
    tenant_id: &'a str,
    identity_id: &'a str,
    email: Option<&'a str>,
    display_name: &'a str,
    status: Status,
    mfa_enabled: bool,
    groups: Vec<&'a str>,
    roles: Vec<Role>,
    #[serde(flatten)]
    provenance: ProvenanceView,
}

impl<'a> UserView<'a> {
    fn new(tenant: &'a Tenant, people: &'a People, held: &'a HeldUser) -> Self {
        let user = &held.user;
        Self {
            id: user.id.as_str(),
            tenant_id: tenant.id.as_str(),
            identity_id: user.identity.as_str(),
            email: user.email.as_deref(),
            display_name: &user.display_name,
            status: user.status,
            mfa_enabled: user.mfa_enabled,
            groups: people.joined(&user.id).map(GroupId::as_str).collect(),
            roles: held.roles(),
            provenance: user.provenance.into(),
        }
    }
}

/// Roles given to a user here.
#[derive(Serialize)]
struct RolesView<'a> {
    user_id: &'a str,
    roles: &'a [Role],
}

impl<'a> From<&'a HeldUser> for RolesView<'a> {
    fn from(held: &'a HeldUser) -> Self {
        Self { user_id: held.user.id.as_str(), roles: &held.assigned }
    }
}

/// The user that the route names, in a tenant within reach; the caller's own first.
fn named(call: &Call, view: &View) -> Result<(Arc<Tenant>, Arc<HeldUser>), Rejection> {
    let id = UserId::parse(call.captures.first()).ok_or_else(unknown)?;
    let user = |tenant: &Arc<Tenant>| view.installation.people(&tenant.id).user(&id).cloned();
    let found = reach::tenants(view, &call.caller).find_map(|tenant| Some((tenant.clone(), user(tenant)?)));
    found.ok_or_else(unknown)
}
