//! Webhooks, and what becomes of the events on their way to them.

pub mod create;
pub mod delete;
pub mod deliveries;
pub mod delivery;
mod delivery_view;
mod input;
pub mod list;
pub mod redeliver;
pub mod replay;
pub mod show;
pub mod test;
pub mod update;
mod view;

use std::sync::Arc;

use scaivault_domain::delivery::Recipient;
use scaivault_domain::id::{DeliveryId, WebhookId};
use scaivault_domain::webhook::{Webhook, decide};
use scaivault_domain::{ErrorCode, Rejection};
use scaivault_projections::View;
use scaivault_projections::outboxes::Day;

use crate::call::Call;
use crate::operation::Operation;

/// The operations of this group.
pub fn operations() -> [&'static Operation; 10] {
    [
        &list::LIST,
        &create::CREATE,
        &show::SHOW,
        &update::UPDATE,
        &delete::DELETE,
        &test::TEST,
        &deliveries::DELIVERIES,
        &delivery::DELIVERY,
        &redeliver::REDELIVER,
        &replay::REPLAY,
    ]
}

/// The id of the route.
fn id(call: &Call) -> Result<WebhookId, Rejection> {
    WebhookId::parse(call.captures.first()).ok_or_else(decide::unknown)
}

/// The webhook of the route, if it is the tenant's.
fn webhook(call: &Call, view: &View) -> Result<Arc<Webhook>, Rejection> {
    view.webhooks.of(&call.target.owner).get(&id(call)?).cloned().ok_or_else(decide::unknown)
}

/// The id of the delivery of the route.
fn delivery_id(call: &Call) -> Result<DeliveryId, Rejection> {
    DeliveryId::parse(call.captures.second()).ok_or_else(unknown_delivery)
}

fn unknown_delivery() -> Rejection {
    Rejection::new(ErrorCode::DeliveryNotFound, "Delivery not found")
}

/// How deliveries to a webhook went in the last 24 hours.
fn day(call: &Call, id: &WebhookId) -> Day {
    let (to, now) = (Recipient::Webhook(id.clone()), call.now());
    let day = |outboxes: &scaivault_projections::outboxes::Outboxes| {
        outboxes.outbox(&to).map(|outbox| outbox.statistics.day(now))
    };
    call.app.engine.projections().outboxes(day).unwrap_or_default()
}
