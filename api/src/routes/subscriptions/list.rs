//! `GET /v1/subscriptions`: one's own; to administrators all of the tenant.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};
use serde::Serialize;

use super::view::SubscriptionView;
use super::{is_seen, listener};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;
use crate::routes::secrets::list::{CURSOR, LIMIT};

/// The operation.
pub static LIST: Operation = Operation {
    method: Method::GET,
    path: "/v1/subscriptions",
    id: "list_subscriptions",
    summary: "Lists the caller's subscriptions, newest first; to administrators those of everybody.",
    access: Access::Scopes(&[Scope::SubscriptionsRead]),
    place: Place::Tenant,
    category: Category::SubscriptionOps,
    action: Some(Action::List),
    idempotent: false,
    query: &[LIMIT, CURSOR],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("SubscriptionList"))],
    errors: &[ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
};

#[derive(Serialize)]
struct Page<'a> {
    subscriptions: Vec<SubscriptionView<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    let (engine, owner) = (&call.app.engine, &call.target.owner);
    // Whoever gains or loses a role meanwhile goes on where it was.
    let filters = call.query.filters();
    let binding = Binding { operation: call.operation.id, owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(engine, cursor)).transpose()?;
    let view = engine.projections().view();
    let rows = view.subscriptions.of(owner).all().rev();
    let rows = rows.skip_while(|held| after.as_deref().is_some_and(|after| held.id.as_str() >= after));
    let rows = rows.filter(|held| is_seen(&call.caller, &call.target, held));
    let mut rows: Vec<_> = rows.take(limit + 1).collect();
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more);
    let cursor = last.map(|held| binding.cursor(engine, held.id.as_str())).transpose()?;
    let listener = listener(call, &view);
    let shown = |held| SubscriptionView::new(engine, (&view, &listener), owner, held, None);
    let subscriptions = rows.into_iter().map(|held| shown(held.as_ref())).collect();
    Ok(Done::json(&Page { subscriptions, cursor, has_more })?)
}
