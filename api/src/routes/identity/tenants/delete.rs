//! `DELETE /v1/identity/tenants/{id}`: the end of everything sealed under its key.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::tenancy::unknown_tenant;
use scaivault_domain::audit::Action;
use scaivault_domain::directory::Tenant;
use scaivault_domain::{ErrorCode, Owner, Role};

use super::TenantView;
use crate::call::{Call, Stop};
use crate::operation::Operation;
use crate::response::Done;
use crate::routes::identity::reach;

/// The operation.
pub static DELETE: Operation = Operation::identity_change(
    Method::DELETE,
    "/v1/identity/tenants/{id}",
    "delete_tenant",
    "Destroys the key of a suspended tenant: nothing sealed under it can be read again, by anybody.",
    Action::Delete,
    &[(202, Some("IdentityTenant"))],
    |call| Box::pin(delete(call)),
)
.refusing(&[ErrorCode::TenantNotFound, ErrorCode::ResourceInUse]);

async fn delete(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    call.query.finish()?;
    reach::require_rank(&call.caller, Role::PartnerAdmin)?;
    let view = call.app.engine.projections().view();
    let tenant = reach::tenant(&view, &call.caller, call.captures.first())?;
    if !reach::administers_tenants_of(&call.caller, &tenant.partner_id) {
        return Err(unknown_tenant().into());
    }
    // The tenant's own log goes with it.
    call.entry.owner = Owner::Partner(tenant.partner_id.clone());
    let tell = |tenant: &Tenant| Reply::json(202, &TenantView::from(tenant));
    Ok(Done::Changed(call.app.engine.delete_tenant(&call.change(), &tenant.id, tell).await?))
}
