//! `GET /v1/webhooks/{id}/deliveries`: what became of events on their way to a webhook, newest first.

use axum::http::Method;
use scaivault_commands::Failure;
use scaivault_domain::audit::Action;
use scaivault_domain::delivery::Recipient;
use scaivault_domain::publication::TEST;
use scaivault_domain::publication::names::TYPES;
use scaivault_domain::{ErrorCode, Scope};
use scaivault_projections::deliveries::{Place as Stand, Wanted};
use serde::Serialize;

use super::delivery_view::RowView;
use super::webhook;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;
use crate::routes::secrets::list::{CURSOR, LIMIT};

/// The operation.
pub static DELIVERIES: Operation = Operation {
    method: Method::GET,
    path: "/v1/webhooks/{id}/deliveries",
    id: "list_webhook_deliveries",
    summary: "Lists the deliveries of the last 30 days to a webhook, newest first.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::WebhookOps,
    action: Some(Action::List),
    idempotent: false,
    query: &[
        Parameter {
            name: "status",
            shape: Shape::Choice(&["success", "failed", "pending"]),
            meaning: "Only those that stand so.",
        },
        Parameter { name: "event_type", shape: Shape::Text, meaning: "Only of events of this type." },
        Parameter { name: "from", shape: Shape::Timestamp, meaning: "Only those from then on." },
        Parameter { name: "to", shape: Shape::Timestamp, meaning: "Only those before." },
        LIMIT,
        CURSOR,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("WebhookDeliveryList"))],
    errors: &[ErrorCode::WebhookNotFound, ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
};

#[derive(Serialize)]
struct Page<'a> {
    deliveries: Vec<RowView<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let wanted = wanted(call);
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    let engine = &call.app.engine;
    let webhook = webhook(call, &engine.projections().view())?;
    let filters = format!("{}\u{1d}{}", webhook.id, call.query.filters());
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(engine, cursor)).transpose()?;
    let after: Option<Stand> = after.map(|key| serde_json::from_str(&key)).transpose()?;
    let deliveries = engine.deliveries(&call.target.owner, Recipient::Webhook(webhook.id.clone()))?;
    let (rows, next) = deliveries.list(&wanted, after, limit, call.now()).await.map_err(Failure::from)?;
    let next = next.map(|next| serde_json::to_string(&next)).transpose()?;
    let cursor = next.map(|key| binding.cursor(engine, &key)).transpose()?;
    let has_more = cursor.is_some();
    Ok(Done::json(&Page { deliveries: rows.iter().map(RowView::new).collect(), cursor, has_more })?)
}

fn wanted(call: &mut Call) -> Wanted {
    let (from, to) = (call.query.timestamp("from"), call.query.timestamp("to"));
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        call.query.faults.field("query.from", "must not be later than query.to");
    }
    let event_type = call.query.text("event_type").map(str::to_owned);
    if event_type.as_deref().is_some_and(|name| !TYPES.contains(&name) && name != TEST) {
        call.query.faults.field("query.event_type", "is no type of event");
    }
    Wanted { status: call.query.choice("status"), event_type, from, to }
}
