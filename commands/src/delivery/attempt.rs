//! One attempt at a delivery, from the message to what it leads to.

use std::sync::Arc;

use scaivault_domain::Timestamp;
use scaivault_domain::audit::Action;
use scaivault_domain::delivery::{Attempt, Outcome, Recipient, Slot, retry};
use scaivault_domain::endpoint::Endpoint;
use scaivault_domain::id::DeliveryId;
use scaivault_domain::publication::Published;
use scaivault_domain::{IdentityId, Owner};
use scaivault_eventstore::log;

use super::message::{Message, Stamp};
use super::post::{Answered, PostError, Posted};
use crate::audit::{DeliveryFacts, EntryDraft, Outcome as EntryOutcome};
use crate::endpoint::EndpointSecrets;
use crate::{Engine, Failure, ids};

/// What is to be sent to whom.
#[derive(Clone, Copy)]
pub struct Parcel<'a> {
    /// Where to.
    pub endpoint: &'a Endpoint,
    /// What it is signed with.
    pub secrets: &'a EndpointSecrets,
    /// The event.
    pub event: &'a Published,
    /// Of the delivery.
    pub id: &'a DeliveryId,
    /// Its place in the queue; a test has none, and is tried once.
    pub slot: Option<Slot>,
    /// Whether it is marked as a replay.
    pub replay: bool,
    /// Which attempt this is, from 1.
    pub number: u32,
}

impl Engine {
    /// Makes an attempt. Fails only where nothing could be sent at all.
    pub async fn attempt(&self, parcel: Parcel<'_>) -> Result<Attempt, Failure> {
        let at = self.now();
        let stamp = Stamp { delivery: parcel.id, replay: parcel.replay, at };
        let message = Message::new(parcel.endpoint, parcel.secrets, parcel.event, stamp)?;
        let posted = self.post.post(&message).await;
        let spread = ids::ulid(at)?.random() & u128::from(u32::MAX);
        let spread = u32::try_from(spread).unwrap_or_default();
        Ok(attempted(parcel, &posted, at, self.now().max(at), spread))
    }
}

fn attempted(parcel: Parcel<'_>, posted: &Posted, at: Timestamp, ended: Timestamp, spread: u32) -> Attempt {
    let answered = posted.answer.as_ref();
    let error = error(answered.map_err(|error| *error));
    let outcome = match (&error, parcel.slot) {
        (None, _) => Outcome::Success {},
        (Some(_), None) => Outcome::Failed {},
        (Some(_), Some(_)) if answered.is_ok_and(|answered| answered.status == 410) => Outcome::Failed {},
        (Some(_), Some(_)) => {
            let asked = answered.ok().filter(|answered| matches!(answered.status, 429 | 503));
            let asked = asked.and_then(|answered| answered.retry_after).map(|after| after.seconds_from(ended));
            match retry::next_attempt_at(parcel.number, ended, spread, asked) {
                Some(next_attempt_at) => Outcome::Pending { next_attempt_at },
                None => Outcome::Failed {},
            }
        }
    };
    let millis = u64::try_from(posted.took.as_millis()).unwrap_or(u64::MAX);
    Attempt {
        id: parcel.id.clone(),
        slot: parcel.slot,
        event_id: parcel.event.event_id.as_str().into(),
        event_type: parcel.event.event_type.into(),
        number: parcel.number,
        at,
        duration_ms: answered.ok().map(|_| millis),
        response_code: answered.ok().map(|answered| answered.status),
        response_body: answered.ok().and_then(|answered| answered.body.clone()),
        error,
        outcome,
    }
}

/// What went wrong, in the words of the contract.
fn error(answer: Result<&Answered, PostError>) -> Option<Arc<str>> {
    match answer {
        Ok(answered) => match answered.status {
            200..=299 => None,
            300..=399 => Some("redirect".into()),
            status => Some(format!("status_{status}").into()),
        },
        Err(error) => Some(error.as_str().into()),
    }
}

/// The audit entry of an attempt.
pub fn entry(owner: &Owner, to: &Recipient, attempt: &Attempt, request_id: &Arc<str>) -> Result<log::Entry, Failure> {
    let identity = IdentityId::system(IdentityId::WEBHOOK_DISPATCHER);
    let (action, resource) = match to {
        Recipient::Webhook(id) => (Action::WebhookDelivery, format!("webhooks/{id}")),
        Recipient::Subscription(id) => (Action::SubscriptionEvent, format!("subscriptions/{id}")),
    };
    let draft = EntryDraft::without_client(owner.clone(), action, Some(identity), request_id.clone(), attempt.at);
    let mut draft = EntryDraft { resource: Some(resource), ..draft };
    draft.facts.delivery = Some(Arc::new(DeliveryFacts {
        event_id: Some(attempt.event_id.clone()),
        attempt: Some((attempt.number, attempt.response_code)),
        events: matches!(to, Recipient::Subscription(_)).then_some(1),
        ..DeliveryFacts::of(to.clone())
    }));
    let outcome = attempt.error.as_deref();
    draft.finish(outcome.map_or(EntryOutcome::Success, EntryOutcome::Error))
}
