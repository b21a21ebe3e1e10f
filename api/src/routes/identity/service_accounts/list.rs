//! `GET /v1/identity/service-accounts`: those of a tenant, newest first.

use scaivault_domain::audit::Action;
use serde::Serialize;

use super::view::{AccountView, Usage};
use crate::call::{Call, Stop};
use crate::operation::{Operation, Parameter, Shape};
use crate::paging::{PAGE, PAGE_SIZE, Paging};
use crate::response::Done;
use crate::routes::identity::holds;

/// The operation.
pub static LIST: Operation = Operation::identity_read(
    "/v1/identity/service-accounts",
    "list_service_accounts",
    "Lists service accounts, newest first.",
    Action::List,
    &[(200, Some("ServiceAccountList"))],
    |call| Box::pin(list(call)),
)
.in_tenant()
.asking(&[
    Parameter { name: "q", shape: Shape::Text, meaning: "Part of name or identity id; case is ignored." },
    Parameter { name: "is_active", shape: Shape::Boolean, meaning: "Only those that are, or are not, active." },
    PAGE,
    PAGE_SIZE,
]);

#[derive(Serialize)]
struct Page<'a> {
    service_accounts: Vec<AccountView<'a>>,
    total: usize,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let part = call.query.text("q").map(str::to_lowercase);
    let active = call.query.text("is_active").is_some().then(|| call.query.boolean("is_active"));
    let paging = Paging::of(&mut call.query);
    call.query.finish()?;
    let (projections, now) = (call.app.engine.projections().clone(), call.now());
    let view = projections.view();
    let (owner, tenant) = (&call.target.owner, call.target.owner.tenant());
    let people = tenant.map(|tenant| view.installation.people(tenant));
    let mut found: Vec<_> = people.into_iter().flat_map(|people| people.accounts()).collect();
    found.retain(|held| {
        let (account, part) = (&held.account, part.as_deref());
        part.is_none_or(|part| holds(&account.name, part) || holds(account.identity.as_str(), part))
            && active.is_none_or(|active| account.content.is_active == active)
    });
    found.reverse();
    let total = found.len();
    let rows = paging.cut(found).into_iter();
    let rows = rows.map(|held| AccountView::new(held, tenant, Usage::of(&view, &projections, owner, held, now)));
    Ok(Done::json(&Page { service_accounts: rows.collect(), total })?)
}
