//! `GET /v1/subscriptions/{id}`: one subscription.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};

use super::view::SubscriptionView;
use super::{listener, seen};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static SHOW: Operation = Operation {
    method: Method::GET,
    path: "/v1/subscriptions/{id}",
    id: "read_subscription",
    summary: "Shows a subscription, and how many events wait for its owner.",
    access: Access::Scopes(&[Scope::SubscriptionsRead]),
    place: Place::Tenant,
    category: Category::SubscriptionOps,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("SubscriptionShown"))],
    errors: &[ErrorCode::SubscriptionNotFound],
    handler: |call| Box::pin(show(call)),
};

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let engine = &call.app.engine;
    let view = engine.projections().view();
    let subscription = seen(call, &view)?;
    let shown = SubscriptionView::new(engine, (&view, &listener(call, &view)), &call.target.owner, &subscription, None);
    Ok(Done::json(&shown)?)
}
