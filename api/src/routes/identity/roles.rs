//! `GET /v1/identity/roles`: which roles there are, and who may give them.

use scaivault_domain::audit::Action;
use scaivault_domain::{IdentityType, Role, granting};
use serde::Serialize;

use crate::call::{Call, Stop};
use crate::operation::Operation;
use crate::response::Done;

/// The operation.
pub static LIST_ROLES: Operation = Operation::identity_read(
    "/v1/identity/roles",
    "list_identity_roles",
    "Lists the roles there are, and whether the caller may give them.",
    Action::List,
    &[(200, Some("IdentityRoleList"))],
    |call| Box::pin(list(call)),
)
.without_scope();

#[derive(Serialize)]
struct Roles {
    roles: Vec<RoleView>,
}

#[derive(Serialize)]
struct RoleView {
    name: Role,
    kind: &'static str,
    description: &'static str,
    reach: &'static str,
    assignable_to: &'static [IdentityType],
    assignable_by_caller: bool,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let roles = Role::ALL.map(|role| RoleView {
        name: role,
        kind: if role.is_administrative() { "administrative" } else { "access" },
        description: role.description(),
        reach: role.reach(),
        assignable_to: role.assignable_to(),
        assignable_by_caller: granting::reaches(&call.caller, granting::needed_for(role), &call.target),
    });
    Ok(Done::json(&Roles { roles: roles.into() })?)
}
