//! `POST /v1/webhooks/{id}/replay`: events of a time span are sent again.

use std::time::Duration;

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::webhook::replay::Replay;
use scaivault_domain::audit::Action;
use scaivault_domain::publication::EventNames;
use scaivault_domain::{ErrorCode, Rejection, Scope, Timestamp};
use serde::Serialize;

use super::id;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::fields::not_null;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static REPLAY: Operation = Operation {
    method: Method::POST,
    path: "/v1/webhooks/{id}/replay",
    id: "replay_webhook",
    summary: "Sends the events of a time span again that the webhook wants as it is now.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::WebhookOps,
    action: Some(Action::WebhookDelivery),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("WebhookReplay"),
    answers: &[(202, Some("WebhookReplayQueued"))],
    errors: &[ErrorCode::WebhookNotFound, ErrorCode::ResourceInUse],
    handler: |call| Box::pin(replay(call)),
};

/// Of the time of a request: for all else than going over the log.
const RESERVE: Duration = Duration::from_secs(10);

#[derive(Serialize)]
struct QueuedView<'a> {
    webhook_id: &'a str,
    from: Timestamp,
    to: Timestamp,
    status: &'static str,
    events_queued: usize,
}

async fn replay(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let (from, to, events) = span(call)?;
    let id = id(call)?;
    let whole = call.app.settings.request_timeout;
    let wanted = Replay { from, to, events, patience: whole.saturating_sub(RESERVE).max(whole / 2) };
    let tell = |count: usize| {
        let view = QueuedView { webhook_id: id.as_str(), from, to, status: "queued", events_queued: count };
        Reply::json(202, &view)
    };
    let answer = call.app.engine.replay_to_webhook(&call.change(), &call.target, &id, &wanted, tell).await?;
    Ok(Done::Changed(answer))
}

fn span(call: &mut Call) -> Result<(Timestamp, Timestamp, Option<EventNames>), Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    if !fields.has("from") {
        faults.field("from", "is required");
    }
    let from = fields.timestamp("from", &mut faults);
    let from = not_null(from, "from", &mut faults);
    let to = fields.timestamp("to", &mut faults).flatten().unwrap_or(call.now());
    if from.is_some_and(|from| from > to) {
        faults.field("from", "must not be later than to");
    }
    let events = match fields.texts("events", &mut faults) {
        Some(Some(names)) => faults.take(EventNames::parse(&names, "events")),
        Some(None) | None => None,
    };
    fields.finish(&mut faults);
    faults.finish()?;
    Ok((from.unwrap_or(to), to, events))
}
