//! What is on its way to webhooks and subscriptions: a fold beside the view, which readers of secrets do without.
//!
//! An event is entered for whoever wants it at the moment it is folded, and leaves when the log says that it arrived,
//! was given up or acknowledged. So what is due is a function of the log, and no crash can lose it.

pub mod buffer;
pub mod matching;
pub mod outbox;
pub mod statistics;

use std::collections::HashSet;

use imbl::HashMap;
use scaivault_domain::delivery::{DeliveryEvent, Recipient};
use scaivault_domain::id::SubscriptionId;
use scaivault_domain::publication::{About, Published};
use scaivault_domain::subscription::{Delivery, Subscription};
use scaivault_domain::webhook::WebhookEvent;
use scaivault_domain::{Event, Owner, Timestamp};
use scaivault_eventstore::Revision;

use crate::view::View;

pub use buffer::{Buffer, Kept};
pub use outbox::{LastAttempt, Outbox, Tries, Waiting};
pub use statistics::{Day, Statistics};

/// Queues of all recipients.
#[derive(Clone, Debug, Default)]
pub struct Outboxes {
    outboxes: HashMap<Recipient, Outbox>,
    buffers: HashMap<SubscriptionId, Buffer>,
    /// Whose queues changed since somebody was told.
    changed: HashSet<Recipient>,
}

impl Outboxes {
    /// The queue of what is pushed to a recipient.
    pub fn outbox(&self, to: &Recipient) -> Option<&Outbox> {
        self.outboxes.get(to)
    }

    /// All queues of what is pushed.
    pub fn all(&self) -> impl Iterator<Item = (&Recipient, &Outbox)> {
        self.outboxes.iter()
    }

    /// What waits for a polled subscription.
    pub fn buffer(&self, id: &SubscriptionId) -> Option<&Buffer> {
        self.buffers.get(id)
    }

    /// All of them.
    pub(crate) fn buffers(&self) -> impl Iterator<Item = (&SubscriptionId, &Buffer)> {
        self.buffers.iter()
    }

    /// Whose queues changed since this was asked last.
    pub(crate) fn take_changed(&mut self) -> HashSet<Recipient> {
        std::mem::take(&mut self.changed)
    }

    /// Enters an event for whoever wants it, as things are after its record. Tells whether anybody does.
    pub(crate) fn enter(
        &mut self,
        view: &View,
        event: &Published,
        about: Option<&About>,
        recorded_at: Timestamp,
    ) -> bool {
        let mut is_wanted = false;
        let lane = event.lane();
        matching::recipients(view, event, about, |owner, wanted| {
            is_wanted = true;
            match wanted {
                matching::Wanted::By(webhook) => {
                    let to = Recipient::Webhook(webhook.id.clone());
                    self.outbox_mut(&to, owner).enter(event.key, lane, recorded_at);
                    self.changed.insert(to);
                }
                matching::Wanted::In(subscription) => {
                    self.enter_subscription(owner, subscription, event, lane, recorded_at);
                }
            }
        });
        is_wanted
    }

    fn enter_subscription(
        &mut self,
        owner: &Owner,
        subscription: &Subscription,
        event: &Published,
        lane: u64,
        recorded_at: Timestamp,
    ) {
        let to = Recipient::Subscription(subscription.id.clone());
        match &subscription.content.delivery {
            Delivery::Polling { buffer_size } => {
                let buffer = match self.buffers.get_mut(&subscription.id) {
                    Some(buffer) => buffer,
                    None => self.buffers.entry(subscription.id.clone()).or_insert_with(|| Buffer::of(owner)),
                };
                buffer.enter(event, recorded_at, *buffer_size);
            }
            Delivery::Webhook(_) => self.outbox_mut(&to, owner).enter(event.key, lane, recorded_at),
        }
        self.changed.insert(to);
    }

    /// Takes in what the log says of webhooks, subscriptions and deliveries, after the view has.
    pub(crate) fn fold(&mut self, view: &View, owner: &Owner, event: &Event, at: Timestamp, revision: Revision) {
        #[allow(clippy::wildcard_enum_match_arm, reason = "all others change no queue but by being published")]
        match event {
            Event::Delivery(event) => self.fold_delivery(view, owner, event, at, revision),
            Event::Webhook(event) => {
                let to = Recipient::Webhook(event.id().clone());
                match event {
                    WebhookEvent::Deleted { .. } => _ = self.outboxes.remove(&to),
                    WebhookEvent::Created { .. } => _ = self.outbox_mut(&to, owner),
                    WebhookEvent::Updated { .. } | WebhookEvent::Disabled { .. } => {
                        let is_enabled = is_enabled(view, owner, &to);
                        self.outbox_mut(&to, owner).switch(is_enabled);
                    }
                }
                self.changed.insert(to);
            }
            Event::Subscription(event) => {
                let to = Recipient::Subscription(event.id().clone());
                match view.subscriptions.of(owner).get(event.id()) {
                    None => {
                        self.outboxes.remove(&to);
                        self.buffers.remove(event.id());
                    }
                    Some(subscription) => match &subscription.content.delivery {
                        Delivery::Polling { buffer_size } => {
                            let buffer = self.buffers.entry(event.id().clone()).or_insert_with(|| Buffer::of(owner));
                            buffer.shrink_to(*buffer_size);
                        }
                        Delivery::Webhook(_) => self.outbox_mut(&to, owner).switch(subscription.disabled.is_none()),
                    },
                }
                self.changed.insert(to);
            }
            _ => {}
        }
    }

    fn fold_delivery(&mut self, view: &View, owner: &Owner, event: &DeliveryEvent, at: Timestamp, revision: Revision) {
        let to = event.to();
        match event {
            DeliveryEvent::Acknowledged { to: Recipient::Subscription(id), events, by_owner } => {
                if let Some(buffer) = self.buffers.get_mut(id) {
                    buffer.acknowledge(events, *by_owner, at, revision);
                }
            }
            // Nobody acknowledges what is pushed.
            DeliveryEvent::Acknowledged { to: Recipient::Webhook(_), .. } => {}
            DeliveryEvent::Attempted { attempts, .. } => {
                let Some(outbox) = self.outboxes.get_mut(to) else { return };
                outbox.attempted(attempts, at, revision);
            }
            // It may have been deleted or disabled since that was asked for.
            DeliveryEvent::Requested { series, replay, events, .. } => {
                let Some(outbox) = self.outboxes.get_mut(to) else { return };
                outbox.requested(*series, *replay, events, at, revision);
                if !is_enabled(view, owner, to) {
                    outbox.switch(false);
                }
            }
        }
        self.changed.insert(to.clone());
    }

    /// Forgets those of an owner whose key is destroyed.
    pub(crate) fn forget(&mut self, owner: &Owner) {
        self.outboxes.retain(|_, outbox| outbox.owner != *owner);
        self.buffers.retain(|_, buffer| buffer.owner != *owner);
    }

    /// Enters a queue as it is.
    pub(crate) fn hold_outbox(&mut self, to: Recipient, mut outbox: Outbox) {
        // What waits may have been entered before.
        if let Some(held) = self.outboxes.remove(&to) {
            outbox.waiting = held.waiting.union(outbox.waiting);
            outbox.dropped = held.dropped.union(outbox.dropped);
        }
        self.outboxes.insert(to, outbox);
    }

    /// Enters a buffer as it is.
    pub(crate) fn hold_buffer(&mut self, id: SubscriptionId, buffer: Buffer) {
        self.buffers.insert(id, buffer);
    }

    pub(crate) fn outbox_mut(&mut self, to: &Recipient, owner: &Owner) -> &mut Outbox {
        self.outboxes.entry(to.clone()).or_insert_with(|| Outbox::of(owner))
    }
}

/// Whether events are queued for a recipient.
fn is_enabled(view: &View, owner: &Owner, to: &Recipient) -> bool {
    match to {
        Recipient::Webhook(id) => view.webhooks.of(owner).get(id).is_some_and(|webhook| webhook.is_enabled()),
        Recipient::Subscription(id) => {
            view.subscriptions.of(owner).get(id).is_some_and(|subscription| subscription.disabled.is_none())
        }
    }
}
