//! `GET /v1/secret-policies`: the recipes of the tenant by name.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};
use serde::Serialize;

use super::view::SecretPolicyView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;
use crate::routes::secrets::list::{CURSOR, LIMIT};

/// The operation.
pub static LIST: Operation = Operation {
    method: Method::GET,
    path: "/v1/secret-policies",
    id: "list_secret_policies",
    summary: "Lists the recipes that generate values, by name.",
    access: Access::Scopes(&[Scope::PoliciesRead]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::List),
    idempotent: false,
    query: &[
        Parameter {
            name: "policy_type",
            shape: Shape::Choice(&["password", "api_key", "oauth_client", "ssh_key", "custom"]),
            meaning: "One type.",
        },
        Parameter { name: "include_inactive", shape: Shape::Boolean, meaning: "Also those that generate nothing." },
        LIMIT,
        CURSOR,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("SecretPolicyList"))],
    errors: &[ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
};

#[derive(Serialize)]
struct Page<'a> {
    secret_policies: Vec<SecretPolicyView<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let policy_type = call.query.choice("policy_type");
    let include_inactive = call.query.boolean("include_inactive");
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    let engine = &call.app.engine;
    let filters = call.query.filters();
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(engine, cursor)).transpose()?;
    let view = engine.projections().view();
    let rows = view.secret_policies.of(&call.target.owner).by_name(after.as_deref());
    let rows = rows.filter(|(_, policy)| include_inactive || policy.content.is_active);
    let rows = rows.filter(|(_, policy)| {
        policy_type.as_deref().is_none_or(|wanted| policy.content.policy_type.as_str() == wanted)
    });
    let mut rows: Vec<_> = rows.take(limit + 1).collect();
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|(name, _)| *name);
    let cursor = last.map(|key| binding.cursor(engine, key)).transpose()?;
    let secret_policies = rows.into_iter().map(|(_, policy)| SecretPolicyView::new(policy)).collect();
    Ok(Done::json(&Page { secret_policies, cursor, has_more })?)
}
