//! `GET /v1/policies/{id}/bindings`: to whom a policy is bound.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, IdentityType, Scope};
use serde::Serialize;

use super::policy;
use super::view::BindingView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;
use crate::routes::secrets::list::{CURSOR, LIMIT};

/// The operation.
pub static BINDINGS: Operation = Operation {
    method: Method::GET,
    path: "/v1/policies/{id}/bindings",
    id: "list_policy_bindings",
    summary: "Lists the bindings of an access policy, newest first.",
    access: Access::Scopes(&[Scope::PoliciesRead]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::List),
    idempotent: false,
    query: &[
        Parameter {
            name: "identity_type",
            shape: Shape::Choice(&["user", "service_account", "group", "system"]),
            meaning: "Only those of identities of this type.",
        },
        Parameter { name: "identity_id", shape: Shape::Text, meaning: "Only that of this identity." },
        LIMIT,
        CURSOR,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("PolicyBindingList"))],
    errors: &[ErrorCode::PolicyNotFound, ErrorCode::InvalidCursor],
    handler: |call| Box::pin(bindings(call)),
};

#[derive(Serialize)]
struct Page<'a> {
    bindings: Vec<BindingView<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

async fn bindings(call: &mut Call) -> Result<Done, Stop> {
    let kind = call.query.choice("identity_type").as_deref().and_then(IdentityType::parse);
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    let (address, held) = policy(call, &call.app.engine.projections().view())?;
    let filters = format!("{}{}", call.query.filters(), address.id);
    let cursors = Binding { operation: call.operation.id, owner: &call.target.owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| cursors.key(&call.app.engine, cursor)).transpose()?;
    let identity = call.query.text("identity_id");
    let mut rows: Vec<_> = held
        .bindings
        .values()
        .rev()
        .filter(|row| kind.is_none_or(|kind| row.binding.identity.kind() == kind))
        .filter(|row| identity.is_none_or(|identity| row.binding.identity.as_str() == identity))
        .filter(|row| after.as_deref().is_none_or(|after| row.binding.id.as_str() < after))
        .take(limit + 1)
        .collect();
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|row| row.binding.id.as_str());
    let cursor = last.map(|key| cursors.cursor(&call.app.engine, key)).transpose()?;
    let bindings = rows.into_iter().map(|row| BindingView::new(row)).collect();
    Ok(Done::json(&Page { bindings, cursor, has_more })?)
}
