//! `PATCH /v1/identity/service-accounts/{id}`.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::service_account::UpdateAccount;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Rejection};
use scaivault_projections::HeldAccount;

use super::view::{AccountView, Usage};
use super::{input, named};
use crate::call::{Call, Stop};
use crate::operation::{Body, Operation};
use crate::response::Done;

/// The operation.
pub static UPDATE: Operation = Operation::identity_change(
    Method::PATCH,
    "/v1/identity/service-accounts/{id}",
    "update_service_account",
    "Changes a service account; its keys follow.",
    Action::Write,
    &[(200, Some("ServiceAccount"))],
    |call| Box::pin(update(call)),
)
.in_tenant()
.taking(Body::MergePatch("UpdateServiceAccount"))
.refusing(&[ErrorCode::InvalidRole, ErrorCode::ServiceAccountNotFound]);

async fn update(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let command = command(call)?;
    let projections = call.app.engine.projections().clone();
    let view = projections.view();
    let held = named(call, &view)?;
    let (owner, now) = (&call.target.owner, call.now());
    let tell = |held: &HeldAccount| {
        let usage = Usage::of(&view, &projections, owner, held, now);
        Reply::json(200, &AccountView::new(held, owner.tenant(), usage))
    };
    let by = (call.caller.as_ref(), &call.target);
    let request = call.change();
    let updated = call.app.engine.update_account(&request, by, &held.account.id, &command, tell);
    Ok(Done::Changed(updated.await?))
}

fn command(call: &mut Call) -> Result<UpdateAccount, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let description = input::description(&mut fields, &mut faults);
    let roles = input::roles(&mut fields, &mut faults);
    let scopes = input::scopes(&mut fields, &mut faults);
    let is_active = fields.boolean("is_active", &mut faults).map(|given| given.unwrap_or(true));
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(UpdateAccount { description, roles, scopes, is_active })
}
