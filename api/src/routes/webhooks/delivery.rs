//! `GET /v1/webhooks/{id}/deliveries/{delivery_id}`: one delivery with all that was tried.

use axum::http::Method;
use scaivault_commands::Failure;
use scaivault_domain::audit::Action;
use scaivault_domain::delivery::Recipient;
use scaivault_domain::{ErrorCode, Scope};

use super::delivery_view::DeliveryView;
use super::{delivery_id, unknown_delivery, webhook};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static DELIVERY: Operation = Operation {
    method: Method::GET,
    path: "/v1/webhooks/{id}/deliveries/{delivery_id}",
    id: "read_webhook_delivery",
    summary: "Shows a delivery with its attempts.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::WebhookOps,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("WebhookDeliveryDetail"))],
    errors: &[ErrorCode::WebhookNotFound, ErrorCode::DeliveryNotFound],
    handler: |call| Box::pin(show(call)),
};

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let engine = &call.app.engine;
    let webhook = webhook(call, &engine.projections().view())?;
    let deliveries = engine.deliveries(&call.target.owner, Recipient::Webhook(webhook.id.clone()))?;
    let found = deliveries.delivery(&delivery_id(call)?, call.now()).await.map_err(Failure::from)?;
    Ok(Done::json(&DeliveryView::new(&found.ok_or_else(unknown_delivery)?))?)
}
