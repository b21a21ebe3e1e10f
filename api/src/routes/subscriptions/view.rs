//! A subscription as answers have it.

use std::sync::Arc;

use scaivault_commands::Engine;
use scaivault_commands::subscription::permission::Listener;
use scaivault_domain::delivery::Recipient;
use scaivault_domain::publication::EventFilter;
use scaivault_domain::subscription::{Delivery, Subscription};
use scaivault_domain::{Owner, Pattern, Timestamp};
use scaivault_projections::{Outboxes, View};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct SubscriptionView<'a> {
    id: &'a str,
    name: &'a str,
    status: &'static str,
    identity_id: &'a str,
    paths: &'a [Pattern],
    events: &'a [Arc<str>],
    filters: &'a EventFilter,
    delivery: DeliveryView<'a>,
    pending_events: usize,
    oldest_pending_at: Option<Timestamp>,
    truncated: bool,
    last_delivery_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum DeliveryView<'a> {
    Polling {
        buffer_size: u32,
    },
    Webhook {
        url: &'a str,
        format: &'static str,
        ed25519: bool,
        public_key: Option<&'a str>,
        ca_pem: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        secret: Option<&'a str>,
    },
}

/// How its queue is doing.
#[derive(Default)]
struct Queue {
    pending: usize,
    oldest: Option<Timestamp>,
    truncated: bool,
    last: Option<Timestamp>,
}

impl<'a> SubscriptionView<'a> {
    /// As it is now, to a caller who learns of no more events than it may be told of. `secret` is shown if it was made
    /// here just now.
    pub(super) fn new(
        engine: &Engine,
        (view, listener): (&View, &Listener<'_>),
        tenant: &Owner,
        subscription: &'a Subscription,
        secret: Option<&'a str>,
    ) -> Self {
        let mut queue = engine.projections().outboxes(|outboxes| queue(outboxes, subscription));
        if let Delivery::Polling { .. } = &subscription.content.delivery {
            (queue.pending, queue.oldest) = engine.pending(&subscription.id, listener);
        }
        let content = &subscription.content;
        let home = subscription.home_in(tenant);
        let status = match subscription.disabled {
            Some(_) => "disabled",
            None if view.installation.standing(home, &subscription.owner).is_ended => "paused",
            None => "active",
        };
        Self {
            id: subscription.id.as_str(),
            name: &content.name,
            status,
            identity_id: subscription.owner.as_str(),
            paths: &content.paths,
            events: content.events.as_slice(),
            filters: &content.filters,
            delivery: delivery(&content.delivery, secret),
            pending_events: queue.pending,
            oldest_pending_at: queue.oldest,
            truncated: queue.truncated,
            last_delivery_at: queue.last,
            created_at: subscription.created_at,
            updated_at: subscription.updated_at,
        }
    }
}

fn delivery<'a>(delivery: &'a Delivery, secret: Option<&'a str>) -> DeliveryView<'a> {
    match delivery {
        Delivery::Polling { buffer_size } => DeliveryView::Polling { buffer_size: *buffer_size },
        Delivery::Webhook(endpoint) => DeliveryView::Webhook {
            url: &endpoint.url,
            format: endpoint.format.as_str(),
            ed25519: endpoint.public_key.is_some(),
            public_key: endpoint.public_key.as_deref(),
            ca_pem: endpoint.ca_pem.as_deref(),
            secret,
        },
    }
}

fn queue(outboxes: &Outboxes, subscription: &Subscription) -> Queue {
    let of_polled = |buffer: &scaivault_projections::outboxes::Buffer| Queue {
        pending: 0,
        oldest: None,
        truncated: buffer.truncated,
        last: buffer.acknowledged_at,
    };
    let of_pushed = |outbox: &scaivault_projections::outboxes::Outbox| Queue {
        pending: outbox.waiting.len(),
        // Nobody asks for events again on its behalf: they are in the order of the log.
        oldest: outbox.waiting.values().next().map(|waiting| waiting.since),
        truncated: false,
        last: outbox.last.as_ref().map(|last| last.at),
    };
    let queue = match &subscription.content.delivery {
        Delivery::Polling { .. } => outboxes.buffer(&subscription.id).map(of_polled),
        Delivery::Webhook(_) => outboxes.outbox(&Recipient::Subscription(subscription.id.clone())).map(of_pushed),
    };
    queue.unwrap_or_default()
}
