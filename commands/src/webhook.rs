//! Webhooks: made, changed, and ended.
//!
//! Those of a tenant share a stream, so that a decision sees all of them. What a webhook signs with is the erasable
//! part of the record that set it, and destroyed with the record that sets another.

pub mod replay;
mod sending;

use std::sync::Arc;

use scaivault_domain::Event;
use scaivault_domain::home::Home;
use scaivault_domain::id::WebhookId;
use scaivault_domain::webhook::{Content, Webhook, WebhookEvent, decide};
use scaivault_projections::View;

use crate::endpoint::{EndpointSecrets, Signing};
use crate::engine::{Change, Pending};
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids};

/// What a webhook is to be, but for what it signs with.
pub struct Edited {
    /// What it says. What the endpoint tells of secrets is filled in.
    pub content: Content,
    /// Whether events are queued for it.
    pub is_enabled: bool,
}

impl Engine {
    /// Makes a webhook for the owner of the request.
    pub async fn create_webhook(
        &self,
        request: &ChangeRequest,
        home: Option<Home>,
        wanted: Edited,
        secrets: EndpointSecrets,
        tell: impl Fn(&Webhook) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let owner = &request.owner;
        let id = WebhookId::from_ulid(ids::ulid(self.now())?);
        let Edited { mut content, is_enabled } = wanted;
        content.endpoint.public_key = secrets.public_key().map(Arc::from);
        content.endpoint.previous_secret_expires_at = None;
        let value = secrets.encode()?;
        let stream = self.stream(owner, "webhooks", "")?;
        let plan = |view: &View| {
            let (set, now) = (view.webhooks.of(owner), self.now());
            let event = decide::create(
                id.clone(),
                content.clone(),
                home.clone(),
                is_enabled,
                (set.len(), set.is_taken(&content.name, None)),
            )?;
            let made = Webhook {
                id: id.clone(),
                content: content.clone(),
                disabled: (!is_enabled).then_some(scaivault_domain::endpoint::DisabledReason::Requested),
                secrets_at: 0,
                created_by: request.actor.clone(),
                home: home.clone(),
                created_at: now,
                updated_at: now,
            };
            let pending = Pending {
                owner: owner.clone(),
                stream,
                revision: set.revision().next(),
                actor: request.actor.clone(),
                event: Event::Webhook(event),
                value: Some(value.clone()),
            };
            Ok(Plan::success(Change::of(now, vec![pending]), request.entry.clone(), tell(&made)?))
        };
        self.race(request, stream, |view| view.webhooks.of(owner).revision(), plan).await
    }

    /// Changes a webhook: `edit` says what it is to be, `signing` what it is to sign with.
    pub async fn update_webhook(
        &self,
        request: &ChangeRequest,
        id: &WebhookId,
        signing: &Signing,
        edit: impl Fn(&Webhook) -> Edited,
        tell: impl Fn(&Webhook) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let owner = &request.owner;
        let stream = self.stream(owner, "webhooks", "")?;
        let look = |view: Arc<View>| async move {
            let webhook = view.webhooks.of(owner).get(id).ok_or_else(decide::unknown)?.clone();
            self.resigned(&webhook.content.endpoint, webhook.secrets_at, signing).await
        };
        let plan = |view: &View, secrets: &Option<EndpointSecrets>| {
            let (set, now) = (view.webhooks.of(owner), self.now());
            let webhook = set.get(id).ok_or_else(decide::unknown)?;
            let Edited { mut content, is_enabled } = edit(webhook);
            let before = &webhook.content.endpoint;
            let (public_key, until) = match secrets {
                Some(secrets) => (secrets.public_key().map(Arc::from), secrets.previous_expires_at()),
                None => (before.public_key.clone(), before.previous_secret_expires_at),
            };
            content.endpoint.public_key = public_key;
            content.endpoint.previous_secret_expires_at = until;
            let is_taken = set.is_taken(&content.name, Some(id));
            let event = decide::update(webhook, content.clone(), is_enabled, is_taken, secrets.is_some())?;
            let after = Webhook {
                content,
                disabled: decide::disabled(webhook, is_enabled),
                updated_at: if event.is_some() { now } else { webhook.updated_at },
                ..Webhook::clone(webhook)
            };
            let value = secrets.as_ref().map(EndpointSecrets::encode).transpose()?;
            // What is signed with no more is gone for good.
            let shred = secrets.iter().map(|_| webhook.secrets_at).collect();
            let pending = event.map(|event| Pending {
                owner: owner.clone(),
                stream,
                revision: set.revision().next(),
                actor: request.actor.clone(),
                event: Event::Webhook(event),
                value,
            });
            let change = Change { at: now, pending: pending.into_iter().collect(), shred };
            Ok(Plan::success(change, request.entry.clone(), tell(&after)?))
        };
        self.race_over(request, stream, |view| view.webhooks.of(owner).revision(), look, plan).await
    }

    /// Ends a webhook, with all that is on its way to it.
    pub async fn delete_webhook(&self, request: &ChangeRequest, id: &WebhookId) -> Result<Answer, Failure> {
        let owner = &request.owner;
        let stream = self.stream(owner, "webhooks", "")?;
        let plan = |view: &View| {
            let set = view.webhooks.of(owner);
            let webhook = set.get(id).ok_or_else(decide::unknown)?;
            let pending = Pending {
                owner: owner.clone(),
                stream,
                revision: set.revision().next(),
                actor: request.actor.clone(),
                event: Event::Webhook(WebhookEvent::Deleted { id: id.clone() }),
                value: None,
            };
            let change = Change { at: self.now(), pending: vec![pending], shred: vec![webhook.secrets_at] };
            Ok(Plan::success(change, request.entry.clone(), Reply::no_content()))
        };
        self.race(request, stream, |view| view.webhooks.of(owner).revision(), plan).await
    }
}
