//! Webhooks, and what becomes of the events on their way to them.

pub mod create;
pub mod delete;
pub(crate) mod input;
pub mod list;
pub mod show;
pub mod update;
mod view;

use std::sync::Arc;

use scaivault_domain::Rejection;
use scaivault_domain::delivery::Recipient;
use scaivault_domain::id::WebhookId;
use scaivault_domain::webhook::{Webhook, decide};
use scaivault_projections::View;
use scaivault_projections::outboxes::Day;

use crate::call::Call;
use crate::operation::Operation;

/// The operations of this group.
pub fn operations() -> [&'static Operation; 5] {
    [&list::LIST, &create::CREATE, &show::SHOW, &update::UPDATE, &delete::DELETE]
}

/// The id of the route.
fn id(call: &Call) -> Result<WebhookId, Rejection> {
    WebhookId::parse(call.captures.first()).ok_or_else(decide::unknown)
}

/// The webhook of the route, if it is the tenant's.
fn webhook(call: &Call, view: &View) -> Result<Arc<Webhook>, Rejection> {
    view.webhooks.of(&call.target.owner).get(&id(call)?).cloned().ok_or_else(decide::unknown)
}

/// How deliveries to a webhook went in the last 24 hours.
fn day(call: &Call, id: &WebhookId) -> Day {
    let (to, now) = (Recipient::Webhook(id.clone()), call.now());
    let day = |outboxes: &scaivault_projections::outboxes::Outboxes| {
        outboxes.outbox(&to).map(|outbox| outbox.statistics.day(now))
    };
    call.app.engine.projections().outboxes(day).unwrap_or_default()
}
