//! `GET /v1/webhooks/{id}`: one webhook, and how it is doing.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::delivery::Recipient;
use scaivault_domain::{ErrorCode, Scope};
use scaivault_projections::outboxes::Outboxes;

use super::view::DetailView;
use super::webhook;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static SHOW: Operation = Operation {
    method: Method::GET,
    path: "/v1/webhooks/{id}",
    id: "read_webhook",
    summary: "Shows a webhook with its statistics of the last 24 hours.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::WebhookOps,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("WebhookDetail"))],
    errors: &[ErrorCode::WebhookNotFound],
    handler: |call| Box::pin(show(call)),
};

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let (projections, now) = (call.app.engine.projections(), call.now());
    let webhook = webhook(call, &projections.view())?;
    let to = Recipient::Webhook(webhook.id.clone());
    // A copy shares everything, so that nobody waits for the counting.
    let outbox = projections.outboxes(|outboxes: &Outboxes| outboxes.outbox(&to).cloned());
    let (day, last) = outbox.map(|outbox| (outbox.day(now), outbox.last)).unwrap_or_default();
    Ok(Done::json(&DetailView::new(&webhook, day, last.as_deref(), now))?)
}
