//! `GET /v1/identity/service-accounts/{id}`.

use scaivault_domain::ErrorCode;
use scaivault_domain::audit::Action;

use super::named;
use super::view::{AccountView, Usage};
use crate::call::{Call, Stop};
use crate::operation::Operation;
use crate::response::Done;

/// The operation.
pub static SHOW: Operation = Operation::identity_read(
    "/v1/identity/service-accounts/{id}",
    "read_service_account",
    "Shows a service account, by id or identity id.",
    Action::Read,
    &[(200, Some("ServiceAccount"))],
    |call| Box::pin(show(call)),
)
.in_tenant()
.refusing(&[ErrorCode::ServiceAccountNotFound]);

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let projections = call.app.engine.projections().clone();
    let view = projections.view();
    let held = named(call, &view)?;
    let usage = Usage::of(&view, &projections, &call.target.owner, &held, call.now());
    Ok(Done::json(&AccountView::new(&held, call.target.owner.tenant(), usage))?)
}
