//! `GET /v1/rotation/policies`: the rotation policies of the tenant by name.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};
use scaivault_projections::rotations::Lines;
use serde::Serialize;

use super::view::PolicyRow;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;
use crate::routes::secrets::list::{CURSOR, LIMIT};

/// The operation.
pub static LIST: Operation = Operation {
    method: Method::GET,
    path: "/v1/rotation/policies",
    id: "list_rotation_policies",
    summary: "Lists the rotation policies, by name.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::List),
    idempotent: false,
    query: &[
        Parameter { name: "active_only", shape: Shape::Boolean, meaning: "Without those that are disabled." },
        LIMIT,
        CURSOR,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("RotationPolicyList"))],
    errors: &[ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
};

#[derive(Serialize)]
struct Page<'a> {
    data: Vec<PolicyRow<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let active_only = call.query.boolean("active_only");
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    let engine = &call.app.engine;
    let filters = call.query.filters();
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(engine, cursor)).transpose()?;
    let view = engine.projections().view();
    let set = view.rotations.of(&call.target.owner);
    let rows = set.by_name(after.as_deref()).filter(|(_, policy)| !active_only || policy.is_active);
    let mut rows: Vec<_> = rows.take(limit + 1).collect();
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|(name, _)| name);
    let cursor = last.map(|key| binding.cursor(engine, key)).transpose()?;
    let count = |policy| set.lines(policy).map_or(0, Lines::len);
    let data = rows.into_iter().map(|(_, policy)| PolicyRow::new(policy, count(policy))).collect();
    Ok(Done::json(&Page { data, cursor, has_more })?)
}
