//! `PATCH /v1/identity/tenants/{id}`.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::tenancy::unknown_tenant;
use scaivault_domain::audit::Action;
use scaivault_domain::directory::Tenant;
use scaivault_domain::{ErrorCode, Role};

use super::TenantView;
use crate::call::{Call, Stop};
use crate::operation::{Body, Operation};
use crate::response::Done;
use crate::routes::identity::{reach, records};

/// The operation.
pub static UPDATE: Operation = Operation::identity_change(
    Method::PATCH,
    "/v1/identity/tenants/{id}",
    "update_tenant",
    "Changes a tenant that was made here; suspending it ends access to it.",
    Action::Write,
    &[(200, Some("IdentityTenant"))],
    |call| Box::pin(update(call)),
)
.taking(Body::MergePatch("UpdateTenant"))
.refusing(&[ErrorCode::TenantNotFound, ErrorCode::ResourceInUse]);

async fn update(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    reach::require_rank(&call.caller, Role::PartnerAdmin)?;
    let patch = records::patch(call)?;
    let view = call.app.engine.projections().view();
    let tenant = reach::tenant(&view, &call.caller, call.captures.first())?;
    if !reach::administers_tenants_of(&call.caller, &tenant.partner_id) {
        return Err(unknown_tenant().into());
    }
    let tell = |tenant: &Tenant| Reply::json(200, &TenantView::from(tenant));
    Ok(Done::Changed(call.app.engine.update_tenant(&call.change(), &tenant.id, &patch, tell).await?))
}
