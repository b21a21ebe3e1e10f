//! `GET /v1/identity/tenants/{id}`.

use scaivault_domain::ErrorCode;
use scaivault_domain::audit::Action;

use super::TenantView;
use crate::call::{Call, Stop};
use crate::operation::Operation;
use crate::response::Done;
use crate::routes::identity::reach;

/// The operation.
pub static SHOW: Operation = Operation::identity_read(
    "/v1/identity/tenants/{id}",
    "read_tenant",
    "Shows a tenant.",
    Action::Read,
    &[(200, Some("IdentityTenant"))],
    |call| Box::pin(show(call)),
)
.refusing(&[ErrorCode::TenantNotFound]);

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let view = call.app.engine.projections().view();
    let tenant = reach::tenant(&view, &call.caller, call.captures.first())?;
    Ok(Done::json(&TenantView::from(tenant.as_ref()))?)
}
