//! Whom deliveries go to, as things are now: changes act on attempts that begin afterwards.

use std::sync::Arc;

use scaivault_domain::Owner;
use scaivault_domain::delivery::Recipient;
use scaivault_domain::endpoint::Endpoint;
use scaivault_domain::publication::Published;
use scaivault_domain::subscription::Subscription;
use scaivault_projections::View;

use crate::endpoint::EndpointSecrets;
use crate::{Engine, Failure};

/// A recipient with what it takes to send something there.
pub(super) struct Target {
    pub(super) endpoint: Endpoint,
    pub(super) secrets: Arc<EndpointSecrets>,
    pub(super) is_enabled: bool,
    secrets_at: u64,
    /// Of a subscription: what its owner may see is looked up for each event.
    subscription: Option<(Owner, Arc<Subscription>)>,
}

impl Target {
    /// The recipient as it is in a view; `None` if it is gone. Its secrets are taken from `before` if they are the same.
    pub(super) async fn of(
        engine: &Engine,
        view: &View,
        owner: &Owner,
        to: &Recipient,
        before: Option<&Arc<Self>>,
    ) -> Result<Option<Arc<Self>>, Failure> {
        let (endpoint, secrets_at, is_enabled, subscription) = match to {
            Recipient::Webhook(id) => {
                let Some(webhook) = view.webhooks.of(owner).get(id) else { return Ok(None) };
                (&webhook.content.endpoint, webhook.secrets_at, webhook.is_enabled(), None)
            }
            Recipient::Subscription(id) => {
                let Some(subscription) = view.subscriptions.of(owner).get(id) else { return Ok(None) };
                let Some(endpoint) = subscription.endpoint() else { return Ok(None) };
                let Some(secrets_at) = subscription.secrets_at else { return Ok(None) };
                let held = Some((owner.clone(), subscription.clone()));
                (endpoint, secrets_at, subscription.disabled.is_none(), held)
            }
        };
        if let Some(before) = before
            && before.secrets_at == secrets_at
            && before.is_enabled == is_enabled
            && before.endpoint == *endpoint
            && before.subscription == subscription
        {
            return Ok(Some(before.clone()));
        }
        let known = before.filter(|before| before.secrets_at == secrets_at).map(|before| before.secrets.clone());
        let secrets = match known {
            Some(secrets) => secrets,
            None => Arc::new(engine.endpoint_secrets(secrets_at).await?),
        };
        Ok(Some(Arc::new(Self { endpoint: endpoint.clone(), secrets, is_enabled, secrets_at, subscription })))
    }

    /// Whether the recipient may be told of an event now. `None` if it is not known yet: what is queued may be ahead of
    /// what is known of policies.
    pub(super) fn permits(&self, engine: &Engine, event: &Published) -> Option<bool> {
        let Some((owner, subscription)) = &self.subscription else { return Some(true) };
        let view = engine.projections.view();
        let is_known = view.applied.0 >= event.key.position;
        is_known.then(|| engine.may_be_told(&view, owner, subscription, event, engine.now()))
    }
}
