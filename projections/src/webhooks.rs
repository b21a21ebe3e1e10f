//! Webhooks by tenant: by id, which is the order of their making, and by name.

use std::sync::Arc;

use imbl::{HashMap, OrdMap};
use scaivault_domain::endpoint::DisabledReason;
use scaivault_domain::id::WebhookId;
use scaivault_domain::webhook::{Webhook, WebhookEvent};
use scaivault_domain::{IdentityId, Owner, Timestamp};
use scaivault_eventstore::Revision;

/// The webhooks of all tenants.
#[derive(Clone, Debug, Default)]
pub struct Webhooks {
    owners: HashMap<Owner, WebhookSet>,
    nothing: WebhookSet,
}

/// Those of one tenant.
#[derive(Clone, Debug, Default)]
pub struct WebhookSet {
    webhooks: OrdMap<WebhookId, Arc<Webhook>>,
    names: HashMap<Arc<str>, WebhookId>,
    revision: Revision,
}

impl Webhooks {
    /// Those of an owner.
    pub fn of(&self, owner: &Owner) -> &WebhookSet {
        self.owners.get(owner).unwrap_or(&self.nothing)
    }

    /// An owner that ever had some, as it is kept here.
    pub(crate) fn owner(&self, owner: &Owner) -> Option<&Owner> {
        self.owners.get_key_value(owner).map(|(owner, _)| owner)
    }

    /// All owners that ever had some.
    pub fn all(&self) -> impl Iterator<Item = (&Owner, &WebhookSet)> {
        self.owners.iter()
    }

    pub(crate) fn of_mut(&mut self, owner: &Owner) -> &mut WebhookSet {
        self.owners.entry(owner.clone()).or_default()
    }

    /// Lets go of those of other owners.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(&Owner) -> bool) {
        self.owners.retain(|owner, _| is_kept(owner));
    }

    /// Forgets those of an owner.
    pub(crate) fn forget(&mut self, owner: &Owner) {
        self.owners.remove(owner);
    }
}

impl WebhookSet {
    /// Revision of the owner's stream of these events.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// A webhook.
    pub fn get(&self, id: &WebhookId) -> Option<&Arc<Webhook>> {
        self.webhooks.get(id)
    }

    /// All, in the order of their making.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Arc<Webhook>> {
        self.webhooks.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.webhooks.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.webhooks.is_empty()
    }

    /// Whether another webhook than `own` has this name.
    pub fn is_taken(&self, name: &str, own: Option<&WebhookId>) -> bool {
        self.names.get(name).is_some_and(|id| Some(id) != own)
    }

    pub(crate) fn fold(
        &mut self,
        event: WebhookEvent,
        (at, by): (Timestamp, &IdentityId),
        (position, has_value): (u64, bool),
        revision: Revision,
    ) {
        self.revision = revision;
        match event {
            WebhookEvent::Created { id, content, home, disabled } => self.hold(Webhook {
                id,
                content,
                disabled: disabled.then_some(DisabledReason::Requested),
                secrets_at: position,
                created_by: by.clone(),
                home,
                created_at: at,
                updated_at: at,
            }),
            WebhookEvent::Updated { id, content, disabled } => {
                let Some(before) = self.take(&id) else { return };
                let secrets_at = if has_value { position } else { before.secrets_at };
                self.hold(Webhook { content, disabled, secrets_at, updated_at: at, ..Webhook::clone(&before) });
            }
            WebhookEvent::Disabled { id, reason, .. } => {
                let Some(before) = self.take(&id) else { return };
                self.hold(Webhook { disabled: Some(reason), updated_at: at, ..Webhook::clone(&before) });
            }
            WebhookEvent::Deleted { id } => _ = self.take(&id),
        }
    }

    /// Enters a webhook as it is.
    pub(crate) fn hold(&mut self, webhook: Webhook) {
        self.names.insert(webhook.content.name.clone(), webhook.id.clone());
        self.webhooks.insert(webhook.id.clone(), Arc::new(webhook));
    }

    pub(crate) fn restore_revision(&mut self, revision: Revision) {
        self.revision = revision;
    }

    fn take(&mut self, id: &WebhookId) -> Option<Arc<Webhook>> {
        let webhook = self.webhooks.remove(id)?;
        self.names.remove(&webhook.content.name);
        Some(webhook)
    }
}
