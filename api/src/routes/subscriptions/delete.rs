//! `DELETE /v1/subscriptions/{id}`: a subscription ends, and so does what waits for it.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::subscription::Subscription;
use scaivault_domain::{ErrorCode, Scope};

use super::{id, is_seen};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static DELETE: Operation = Operation {
    method: Method::DELETE,
    path: "/v1/subscriptions/{id}",
    id: "delete_subscription",
    summary: "Deletes a subscription; events that wait for it are dropped.",
    access: Access::Scopes(&[Scope::SubscriptionsWrite]),
    place: Place::Tenant,
    category: Category::SubscriptionOps,
    action: Some(Action::SubscriptionDelete),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(204, None)],
    errors: &[ErrorCode::SubscriptionNotFound],
    handler: |call| Box::pin(delete(call)),
};

async fn delete(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    call.query.finish()?;
    let id = id(call)?;
    let is_seen = |held: &Subscription| is_seen(&call.caller, &call.target, held);
    let answer = call.app.engine.delete_subscription(&call.change(), &id, is_seen).await?;
    Ok(Done::Changed(answer))
}
