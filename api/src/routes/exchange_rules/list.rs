//! `GET /v1/auth/exchange-rules`: the rules of exchange of the tenant, newest first.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Role, Scope};
use serde::Serialize;

use super::view::ExchangeRuleView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;
use crate::routes::secrets::list::{CURSOR, LIMIT};

/// The operation.
pub static LIST: Operation = Operation {
    method: Method::GET,
    path: "/v1/auth/exchange-rules",
    id: "list_exchange_rules",
    summary: "Lists the rules of token exchange, newest first.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::Auth,
    action: Some(Action::List),
    idempotent: false,
    query: &[LIMIT, CURSOR],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("ExchangeRuleList"))],
    errors: &[ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
};

#[derive(Serialize)]
struct Page<'a> {
    exchange_rules: Vec<ExchangeRuleView<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    call.require_role(Role::TenantAdmin)?;
    let engine = &call.app.engine;
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: "" };
    let after = call.query.text("cursor").map(|cursor| binding.key(engine, cursor)).transpose()?;
    let view = engine.projections().view();
    let all = view.issuers.of(&call.target.owner).rules();
    let mut page: Vec<_> =
        all.filter(|rule| after.as_deref().is_none_or(|after| rule.id.as_str() < after)).take(limit + 1).collect();
    let has_more = page.len() > limit;
    page.truncate(limit);
    let last = page.last().filter(|_| has_more).map(|rule| rule.id.as_str());
    let cursor = last.map(|key| binding.cursor(engine, key)).transpose()?;
    let exchange_rules = page.into_iter().map(|rule| ExchangeRuleView::new(rule)).collect();
    Ok(Done::json(&Page { exchange_rules, cursor, has_more })?)
}
