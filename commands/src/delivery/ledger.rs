//! What became of deliveries, into the log: every attempt with its audit entry, and the end of recipients.

use std::sync::Arc;

use scaivault_domain::audit::Action;
use scaivault_domain::delivery::{Attempt, DISABLED, DeliveryEvent, Outcome, Recipient};
use scaivault_domain::endpoint::DisabledReason;
use scaivault_domain::subscription::SubscriptionEvent;
use scaivault_domain::webhook::WebhookEvent;
use scaivault_domain::{Event, IdentityId, Owner};
use scaivault_eventstore::{Revision, StoreError};
use scaivault_projections::outboxes::Outbox;

use super::attempt;
use super::runner::{ROWS, given_up};
use crate::audit::{DeliveryFacts, EntryDraft, Outcome as EntryOutcome};
use crate::engine::{Change, Pending};
use crate::{Engine, Failure, ids, measures};

impl Engine {
    /// Appends attempts that are not in the log yet, as far as they still say something.
    pub(super) async fn note_attempts(
        &self,
        owner: &Owner,
        to: &Recipient,
        attempts: &[Attempt],
    ) -> Result<(), Failure> {
        loop {
            let Some(outbox) = self.projections.outboxes(|all| all.outbox(to).cloned()) else {
                return self.note_last(owner, to, attempts).await;
            };
            let news: Vec<Attempt> = attempts.iter().filter_map(|attempt| news(&outbox, attempt)).collect();
            if news.is_empty() {
                return Ok(());
            }
            let now = self.now();
            let request_id: Arc<str> = ids::request_id(now)?.into();
            let is_made = |attempt: &&Attempt| attempt.was_made();
            let entries = news.iter().filter(is_made);
            let entries = entries.map(|news| attempt::entry(&outbox.owner, to, news, &request_id));
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            let pending = Pending {
                owner: outbox.owner.clone(),
                stream: self.stream(&outbox.owner, "deliveries", to.as_str())?,
                revision: outbox.revision.next(),
                actor: dispatcher(),
                event: Event::Delivery(DeliveryEvent::Attempted { to: to.clone(), attempts: news.clone() }),
                value: None,
            };
            match self.append(&request_id, Change::of(now, vec![pending]), entries).await {
                Ok(_) => {
                    news.iter().filter(is_made).for_each(measures::delivered);
                    return Ok(());
                }
                // Something was asked for again meanwhile, or another process has taken over.
                Err(Failure::Unavailable { source: Some(StoreError::Conflict { actual, .. }), .. }) => {
                    self.catch_up_with(to, actual).await?;
                }
                Err(other) => return Err(other),
            }
        }
    }

    /// The recipient is gone: of what was sent to it the entries are left.
    async fn note_last(&self, owner: &Owner, to: &Recipient, attempts: &[Attempt]) -> Result<(), Failure> {
        let request_id: Arc<str> = ids::request_id(self.now())?.into();
        let made = attempts.iter().filter(|attempt| attempt.was_made());
        let entries = made.map(|attempt| attempt::entry(owner, to, attempt, &request_id));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        if entries.is_empty() {
            return Ok(());
        }
        self.record(entries).await
    }

    async fn catch_up_with(&self, to: &Recipient, actual: Revision) -> Result<(), Failure> {
        self.feed.look();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        let shows = |_: &scaivault_projections::View| {
            self.projections.outboxes(|all| all.outbox(to).is_none_or(|outbox| outbox.revision >= actual))
        };
        self.catch_up(deadline, shows).await
    }

    /// Gives a recipient up whose receiver said so, or where every attempt has failed for days.
    pub(super) async fn give_up_if_hopeless(&self, to: &Recipient) -> Result<(), Failure> {
        // Queues are never behind a view: what was changed before it is in the verdict.
        let (view, now) = (self.projections.view(), self.now());
        let hopeless = self.projections.outboxes(|all| {
            let outbox = all.outbox(to)?;
            Some((outbox.verdict()?, outbox.owner.clone(), outbox.last.as_ref().and_then(|last| last.error.clone())))
        });
        let Some((reason, owner, last_error)) = hopeless else { return Ok(()) };
        let (kind, revision, event) = match to {
            Recipient::Webhook(id) => {
                let set = view.webhooks.of(&owner);
                let Some(webhook) = set.get(id).filter(|webhook| webhook.is_enabled()) else { return Ok(()) };
                let event =
                    WebhookEvent::Disabled { id: id.clone(), name: webhook.content.name.clone(), reason, last_error };
                ("webhooks", set.revision(), Event::Webhook(event))
            }
            Recipient::Subscription(id) => {
                let set = view.subscriptions.of(&owner);
                let is_enabled = set.get(id).is_some_and(|subscription| subscription.disabled.is_none());
                if !is_enabled {
                    return Ok(());
                }
                let event = SubscriptionEvent::Disabled { id: id.clone(), reason };
                ("subscriptions", set.revision(), Event::Subscription(event))
            }
        };
        let request_id: Arc<str> = ids::request_id(now)?.into();
        let pending = Pending {
            owner: owner.clone(),
            stream: self.stream(&owner, kind, "")?,
            revision: revision.next(),
            actor: dispatcher(),
            event,
            value: None,
        };
        let entry = disabling_entry(&owner, to, reason, now, &request_id)?;
        match self.append(&request_id, Change::of(now, vec![pending]), vec![entry]).await {
            // Another one of the tenant was changed meanwhile; this one is looked at again.
            Err(Failure::Unavailable { source: Some(StoreError::Conflict { .. }), .. }) | Ok(_) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// Notes some of what ended when a recipient was disabled.
    pub(super) async fn note_dropped(&self, to: &Recipient, outbox: &Outbox) -> Result<(), Failure> {
        let mut ended = Vec::new();
        for (slot, waiting) in outbox.dropped.iter().take(ROWS) {
            let event = self.events.event(slot.key).await?;
            let made = waiting.tries.as_ref().map_or(0, |tries| tries.made);
            let id = slot.delivery(to, waiting.since);
            ended.push(given_up(self, (*slot, id), made, event.as_ref(), DISABLED));
        }
        if ended.is_empty() {
            return Ok(());
        }
        self.note_attempts(&outbox.owner, to, &ended).await
    }
}

/// An attempt as it is to be noted; `None` if it says nothing new.
fn news(outbox: &Outbox, attempt: &Attempt) -> Option<Attempt> {
    let slot = attempt.slot?;
    if let Some(waiting) = outbox.waiting.get(&slot) {
        let made = waiting.tries.as_ref().map_or(0, |tries| tries.made);
        // What arrived has arrived, also if another process has noted an attempt that did not.
        let has_arrived = matches!(attempt.outcome, Outcome::Success {});
        return (!attempt.was_made() || has_arrived || attempt.number > made).then(|| attempt.clone());
    }
    outbox.dropped.get(&slot)?;
    // It was disabled meanwhile: nothing is tried again.
    let outcome = match attempt.outcome {
        Outcome::Pending { .. } => Outcome::Failed {},
        outcome @ (Outcome::Success {} | Outcome::Failed {}) => outcome,
    };
    Some(Attempt { outcome, ..attempt.clone() })
}

fn dispatcher() -> IdentityId {
    IdentityId::system(IdentityId::WEBHOOK_DISPATCHER)
}

fn disabling_entry(
    owner: &Owner,
    to: &Recipient,
    reason: DisabledReason,
    now: scaivault_domain::Timestamp,
    request_id: &Arc<str>,
) -> Result<scaivault_eventstore::log::Entry, Failure> {
    let (action, resource) = match to {
        Recipient::Webhook(id) => (Action::WebhookUpdate, format!("webhooks/{id}")),
        Recipient::Subscription(id) => (Action::SubscriptionUpdate, format!("subscriptions/{id}")),
    };
    let draft = EntryDraft::without_client(owner.clone(), action, Some(dispatcher()), request_id.clone(), now);
    let mut draft = EntryDraft { resource: Some(resource), ..draft };
    draft.facts.reason = Some(format!("disabled: {}", reason.as_str()).into());
    draft.facts.delivery = Some(Arc::new(DeliveryFacts::of(to.clone())));
    draft.finish(EntryOutcome::Success)
}
