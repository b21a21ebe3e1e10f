//! Events of a polled subscription leave its buffer: its owner says so, or may not see them.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use scaivault_domain::delivery::{DeliveryEvent, Recipient};
use scaivault_domain::id::SubscriptionId;
use scaivault_domain::publication::EventKey;
use scaivault_domain::subscription::decide;
use scaivault_domain::{Event, IdentityId, Owner};
use scaivault_eventstore::{Revision, StoreError, StreamId};
use scaivault_projections::View;
use std::sync::Arc;

use crate::audit::{DeliveryFacts, EntryDraft, Outcome};
use crate::engine::{Change, Pending};
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, Failure, FinishedEntry, Reply};

/// Most events of one record.
const TOGETHER: usize = 5_000;
/// How long events that nobody may see are tried to be passed over.
const PATIENCE: Duration = Duration::from_secs(20);

/// Of a buffer that is no more: there is nothing to wait for.
const GONE: Revision = Revision(u64::MAX);

/// Events that left a buffer unseen, and who was to be told.
pub struct PassedOver<'a> {
    /// The tenant.
    pub owner: &'a Owner,
    /// The subscription.
    pub id: &'a SubscriptionId,
    /// Whose it is.
    pub listener: &'a IdentityId,
    /// Of the request that found them.
    pub request_id: &'a str,
    /// Which.
    pub keys: &'a [EventKey],
}

impl Engine {
    /// The owner of a subscription has dealt with events. Ids of none that waits for it are passed over; `tell` is told
    /// how many were.
    pub async fn acknowledge(
        &self,
        request: &ChangeRequest,
        id: &SubscriptionId,
        event_ids: &[String],
        tell: impl Fn(usize) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let owner = &request.owner;
        let stream = self.stream(owner, "deliveries", id.as_str())?;
        let plan = |_: &View| {
            let found = self.projections.outboxes(|outboxes| {
                let buffer = outboxes.buffer(id)?;
                let mut seen = HashSet::new();
                let named = event_ids.iter().filter_map(|event_id| {
                    let key = EventKey::parse(event_id)?;
                    let since = &buffer.waiting.get(&key)?.since;
                    (key.id(*since) == *event_id && seen.insert(key)).then_some(key)
                });
                Some((named.collect::<Vec<_>>(), buffer.truncated, buffer.revision))
            });
            let (keys, truncated, revision) = found.ok_or_else(decide::unknown)?;
            let reply = tell(keys.len())?;
            let entry = told_of(&request.entry, id, keys.len());
            // Also without any it ends what is told of dropped ones.
            let pending = (truncated || !keys.is_empty())
                .then(|| acknowledged(owner, id, &request.actor, (stream, revision.next()), keys, true));
            Ok(Plan::success(Change::of(self.now(), pending.into_iter().collect()), entry, reply))
        };
        self.race(request, stream, |_| self.buffer_revision(id), plan).await
    }

    /// Lets events go that the owner may not see, together with the `entry` of what found them. Whatever has gone by
    /// itself meanwhile is left out.
    pub async fn pass_over(&self, passed: &PassedOver<'_>, entry: Option<FinishedEntry>) -> Result<(), Failure> {
        let PassedOver { owner, id, listener, request_id, keys } = *passed;
        let deadline = Instant::now() + PATIENCE;
        let stream = self.stream(owner, "deliveries", id.as_str())?;
        let mut keys = keys.to_vec();
        loop {
            let revision = self.projections.outboxes(|outboxes| {
                let buffer = outboxes.buffer(id)?;
                keys.retain(|key| buffer.waiting.contains_key(key));
                Some(buffer.revision)
            });
            let entries: Vec<_> = entry.clone().into_iter().collect();
            let (Some(revision), false) = (revision, keys.is_empty()) else {
                return if entries.is_empty() { Ok(()) } else { self.record(entries).await };
            };
            let mut next = revision;
            let pending = keys.chunks(TOGETHER).map(|keys| {
                next = next.next();
                acknowledged(owner, id, listener, (stream, next), keys.to_vec(), false)
            });
            let change = Change::of(self.now(), pending.collect());
            match self.append(request_id, change, entries).await {
                Err(Failure::Unavailable { source: Some(StoreError::Conflict { actual, .. }), .. }) => {
                    self.catch_up(deadline, |_| self.buffer_revision(id) >= actual).await?;
                }
                other => return other.map(|_| ()),
            }
        }
    }

    fn buffer_revision(&self, id: &SubscriptionId) -> Revision {
        self.projections.outboxes(|outboxes| outboxes.buffer(id).map_or(GONE, |buffer| buffer.revision))
    }
}

/// An entry about so many events of a subscription.
pub fn told_of(entry: &EntryDraft, id: &SubscriptionId, events: usize) -> EntryDraft {
    let mut entry = entry.clone();
    let events = Some(u64::try_from(events).unwrap_or(u64::MAX));
    let to = Recipient::Subscription(id.clone());
    entry.facts.delivery = Some(Arc::new(DeliveryFacts { events, ..DeliveryFacts::of(to) }));
    entry
}

/// The same, of a success and ready for the log.
pub fn finished(entry: &EntryDraft, id: &SubscriptionId, events: usize) -> Result<FinishedEntry, Failure> {
    told_of(entry, id, events).finish(Outcome::Success)
}

fn acknowledged(
    owner: &Owner,
    id: &SubscriptionId,
    actor: &IdentityId,
    (stream, revision): (StreamId, Revision),
    events: Vec<EventKey>,
    by_owner: bool,
) -> Pending {
    let to = Recipient::Subscription(id.clone());
    Pending {
        owner: owner.clone(),
        stream,
        revision,
        actor: actor.clone(),
        event: Event::Delivery(DeliveryEvent::Acknowledged { to, events, by_owner }),
        value: None,
    }
}
