//! Replays: events of the past are sent to a webhook again.

use std::time::Duration;

use scaivault_domain::access::Target;
use scaivault_domain::delivery::{Asked, DeliveryEvent, Recipient, Series};
use scaivault_domain::id::WebhookId;
use scaivault_domain::publication::EventNames;
use scaivault_domain::{ErrorCode, Owner, Rejection, Timestamp};
use scaivault_eventstore::Position;
use scaivault_projections::View;
use scaivault_projections::past::published::Sought;

use super::sending::{sendable, told};
use crate::audit::DeliveryFacts;
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids};

/// Events of a replay at most.
const MOST: usize = 1_000_000;
/// Events in one record.
const OF_RECORD: usize = 5_000;

/// What is to be sent again.
#[derive(Clone, Debug)]
pub struct Replay {
    /// From when on.
    pub from: Timestamp,
    /// Up to when.
    pub to: Timestamp,
    /// Which events; `None`: those that the webhook names.
    pub events: Option<EventNames>,
    /// How long it may take to go over the log.
    pub patience: Duration,
}

impl Engine {
    /// Queues every event of a time span that a webhook wants as it is now; `tell` gets how many.
    pub async fn replay_to_webhook(
        &self,
        request: &ChangeRequest,
        target: &Target,
        id: &WebhookId,
        wanted: &Replay,
        tell: impl Fn(usize) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let owner = &request.owner;
        let webhook = sendable(&self.projections.view(), owner, id)?.clone();
        let first = self.past.recorded_at(Position::START.next()).await?;
        if wanted.from < first {
            return Err(Rejection::field("from", format!("is before the first event that is kept, of {first}")).into());
        }
        let sought = Sought {
            from: wanted.from,
            to: wanted.to,
            names: wanted.events.clone().unwrap_or_else(|| webhook.content.events.clone()),
            filters: webhook.content.filters.clone(),
            for_whom: (webhook.created_by.clone(), webhook.home_in(owner).cloned()),
            most: MOST,
        };
        let found = tokio::time::timeout(wanted.patience, self.past.published(target, &sought, wanted.patience)).await;
        let found = found.map_err(|_| Failure::unavailable("overload"))??;
        if found.len() > MOST {
            let sentence = "names a time span with more than 1,000,000 events; narrow it";
            return Err(Rejection::field("from", sentence).into());
        }
        let to = Recipient::Webhook(id.clone());
        let stream = self.delivery_stream(owner, &to)?;
        let series = Series(ids::ulid(self.now())?);
        let facts = DeliveryFacts::of(to.clone());
        let plan = |view: &View| {
            sendable(view, owner, id)?;
            self.check_room(owner, found.len())?;
            let events = found.chunks(OF_RECORD).map(|events: &[Asked]| DeliveryEvent::Requested {
                to: to.clone(),
                series,
                replay: true,
                events: events.to_vec(),
            });
            let change = self.delivery_change(request, &to, stream, self.now(), events.collect());
            Ok(Plan::success(change, told(&request.entry, facts.clone()), tell(found.len())?))
        };
        self.race(request, stream, |_| self.delivery_revision(&to), plan).await
    }

    /// Refuses what a tenant's queues have no room for.
    fn check_room(&self, owner: &Owner, more: usize) -> Result<(), Rejection> {
        let waiting: usize = self.projections.outboxes(|all| {
            all.all().filter(|(_, outbox)| outbox.owner == *owner).map(|(_, outbox)| outbox.waiting.len()).sum()
        });
        match waiting + more <= MOST {
            true => Ok(()),
            false => Err(Rejection::new(
                ErrorCode::ResourceInUse,
                format!(
                    "{waiting} deliveries of the tenant are pending, and there is no room for {more} more; replay them later"
                ),
            )),
        }
    }
}
