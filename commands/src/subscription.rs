//! Subscriptions: made, changed, ended, and what their owners say of the events that came.
//!
//! Those of a tenant share a stream, so that a decision sees all of them. What a pushed one signs with is the erasable
//! part of the record that set it, and destroyed with the record that sets another.

pub mod acknowledgement;
pub mod feed;
pub mod permission;

use std::sync::Arc;

use scaivault_domain::id::SubscriptionId;
use scaivault_domain::subscription::{Content, Delivery, Home, Subscription, SubscriptionEvent, decide};
use scaivault_domain::{Event, Timestamp};
use scaivault_projections::{SubscriptionSet, View};
use zeroize::Zeroizing;

use crate::endpoint::{EndpointSecrets, Signing};
use crate::engine::{Change, Pending};
use crate::race::Plan;

use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids};

/// What a subscription is to be.
pub struct Edited {
    /// What it says. What its endpoint tells of secrets is filled in.
    pub content: Content,
    /// Whether it is pushed again if it was disabled.
    pub re_enables: bool,
}

/// What a change comes to: the event with its erasable part, keys that are destroyed, the answer.
struct Decided {
    event: Option<SubscriptionEvent>,
    value: Option<Zeroizing<Vec<u8>>>,
    shred: Option<u64>,
    reply: Reply,
}

impl Engine {
    /// Makes a subscription for the caller of the request. A pushed one has `secrets`.
    pub async fn create_subscription(
        &self,
        request: &ChangeRequest,
        home: Option<Home>,
        mut content: Content,
        secrets: Option<EndpointSecrets>,
        tell: impl Fn(&Subscription) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let id = SubscriptionId::from_ulid(ids::ulid(self.now())?);
        if let (Delivery::Webhook(endpoint), Some(secrets)) = (&mut content.delivery, &secrets) {
            endpoint.public_key = secrets.public_key().map(Arc::from);
        }
        let value = secrets.as_ref().map(EndpointSecrets::encode).transpose()?;
        let change = |set: &SubscriptionSet, now: Timestamp, _: &()| {
            let owner = (request.actor.clone(), home.clone());
            let others = (set.len(), set.is_taken(&request.actor, &content.name, None));
            let event = decide::create(id.clone(), owner, content.clone(), others)?;
            let made = Subscription {
                id: id.clone(),
                owner: request.actor.clone(),
                home: home.clone(),
                content: content.clone(),
                disabled: None,
                secrets_at: None,
                created_at: now,
                updated_at: now,
            };
            Ok(Decided { event: Some(event), value: value.clone(), shred: None, reply: tell(&made)? })
        };
        self.change_subscriptions(request, |_| std::future::ready(Ok(())), change).await
    }

    /// Changes a subscription that the caller sees: `edit` says what it is to be, `signing` what it is to sign with.
    pub async fn update_subscription(
        &self,
        request: &ChangeRequest,
        id: &SubscriptionId,
        is_seen: impl Fn(&Subscription) -> bool,
        signing: &Signing,
        edit: impl Fn(&Subscription) -> Result<Edited, Failure>,
        tell: impl Fn(&Subscription) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let seen = |set: &SubscriptionSet| {
            let held = set.get(id).filter(|held| is_seen(held)).cloned();
            held.ok_or_else(decide::unknown)
        };
        let look = |view: Arc<View>| {
            let held = seen(view.subscriptions.of(&request.owner));
            async move {
                let held = held?;
                let endpoint = held.endpoint().zip(held.secrets_at);
                match endpoint {
                    Some((endpoint, secrets_at)) => self.resigned(endpoint, secrets_at, signing).await,
                    None => Ok(None),
                }
            }
        };
        let change = |set: &SubscriptionSet, now: Timestamp, secrets: &Option<EndpointSecrets>| {
            let before = seen(set)?;
            let Edited { mut content, re_enables } = edit(&before)?;
            if let (Delivery::Webhook(endpoint), Some(held)) = (&mut content.delivery, before.endpoint()) {
                endpoint.public_key.clone_from(&held.public_key);
                endpoint.previous_secret_expires_at = held.previous_secret_expires_at;
                if let Some(secrets) = secrets {
                    endpoint.public_key = secrets.public_key().map(Arc::from);
                    endpoint.previous_secret_expires_at = secrets.previous_expires_at();
                }
            }
            let is_taken = set.is_taken(&before.owner, &content.name, Some(id));
            let event = decide::update(&before, content.clone(), is_taken, re_enables, secrets.is_some())?;
            let after = Subscription {
                content,
                disabled: before.disabled.filter(|_| !re_enables),
                updated_at: if event.is_some() { now } else { before.updated_at },
                ..Subscription::clone(&before)
            };
            let value = secrets.as_ref().map(EndpointSecrets::encode).transpose()?;
            // What is signed with no more is gone for good.
            let shred = before.secrets_at.filter(|_| value.is_some());
            Ok(Decided { event, value, shred, reply: tell(&after)? })
        };
        self.change_subscriptions(request, look, change).await
    }

    /// Ends a subscription that the caller sees, with all that waits for it.
    pub async fn delete_subscription(
        &self,
        request: &ChangeRequest,
        id: &SubscriptionId,
        is_seen: impl Fn(&Subscription) -> bool,
    ) -> Result<Answer, Failure> {
        let change = |set: &SubscriptionSet, _: Timestamp, _: &()| {
            let before = set.get(id).filter(|held| is_seen(held)).ok_or_else(decide::unknown)?;
            let event = Some(SubscriptionEvent::Deleted { id: id.clone() });
            Ok(Decided { event, value: None, shred: before.secrets_at, reply: Reply::no_content() })
        };
        self.change_subscriptions(request, |_| std::future::ready(Ok(())), change).await
    }

    /// Decides on the subscriptions of the request's owner as they are, until no other change comes in between.
    async fn change_subscriptions<T, L: Future<Output = Result<T, Failure>>>(
        &self,
        request: &ChangeRequest,
        look: impl Fn(Arc<View>) -> L,
        decide: impl Fn(&SubscriptionSet, Timestamp, &T) -> Result<Decided, Failure>,
    ) -> Result<Answer, Failure> {
        let owner = &request.owner;
        let stream = self.stream(owner, "subscriptions", "")?;
        let plan = |view: &View, found: &T| {
            let (set, now) = (view.subscriptions.of(owner), self.now());
            let Decided { event, value, shred, reply } = decide(set, now, found)?;
            let pending = event.map(|event| Pending {
                owner: owner.clone(),
                stream,
                revision: set.revision().next(),
                actor: request.actor.clone(),
                event: Event::Subscription(event),
                value,
            });
            let (pending, shred) = (pending.into_iter().collect(), shred.into_iter().collect());
            Ok(Plan::success(Change { at: now, pending, shred }, request.entry.clone(), reply))
        };
        self.race_over(request, stream, |view| view.subscriptions.of(owner).revision(), look, plan).await
    }
}
