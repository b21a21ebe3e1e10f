//! `GET /v1/webhooks`: the webhooks of the tenant.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};
use serde::Serialize;

use super::day;
use super::view::WebhookRow;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;
use crate::routes::secrets::list::{CURSOR, LIMIT};

/// The operation.
pub static LIST: Operation = Operation {
    method: Method::GET,
    path: "/v1/webhooks",
    id: "list_webhooks",
    summary: "Lists the webhooks, newest first.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::WebhookOps,
    action: Some(Action::List),
    idempotent: false,
    query: &[LIMIT, CURSOR],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("WebhookList"))],
    errors: &[ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
};

#[derive(Serialize)]
struct Page<'a> {
    webhooks: Vec<WebhookRow<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    let engine = &call.app.engine;
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: "" };
    let after = call.query.text("cursor").map(|cursor| binding.key(engine, cursor)).transpose()?;
    let view = engine.projections().view();
    let all = view.webhooks.of(&call.target.owner).all().rev();
    let rows = all.filter(|webhook| after.as_deref().is_none_or(|after| webhook.id.as_str() < after));
    let mut rows: Vec<_> = rows.take(limit + 1).collect();
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|webhook| webhook.id.as_str());
    let cursor = last.map(|key| binding.cursor(engine, key)).transpose()?;
    let webhooks = rows.into_iter().map(|webhook| WebhookRow::new(webhook, day(call, &webhook.id))).collect();
    Ok(Done::json(&Page { webhooks, cursor, has_more })?)
}
