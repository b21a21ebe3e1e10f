//! `POST /v1/subscriptions/{id}/ack`: events that need not come again.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Rejection, Scope};
use serde::Serialize;

use super::own;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::fields::not_null;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// Most ids of a request.
const MOST: usize = 1_000;

/// The operation.
pub static ACKNOWLEDGE: Operation = Operation {
    method: Method::POST,
    path: "/v1/subscriptions/{id}/ack",
    id: "acknowledge_events",
    summary: "Acknowledges events, which do not come again. Ids of none that waits are ignored.",
    access: Access::Scopes(&[Scope::SubscriptionsRead]),
    place: Place::Tenant,
    category: Category::SubscriptionPoll,
    action: Some(Action::SubscriptionEvent),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("AcknowledgeEvents"),
    answers: &[(200, Some("EventsAcknowledged"))],
    errors: &[ErrorCode::SubscriptionNotFound],
    handler: |call| Box::pin(acknowledge(call)),
};

#[derive(Serialize)]
struct Acknowledged {
    acknowledged: usize,
}

async fn acknowledge(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let event_ids = event_ids(call)?;
    let id = own(call, &call.app.engine.projections().view())?.id.clone();
    let tell = |acknowledged| Reply::json(200, &Acknowledged { acknowledged });
    Ok(Done::Changed(call.app.engine.acknowledge(&call.change(), &id, &event_ids, tell).await?))
}

fn event_ids(call: &mut Call) -> Result<Vec<String>, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let is_given = fields.has("event_ids");
    let event_ids = fields.texts("event_ids", &mut faults);
    let event_ids = not_null(event_ids, "event_ids", &mut faults);
    match &event_ids {
        None if !is_given => faults.field("event_ids", "is required"),
        Some(ids) if !(1..=MOST).contains(&ids.len()) => faults.field("event_ids", "must hold 1 to 1000 ids"),
        Some(_) | None => {}
    }
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(event_ids.unwrap_or_default())
}
