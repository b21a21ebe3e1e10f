//! `POST /v1/webhooks/{id}/deliveries/{delivery_id}/redeliver`: the event of a delivery is sent again.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};
use scaivault_projections::deliveries::Row;

use super::delivery_view::RowView;
use super::{delivery_id, webhook};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static REDELIVER: Operation = Operation {
    method: Method::POST,
    path: "/v1/webhooks/{id}/deliveries/{delivery_id}/redeliver",
    id: "redeliver_webhook_delivery",
    summary: "Sends the event of a delivery again, as a new delivery.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::WebhookOps,
    action: Some(Action::WebhookDelivery),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(202, Some("WebhookDelivery"))],
    errors: &[ErrorCode::WebhookNotFound, ErrorCode::DeliveryNotFound, ErrorCode::ResourceInUse],
    handler: |call| Box::pin(redeliver(call)),
};

async fn redeliver(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    call.query.finish()?;
    let webhook = webhook(call, &call.app.engine.projections().view())?;
    let delivery = delivery_id(call)?;
    let tell = |row: &Row| Reply::json(202, &RowView::new(row));
    let answer = call.app.engine.redeliver(&call.change(), &webhook.id, &delivery, tell).await?;
    Ok(Done::Changed(answer))
}
