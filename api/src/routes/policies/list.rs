//! `GET /v1/policies`: the policies that count here, newest first.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Owner, Scope};
use scaivault_projections::HeldPolicy;
use serde::Serialize;

use super::owners;
use super::view::{PolicyRow, scope};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;
use crate::routes::secrets::list::{CURSOR, LIMIT};

/// The operation.
pub static LIST: Operation = Operation {
    method: Method::GET,
    path: "/v1/policies",
    id: "list_policies",
    summary: "Lists access policies, newest first.",
    access: Access::Scopes(&[Scope::PoliciesRead]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::List),
    idempotent: false,
    query: &[
        Parameter {
            name: "scope",
            shape: Shape::Choice(&["tenant", "partner"]),
            meaning: "Only those of the tenant, or only those of its partner.",
        },
        Parameter { name: "include_inactive", shape: Shape::Boolean, meaning: "Also inactive ones." },
        LIMIT,
        CURSOR,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("PolicyList"))],
    errors: &[ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
};

#[derive(Serialize)]
struct Page<'a> {
    policies: Vec<PolicyRow<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let wanted = call.query.choice("scope");
    let inactive = call.query.boolean("include_inactive");
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    let filters = call.query.filters();
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(&call.app.engine, cursor)).transpose()?;
    let view = call.app.engine.projections().view();
    let owners = owners(&call.target);
    let mut rows: Vec<(&Owner, &HeldPolicy)> = owners
        .iter()
        .filter(|owner| wanted.as_deref().is_none_or(|wanted| wanted == scope(owner)))
        .flat_map(|owner| view.policies.of(owner).newest_first().map(move |held| (owner, held.as_ref())))
        .filter(|(_, held)| inactive || held.policy.content.is_active)
        .filter(|(_, held)| after.as_deref().is_none_or(|after| held.policy.id.as_str() < after))
        .collect();
    // Both lists are in order; put together they have to be put in order.
    rows.sort_by(|(_, a), (_, b)| b.policy.id.cmp(&a.policy.id));
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|(_, held)| held.policy.id.as_str());
    let cursor = last.map(|key| binding.cursor(&call.app.engine, key)).transpose()?;
    let policies = rows.into_iter().map(|(owner, held)| PolicyRow::new(owner, held)).collect();
    Ok(Done::json(&Page { policies, cursor, has_more })?)
}
