//! `PUT /v1/identity/users/{id}/roles`: replaces the roles that a user was given here.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, IdentityType, Rejection, Role, granting};
use scaivault_projections::HeldUser;

use super::{RolesView, named};
use crate::call::{Call, Stop};
use crate::fields::not_null;
use crate::operation::{Body, Operation};
use crate::response::Done;
use crate::routes::identity::reach;

/// The operation.
pub static UPDATE_ROLES: Operation = Operation::identity_change(
    Method::PUT,
    "/v1/identity/users/{id}/roles",
    "update_user_roles",
    "Replaces the roles that a user is given here, besides those of the identity provider.",
    Action::Write,
    &[(200, Some("UserRoles"))],
    |call| Box::pin(update(call)),
)
.taking(Body::Json("UpdateUserRoles"))
.refusing(&[ErrorCode::InvalidRole, ErrorCode::IdentityNotFound]);

async fn update(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    reach::require_rank(&call.caller, Role::PartnerAdmin)?;
    let roles = roles(call)?;
    let view = call.app.engine.projections().view();
    let (tenant, held) = named(call, &view)?;
    let target = reach::target_of(&tenant);
    call.entry.owner = target.owner.clone();
    let tell = |held: &HeldUser| Reply::json(200, &RolesView::from(held));
    let request = call.change();
    let assigned = call.app.engine.assign_roles(&request, (&call.caller, &target), &held.user.id, &roles, tell);
    Ok(Done::Changed(assigned.await?))
}

fn roles(call: &mut Call) -> Result<Vec<Role>, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let given = fields.has("roles");
    let names = fields.texts("roles", &mut faults);
    let names = not_null(names, "roles", &mut faults);
    if !given {
        faults.field("roles", "is required");
    }
    let roles = faults.take(granting::parse(&names.unwrap_or_default(), IdentityType::User));
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(roles.unwrap_or_default())
}
