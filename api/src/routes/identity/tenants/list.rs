//! `GET /v1/identity/tenants`: those within reach, by name.

use scaivault_domain::audit::Action;
use serde::Serialize;

use super::TenantView;
use crate::call::{Call, Stop};
use crate::operation::{Operation, Parameter, Shape};
use crate::paging::{PAGE, PAGE_SIZE, Paging};
use crate::response::Done;
use crate::routes::identity::{reach, records};

/// The operation.
pub static LIST: Operation = Operation::identity_read(
    "/v1/identity/tenants",
    "list_tenants",
    "Lists tenants by name.",
    Action::List,
    &[(200, Some("TenantList"))],
    |call| Box::pin(list(call)),
)
.asking(&[
    Parameter { name: "partner_id", shape: Shape::Text, meaning: "Only those of this partner." },
    records::STATUS,
    PAGE,
    PAGE_SIZE,
]);

#[derive(Serialize)]
struct Page<'a> {
    tenants: Vec<TenantView<'a>>,
    total: usize,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let status = records::status(call);
    let paging = Paging::of(&mut call.query);
    call.query.finish()?;
    let partner = call.query.text("partner_id");
    let view = call.app.engine.projections().view();
    let seen = view.installation.tenants().filter(|tenant| reach::sees_tenant(&call.caller, tenant));
    let of_partner = seen.filter(|tenant| partner.is_none_or(|partner| tenant.partner_id.as_str() == partner));
    let mut found: Vec<_> = of_partner.filter(|tenant| records::is_shown(tenant.status, status)).collect();
    found.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    let total = found.len();
    let tenants = paging.cut(found).into_iter().map(|tenant| tenant.as_ref().into()).collect();
    Ok(Done::json(&Page { tenants, total })?)
}
