//! `GET /v1/identity/partners/{id}`.

use scaivault_domain::audit::Action;

use super::PartnerView;
use crate::call::{Call, Stop};
use crate::operation::Operation;
use crate::response::Done;
use crate::routes::identity::reach;

/// The operation.
pub static SHOW: Operation = Operation::identity_read(
    "/v1/identity/partners/{id}",
    "read_partner",
    "Shows a partner.",
    Action::Read,
    &[(200, Some("IdentityPartner"))],
    |call| Box::pin(show(call)),
);

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let view = call.app.engine.projections().view();
    let partner = reach::partner(&view, &call.caller, call.captures.first())?;
    Ok(Done::json(&PartnerView::from(partner.as_ref()))?)
}
