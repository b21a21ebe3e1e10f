//! `GET /v1/identity/tenants/{id}/settings`.

use scaivault_commands::tenancy::unknown_tenant;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Owner};

use super::SettingsView;
use crate::call::{Call, Stop};
use crate::operation::Operation;
use crate::response::Done;
use crate::routes::identity::reach;

/// The operation.
pub static SHOW_SETTINGS: Operation = Operation::identity_read(
    "/v1/identity/tenants/{id}/settings",
    "read_tenant_settings",
    "Shows the settings of a tenant.",
    Action::Read,
    &[(200, Some("TenantSettings"))],
    |call| Box::pin(show(call)),
)
.refusing(&[ErrorCode::TenantNotFound]);

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let view = call.app.engine.projections().view();
    let tenant = reach::tenant(&view, &call.caller, call.captures.first())?;
    call.entry.owner = Owner::Tenant(tenant.id.clone());
    let settings = view.installation.people(&tenant.id).settings();
    let (settings, updated_at) = settings.ok_or_else(unknown_tenant)?;
    Ok(Done::json(&SettingsView::new(&tenant.id, settings, *updated_at))?)
}
