//! `POST /v1/identity/tenants`.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::tenancy::{NewRecord, unknown_partner};
use scaivault_domain::audit::Action;
use scaivault_domain::directory::Tenant;
use scaivault_domain::{ErrorCode, PartnerId, Rejection, Role};

use super::TenantView;
use crate::call::{Call, Stop};
use crate::fields::not_null;
use crate::operation::{Body, Operation};
use crate::response::Done;
use crate::routes::identity::{reach, records};

/// The operation.
pub static CREATE: Operation = Operation::identity_change(
    Method::POST,
    "/v1/identity/tenants",
    "create_tenant",
    "Makes a tenant, for installations without an identity provider.",
    Action::Write,
    &[(201, Some("IdentityTenant"))],
    |call| Box::pin(create(call)),
)
.taking(Body::Json("CreateTenant"))
.refusing(&[ErrorCode::NameTaken]);

async fn create(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    reach::require_rank(&call.caller, Role::PartnerAdmin)?;
    let (partner, new) = new(call)?;
    let partner = PartnerId::parse(&partner).ok_or_else(unknown_partner)?;
    if !reach::administers_tenants_of(&call.caller, &partner) {
        return Err(unknown_partner().into());
    }
    let tell = |tenant: &Tenant| Reply::json(201, &TenantView::from(tenant));
    Ok(Done::Changed(call.app.engine.create_tenant(&call.change(), partner, new, tell).await?))
}

fn new(call: &mut Call) -> Result<(String, NewRecord), Rejection> {
    let own = call.caller.partner.clone().filter(|_| !call.caller.has_role(Role::SuperAdmin));
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let given = fields.has("partner_id");
    let text = fields.text("partner_id", &mut faults);
    let partner = not_null(text, "partner_id", &mut faults);
    let partner = partner.or_else(|| own.map(|own| own.as_str().to_owned()).filter(|_| !given));
    if partner.is_none() && !given {
        faults.field("partner_id", "is required");
    }
    let new = records::new_record(&mut fields, &mut faults);
    fields.finish(&mut faults);
    faults.finish()?;
    Ok((partner.unwrap_or_default(), new))
}
