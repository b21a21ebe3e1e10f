//! `GET /v1/identity/partners`: those within reach, by name.

use scaivault_domain::audit::Action;
use serde::Serialize;

use super::PartnerView;
use crate::call::{Call, Stop};
use crate::operation::Operation;
use crate::paging::{PAGE, PAGE_SIZE, Paging};
use crate::response::Done;
use crate::routes::identity::{reach, records};

/// The operation.
pub static LIST: Operation = Operation::identity_read(
    "/v1/identity/partners",
    "list_partners",
    "Lists partners by name.",
    Action::List,
    &[(200, Some("PartnerList"))],
    |call| Box::pin(list(call)),
)
.asking(&[records::STATUS, PAGE, PAGE_SIZE]);

#[derive(Serialize)]
struct Page<'a> {
    partners: Vec<PartnerView<'a>>,
    total: usize,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let status = records::status(call);
    let paging = Paging::of(&mut call.query);
    call.query.finish()?;
    let view = call.app.engine.projections().view();
    let seen = view.installation.partners().filter(|partner| reach::sees_partner(&call.caller, &partner.id));
    let mut found: Vec<_> = seen.filter(|partner| records::is_shown(partner.status, status)).collect();
    found.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    let total = found.len();
    let partners = paging.cut(found).into_iter().map(|partner| partner.as_ref().into()).collect();
    Ok(Done::json(&Page { partners, total })?)
}
