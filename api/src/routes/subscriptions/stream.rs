//! `GET /v1/subscriptions/{id}/stream`: events as they come, as Server-Sent Events.

mod closing;
mod open;
mod text;

use std::convert::Infallible;

use axum::body::Bytes;
use axum::http::{HeaderName, Method};
use futures_util::StreamExt as _;
use futures_util::stream;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Rejection, Scope};

use super::{note, own, place};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::headers::single;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;
use crate::streams::MOST;
use open::Open;

/// The last event that a client got before it was cut off.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The operation.
pub static STREAM: Operation = Operation {
    method: Method::GET,
    path: "/v1/subscriptions/{id}/stream",
    id: "stream_events",
    summary: "Streams events as they come, from the oldest that the owner has not acknowledged on.",
    access: Access::Scopes(&[Scope::SubscriptionsRead]),
    place: Place::Tenant,
    category: Category::SubscriptionPoll,
    action: Some(Action::SubscriptionEvent),
    idempotent: false,
    query: &[],
    headers: &["Last-Event-ID"],
    body: Body::None,
    answers: &[(200, None)],
    errors: &[
        ErrorCode::InvalidRequest,
        ErrorCode::InvalidCursor,
        ErrorCode::SubscriptionNotFound,
        ErrorCode::ResourceInUse,
    ],
    handler: |call| Box::pin(stream(call)),
};

async fn stream(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let since = single(&call.headers, &LAST_EVENT_ID)?.filter(|text| !text.is_empty()).map(place).transpose()?;
    let id = own(call, &call.app.engine.projections().view())?.id.clone();
    if let Some(since) = since {
        call.app.engine.check_place(&id, since)?;
    }
    let slot = call.app.streams.open(&call.target.owner, &id).ok_or_else(full)?;
    note(call, &id, 0);
    let open = Box::new(Open::new(call, id, since, slot));
    let pieces = stream::unfold(open, |mut open| async move {
        let piece = open.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(piece)), open))
    });
    Ok(Done::Events(pieces.boxed()))
}

fn full() -> Rejection {
    let sentence =
        format!("There are {MOST} streams of this subscription already, or as many of its tenant as there may be");
    let full = Rejection::new(ErrorCode::ResourceInUse, sentence).detail("reason", "limit_reached");
    full.detail("limit", MOST)
}
