//! `PATCH /v1/identity/partners/{id}`.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::Role;
use scaivault_domain::audit::Action;
use scaivault_domain::directory::Partner;

use super::PartnerView;
use crate::call::{Call, Stop};
use crate::operation::{Body, Operation};
use crate::response::Done;
use crate::routes::identity::{reach, records};

/// The operation.
pub static UPDATE: Operation = Operation::identity_change(
    Method::PATCH,
    "/v1/identity/partners/{id}",
    "update_partner",
    "Changes a partner that was made here; suspending it ends access to all its tenants.",
    Action::Write,
    &[(200, Some("IdentityPartner"))],
    |call| Box::pin(update(call)),
)
.taking(Body::MergePatch("UpdatePartner"));

async fn update(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    reach::require_rank(&call.caller, Role::SuperAdmin)?;
    let patch = records::patch(call)?;
    let view = call.app.engine.projections().view();
    let partner = reach::partner(&view, &call.caller, call.captures.first())?;
    let tell = |partner: &Partner| Reply::json(200, &PartnerView::from(partner));
    Ok(Done::Changed(call.app.engine.update_partner(&call.change(), &partner.id, &patch, tell).await?))
}
