//! `POST /v1/identity/partners`.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::tenancy::NewRecord;
use scaivault_domain::audit::Action;
use scaivault_domain::directory::Partner;
use scaivault_domain::{ErrorCode, Rejection, Role};

use super::PartnerView;
use crate::call::{Call, Stop};
use crate::operation::{Body, Operation};
use crate::response::Done;
use crate::routes::identity::{reach, records};

/// The operation.
pub static CREATE: Operation = Operation::identity_change(
    Method::POST,
    "/v1/identity/partners",
    "create_partner",
    "Makes a partner, for installations without an identity provider.",
    Action::Write,
    &[(201, Some("IdentityPartner"))],
    |call| Box::pin(create(call)),
)
.taking(Body::Json("CreatePartner"))
.refusing(&[ErrorCode::NameTaken]);

async fn create(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    reach::require_rank(&call.caller, Role::SuperAdmin)?;
    let new = new(call)?;
    let tell = |partner: &Partner| Reply::json(201, &PartnerView::from(partner));
    Ok(Done::Changed(call.app.engine.create_partner(&call.change(), new, tell).await?))
}

fn new(call: &mut Call) -> Result<NewRecord, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let new = records::new_record(&mut fields, &mut faults);
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(new)
}
