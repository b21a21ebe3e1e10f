//! Subscriptions: feeds of chosen paths for one identity.

pub mod acknowledge;
pub mod create;
pub mod delete;
mod event;
mod input;
pub mod list;
pub mod poll;
pub mod show;
pub mod stream;
pub mod update;
mod view;

use std::sync::Arc;

use scaivault_commands::audit::DeliveryFacts;
use scaivault_commands::subscription::permission::Listener;
use scaivault_domain::Rejection;
use scaivault_domain::access::{Caller, Target};
use scaivault_domain::delivery::Recipient;
use scaivault_domain::id::SubscriptionId;
use scaivault_domain::publication::EventKey;
use scaivault_domain::subscription::{Delivery, Subscription, decide};
use scaivault_projections::View;

use crate::call::Call;
use crate::json::invalid;
use crate::operation::Operation;

/// The operations of this group.
pub fn operations() -> [&'static Operation; 8] {
    [
        &list::LIST,
        &create::CREATE,
        &show::SHOW,
        &update::UPDATE,
        &delete::DELETE,
        &poll::POLL,
        &acknowledge::ACKNOWLEDGE,
        &stream::STREAM,
    ]
}

/// The id of the route.
fn id(call: &Call) -> Result<SubscriptionId, Rejection> {
    SubscriptionId::parse(call.captures.first()).ok_or_else(decide::unknown)
}

/// Whether a caller sees a subscription there: its own, or with an administrative role any.
fn is_seen(caller: &Caller, target: &Target, subscription: &Subscription) -> bool {
    caller.administers(target) || subscription.is_of(caller, &target.owner)
}

/// The subscription of the route, to those who see it.
fn seen(call: &Call, view: &View) -> Result<Arc<Subscription>, Rejection> {
    let held = view.subscriptions.of(&call.target.owner).get(&id(call)?).cloned();
    held.filter(|held| is_seen(&call.caller, &call.target, held)).ok_or_else(decide::unknown)
}

/// The polled subscription of the route, to its owner alone.
fn own(call: &Call, view: &View) -> Result<Arc<Subscription>, Rejection> {
    let held = view.subscriptions.of(&call.target.owner).get(&id(call)?).cloned();
    let held = held.filter(|held| held.is_of(&call.caller, &call.target.owner)).ok_or_else(decide::unknown)?;
    match held.content.delivery {
        Delivery::Polling { .. } => Ok(held),
        Delivery::Webhook(_) => Err(invalid("The events of this subscription are pushed to its URL")),
    }
}

/// A place after an event, named by its id.
fn place(event_id: &str) -> Result<EventKey, Rejection> {
    EventKey::parse(event_id).ok_or_else(|| invalid("That is not the id of an event (evt_…)"))
}

/// Notes in the entry of a request which subscription it is about, and how many events it hands over.
fn note(call: &mut Call, id: &SubscriptionId, events: usize) {
    let events = Some(u64::try_from(events).unwrap_or(u64::MAX));
    let facts = DeliveryFacts { events, ..DeliveryFacts::of(Recipient::Subscription(id.clone())) };
    call.entry.facts.delivery = Some(Arc::new(facts));
}

/// The caller, as somebody who is told of events.
fn listener<'a>(call: &'a Call, view: &'a View) -> Listener<'a> {
    Listener::new(view, &call.caller, &call.target, call.entry.source_ip, call.app.engine.now())
}
