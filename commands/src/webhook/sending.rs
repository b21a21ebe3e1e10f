//! Tests of a webhook, and deliveries that are asked for again.

use std::sync::Arc;

use scaivault_domain::delivery::{Asked, Attempt, DeliveryEvent, Recipient, Series, Slot};
use scaivault_domain::id::{DeliveryId, WebhookId};
use scaivault_domain::publication::{EventKey, Published, TEST};
use scaivault_domain::webhook::{Webhook, decide};
use scaivault_domain::{ErrorCode, Event, Owner, Rejection, Timestamp};
use scaivault_eventstore::{Revision, StreamId};
use scaivault_projections::View;
use scaivault_projections::deliveries::{DeliveryReader, Row};

use crate::audit::DeliveryFacts;
use crate::delivery::attempt::Parcel;
use crate::engine::{Change, Pending};
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, EntryDraft, Failure, Reply, ids};

impl Engine {
    /// Reads the deliveries to a recipient.
    pub fn deliveries(&self, owner: &Owner, to: Recipient) -> Result<DeliveryReader, Failure> {
        let stream = self.delivery_stream(owner, &to)?;
        let history = self.reader.history().clone();
        Ok(DeliveryReader::new(self.projections.clone(), history, stream, to))
    }

    /// Sends a test to a webhook, now and once, also if it is disabled.
    pub async fn test_webhook(
        &self,
        request: &ChangeRequest,
        id: &WebhookId,
        tell: impl Fn(&Attempt) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let owner = &request.owner;
        let view = self.projections.view();
        let webhook = view.webhooks.of(owner).get(id).ok_or_else(decide::unknown)?;
        let secrets = self.endpoint_secrets(webhook.secrets_at).await?;
        let event = self.test_of(request, &view, webhook)?;
        let delivery = DeliveryId::from_ulid(ids::ulid(self.now())?);
        let parcel = Parcel {
            endpoint: &webhook.content.endpoint,
            secrets: &secrets,
            event: &event,
            id: &delivery,
            slot: None,
            replay: false,
            number: 1,
        };
        let attempt = self.attempt(parcel).await?;
        let to = Recipient::Webhook(id.clone());
        let stream = self.delivery_stream(owner, &to)?;
        let facts = DeliveryFacts {
            event_id: Some(attempt.event_id.clone()),
            attempt: Some((attempt.number, attempt.response_code)),
            ..DeliveryFacts::of(to.clone())
        };
        let plan = |_: &View| {
            let event = DeliveryEvent::Attempted { to: to.clone(), attempts: vec![attempt.clone()] };
            let change = self.delivery_change(request, &to, stream, self.now(), vec![event]);
            Ok(Plan::success(change, told(&request.entry, facts.clone()), tell(&attempt)?))
        };
        self.race(request, stream, |_| self.delivery_revision(&to), plan).await
    }

    /// Sends the event of a delivery again, as another one.
    pub async fn redeliver(
        &self,
        request: &ChangeRequest,
        id: &WebhookId,
        delivery: &DeliveryId,
        tell: impl Fn(&Row) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let owner = &request.owner;
        let unknown = || Rejection::new(ErrorCode::DeliveryNotFound, "Delivery not found");
        self.projections.view().webhooks.of(owner).get(id).ok_or_else(decide::unknown)?;
        let to = Recipient::Webhook(id.clone());
        let stream = self.delivery_stream(owner, &to)?;
        let before = self.deliveries(owner, to.clone())?.delivery(delivery, self.now()).await?.ok_or_else(unknown)?;
        let Some(Slot { key, .. }) = before.row.slot else {
            let sentence = "A test delivery cannot be sent again; send another test";
            return Err(Rejection::new(ErrorCode::ResourceInUse, sentence).into());
        };
        let event = self.events.event(key).await?.ok_or_else(unknown)?;
        let series = Series(ids::ulid(self.now())?);
        let facts = DeliveryFacts { event_id: Some(event.event_id.as_str().into()), ..DeliveryFacts::of(to.clone()) };
        let plan = |view: &View| {
            sendable(view, owner, id)?;
            let now = self.now();
            let asked = vec![Asked { key, lane: event.lane() }];
            let requested = DeliveryEvent::Requested { to: to.clone(), series, replay: false, events: asked };
            let change = self.delivery_change(request, &to, stream, now, vec![requested]);
            let row = Row::untried(&to, &event, (now, Slot { series, key }));
            Ok(Plan::success(change, told(&request.entry, facts.clone()), tell(&row)?))
        };
        self.race(request, stream, |_| self.delivery_revision(&to), plan).await
    }

    /// Events of deliveries to one recipient, one record each.
    pub(super) fn delivery_change(
        &self,
        request: &ChangeRequest,
        to: &Recipient,
        stream: StreamId,
        now: Timestamp,
        events: Vec<DeliveryEvent>,
    ) -> Change {
        let mut revision = self.delivery_revision(to);
        let pending = events.into_iter().map(|event| {
            revision = revision.next();
            Pending {
                owner: request.owner.clone(),
                stream,
                revision,
                actor: request.actor.clone(),
                event: Event::Delivery(event),
                value: None,
            }
        });
        Change::of(now, pending.collect())
    }

    pub(super) fn delivery_stream(&self, owner: &Owner, to: &Recipient) -> Result<StreamId, Failure> {
        self.stream(owner, "deliveries", to.as_str())
    }

    pub(super) fn delivery_revision(&self, to: &Recipient) -> Revision {
        self.projections.outboxes(|all| all.outbox(to).map_or(Revision::NONE, |outbox| outbox.revision))
    }

    /// The event of a test, which is in no log.
    fn test_of(&self, request: &ChangeRequest, view: &View, webhook: &Webhook) -> Result<Published, Failure> {
        let now = self.now();
        Ok(Published {
            key: EventKey::FIRST,
            event_id: format!("evt_{}", ids::ulid(now)?),
            event_type: TEST,
            timestamp: now,
            owner: request.owner.clone(),
            partner: view.installation.partner_of(&request.owner),
            actor: request.actor.clone(),
            path: None,
            data: serde_json::json!({"webhook_id": webhook.id, "message": "ScaiVault test event"}),
            request_id: request.request_id.to_string(),
        })
    }
}

/// The webhook, if events can be queued for it.
pub(super) fn sendable<'v>(view: &'v View, owner: &Owner, id: &WebhookId) -> Result<&'v Arc<Webhook>, Rejection> {
    let webhook = view.webhooks.of(owner).get(id).ok_or_else(decide::unknown)?;
    match webhook.is_enabled() {
        true => Ok(webhook),
        false => Err(Rejection::new(ErrorCode::ResourceInUse, "The webhook is disabled; enable it first")),
    }
}

/// An entry that says what was handed over.
pub(super) fn told(entry: &EntryDraft, facts: DeliveryFacts) -> EntryDraft {
    let mut entry = entry.clone();
    entry.facts.delivery = Some(Arc::new(facts));
    entry
}
