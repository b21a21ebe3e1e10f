//! `GET /v1/subscriptions/{id}/poll`: events as soon as there are some.

use std::time::Duration;

use axum::http::Method;
use scaivault_commands::subscription::acknowledgement::{self, PassedOver};
use scaivault_commands::subscription::feed::{Found, Wanted};
use scaivault_commands::subscription::permission::Listener;
use scaivault_commands::{Failure, Reply};
use scaivault_domain::audit::Action;
use scaivault_domain::id::SubscriptionId;
use scaivault_domain::publication::EventKey;
use scaivault_domain::{ErrorCode, Rejection, Scope};
use serde::Serialize;
use tokio::time::Instant;

use super::event::EventView;
use super::{note, own, place};
use crate::admission::Admission;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;

/// How long it is waited for events, in seconds: unless said otherwise, and at most.
const PATIENCE: i64 = 30;
const MAX_PATIENCE: i64 = 60;
/// How many events are given, unless said otherwise, and at most.
const EVENTS: i64 = 100;
const MAX_EVENTS: i64 = 1_000;

/// The operation.
pub static POLL: Operation = Operation {
    method: Method::GET,
    path: "/v1/subscriptions/{id}/poll",
    id: "poll_events",
    summary: "Gives the oldest events that the owner has not acknowledged, as soon as there are some.",
    access: Access::Scopes(&[Scope::SubscriptionsRead]),
    place: Place::Tenant,
    category: Category::SubscriptionPoll,
    action: Some(Action::SubscriptionEvent),
    idempotent: false,
    query: &[
        Parameter {
            name: "timeout",
            shape: Shape::Integer(0, MAX_PATIENCE),
            meaning: "Seconds to wait for events; 30 if not given, 0 answers at once.",
        },
        Parameter {
            name: "max_events",
            shape: Shape::Integer(1, MAX_EVENTS),
            meaning: "Most events of the answer; 100 if not given.",
        },
        Parameter {
            name: "since_event_id",
            shape: Shape::Text,
            meaning: "Only events after this one. Acknowledges nothing.",
        },
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("PolledEvents"))],
    errors: &[ErrorCode::InvalidRequest, ErrorCode::InvalidCursor, ErrorCode::SubscriptionNotFound],
    handler: |call| Box::pin(poll(call)),
};

#[derive(Serialize)]
struct Answer<'a> {
    events: Vec<EventView<'a>>,
    has_more: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

/// What is asked for.
struct Asked {
    id: SubscriptionId,
    since: Option<EventKey>,
    most: usize,
    deadline: Instant,
}

async fn poll(call: &mut Call) -> Result<Done, Stop> {
    let asked = asked(call)?;
    let mut passed_over = Vec::new();
    let found = listen(call, &asked, &mut passed_over).await?;
    let events = found.events.iter().map(EventView::new).collect();
    let answer = Answer { events, has_more: found.has_more, truncated: found.truncated };
    let reply = Reply::json(200, &answer)?;
    note(call, &asked.id, found.events.len());
    if passed_over.is_empty() {
        return Ok(Done::Reply(reply));
    }
    let passed = PassedOver {
        owner: &call.target.owner,
        id: &asked.id,
        listener: &call.caller.identity,
        request_id: &call.entry.request_id,
        keys: &passed_over,
    };
    let entry = acknowledgement::finished(&call.entry, &asked.id, found.events.len())?;
    call.handed.set();
    call.app.engine.pass_over(&passed, Some(entry)).await?;
    Ok(Done::Recorded(reply))
}

fn asked(call: &mut Call) -> Result<Asked, Rejection> {
    let seconds = call.query.integer("timeout", (0, MAX_PATIENCE)).unwrap_or(PATIENCE);
    let most = call.query.integer("max_events", (1, MAX_EVENTS)).unwrap_or(EVENTS);
    call.query.finish()?;
    let since = call.query.text("since_event_id").map(place).transpose()?;
    let id = own(call, &call.app.engine.projections().view())?.id.clone();
    let patience = Duration::from_secs(seconds.unsigned_abs());
    Ok(Asked { id, since, most: usize::try_from(most).unwrap_or(1), deadline: Instant::now() + patience })
}

/// Waits until there are events, time is up or the server stops.
async fn listen(call: &Call, asked: &Asked, passed_over: &mut Vec<EventKey>) -> Result<Found, Failure> {
    let engine = &call.app.engine;
    let watcher = engine.projections().bells().watch(&asked.id);
    let mut serving = call.app.serving.clone();
    let mut admission = Admission::of(call);
    let mut place = asked.since;
    let (mut is_later, mut is_over) = (false, false);
    loop {
        // Made before looking: what comes meanwhile rings.
        let rung = watcher.rung();
        if let Some(since) = asked.since {
            engine.check_place(&asked.id, since)?;
        }
        let found = {
            let view = engine.projections().view();
            if is_later {
                // Meanwhile its token may have ended, or what it may do.
                admission.renew(&view).await?;
            }
            let listener = Listener::new(&view, &admission.caller, &admission.target, admission.address, engine.now());
            engine.look(Wanted { id: &asked.id, place, most: asked.most }, &listener).await?
        };
        passed_over.extend(&found.passed_over);
        place = found.place;
        if !found.events.is_empty() || is_over {
            return Ok(found);
        }
        is_over = tokio::select! {
            () = rung => false,
            () = tokio::time::sleep_until(asked.deadline) => true,
            _ = serving.wait_for(|serving| !*serving) => true,
        };
        is_later = true;
    }
}
