//! `POST /v1/identity/service-accounts`.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::service_account::CreateAccount;
use scaivault_domain::audit::Action;
use scaivault_domain::directory::slug;
use scaivault_domain::service_account::MAX_NAME;
use scaivault_domain::{ErrorCode, IdentityId, Rejection};
use scaivault_projections::HeldAccount;

use super::input;
use super::view::{AccountView, Usage};
use crate::call::{Call, Stop};
use crate::operation::{Body, Operation};
use crate::response::Done;
use crate::routes::identity::required_text;

/// The operation.
pub static CREATE: Operation = Operation::identity_change(
    Method::POST,
    "/v1/identity/service-accounts",
    "create_service_account",
    "Makes a service account.",
    Action::Write,
    &[(201, Some("ServiceAccount"))],
    |call| Box::pin(create(call)),
)
.in_tenant()
.taking(Body::Json("CreateServiceAccount"))
.refusing(&[ErrorCode::InvalidRole, ErrorCode::NameTaken]);

async fn create(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let command = command(call)?;
    let tenant = call.target.owner.tenant();
    let tell = |held: &HeldAccount| Reply::json(201, &AccountView::new(held, tenant, Usage::default()));
    let by = (call.caller.as_ref(), &call.target);
    Ok(Done::Changed(call.app.engine.create_account(&call.change(), by, command, tell).await?))
}

fn command(call: &mut Call) -> Result<CreateAccount, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let name = required_text(&mut fields, "name", MAX_NAME, &mut faults);
    let slug = slug(&name);
    if slug.is_none() && (1..=MAX_NAME).contains(&name.chars().count()) {
        faults.field("name", "must have a letter from a to z or a digit");
    }
    let description = input::description(&mut fields, &mut faults).flatten();
    let roles = input::roles(&mut fields, &mut faults).unwrap_or_default();
    let scopes = input::scopes(&mut fields, &mut faults).flatten();
    fields.finish(&mut faults);
    faults.finish()?;
    let identity = IdentityId::service_account(&slug.unwrap_or_default());
    Ok(CreateAccount { name: name.into(), identity, description, roles, scopes })
}
