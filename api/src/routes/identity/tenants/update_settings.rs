//! `PATCH /v1/identity/tenants/{id}/settings`.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::tenancy::SettingsPatch;
use scaivault_domain::access::role_required;
use scaivault_domain::audit::Action;
use scaivault_domain::tenant::{AUDIT_RETENTION_SECONDS, MAX_LEASES, RECOVERY_WINDOW_SECONDS, TenantSettings};
use scaivault_domain::{DurationText, ErrorCode, Rejection, Role, Timestamp, granting};

use super::SettingsView;
use crate::call::{Call, Stop};
use crate::context::suspended;
use crate::fields::{Faults, Fields};
use crate::operation::{Body, Operation};
use crate::response::Done;
use crate::routes::identity::reach;

/// The operation.
pub static UPDATE_SETTINGS: Operation = Operation::identity_change(
    Method::PATCH,
    "/v1/identity/tenants/{id}/settings",
    "update_tenant_settings",
    "Changes the settings of a tenant; null restores a default.",
    Action::Write,
    &[(200, Some("TenantSettings"))],
    |call| Box::pin(update(call)),
)
.taking(Body::MergePatch("UpdateTenantSettings"))
.refusing(&[ErrorCode::TenantNotFound, ErrorCode::InvalidDuration]);

async fn update(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    reach::require_rank(&call.caller, Role::TenantAdmin)?;
    let patch = patch(call)?;
    let view = call.app.engine.projections().view();
    let tenant = reach::tenant(&view, &call.caller, call.captures.first())?;
    let target = reach::target_of(&tenant);
    if !granting::reaches(&call.caller, Role::TenantAdmin, &target) {
        return Err(role_required(Role::TenantAdmin).into());
    }
    call.entry.owner = target.owner;
    if !view.installation.is_open(Some(&tenant.id), None) {
        return Err(suspended().into());
    }
    let tell =
        |settings: &TenantSettings, at: Timestamp| Reply::json(200, &SettingsView::new(&tenant.id, settings, at));
    Ok(Done::Changed(call.app.engine.update_settings(&call.change(), &tenant.id, &patch, tell).await?))
}

fn patch(call: &mut Call) -> Result<SettingsPatch, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let number = |given: Option<i64>| given.and_then(|value| u32::try_from(value).ok());
    let default_max_versions = fields.integer("default_max_versions", (1, 100), &mut faults).map(number);
    let recovery_window = within(&mut fields, "recovery_window", RECOVERY_WINDOW_SECONDS, "1h to 365d", &mut faults);
    let audit_retention = within(&mut fields, "audit_retention", AUDIT_RETENTION_SECONDS, "30d to 36500d", &mut faults);
    let max_leases = fields.integer("max_leases", MAX_LEASES, &mut faults).map(number);
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(SettingsPatch { default_max_versions, recovery_window, audit_retention, max_leases })
}

#[allow(clippy::option_option, reason = "absent and null are different things in a patch")]
fn within(
    fields: &mut Fields<'_>,
    name: &str,
    (low, high): (i64, i64),
    told: &str,
    faults: &mut Faults,
) -> Option<Option<DurationText>> {
    let given = fields.duration(name, faults)?;
    if given.as_ref().is_some_and(|duration| !(low..=high).contains(&duration.seconds())) {
        faults.field(name, format!("must be {told}"));
    }
    Some(given)
}
