//! `GET /v1/identity/users/{id}/roles`.

use scaivault_domain::ErrorCode;
use scaivault_domain::audit::Action;

use super::{RolesView, named};
use crate::call::{Call, Stop};
use crate::operation::Operation;
use crate::response::Done;

/// The operation.
pub static SHOW_ROLES: Operation = Operation::identity_read(
    "/v1/identity/users/{id}/roles",
    "read_user_roles",
    "Shows the roles that a user was given here.",
    Action::Read,
    &[(200, Some("UserRoles"))],
    |call| Box::pin(show(call)),
)
.refusing(&[ErrorCode::IdentityNotFound]);

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let view = call.app.engine.projections().view();
    let (_, held) = named(call, &view)?;
    Ok(Done::json(&RolesView::from(held.as_ref()))?)
}
