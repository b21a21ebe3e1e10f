//! Subscriptions by tenant: by id, which is the order of their making, and by owner and name.

use std::sync::Arc;

use imbl::{HashMap, OrdMap};
use scaivault_domain::id::SubscriptionId;
use scaivault_domain::subscription::{Subscription, SubscriptionEvent};
use scaivault_domain::{IdentityId, Owner, Timestamp};
use scaivault_eventstore::Revision;

/// The subscriptions of all tenants.
#[derive(Clone, Debug, Default)]
pub struct Subscriptions {
    owners: HashMap<Owner, SubscriptionSet>,
    nothing: SubscriptionSet,
}

/// Those of one tenant.
#[derive(Clone, Debug, Default)]
pub struct SubscriptionSet {
    subscriptions: OrdMap<SubscriptionId, Arc<Subscription>>,
    names: HashMap<(IdentityId, Arc<str>), SubscriptionId>,
    revision: Revision,
}

impl Subscriptions {
    /// Those of an owner.
    pub fn of(&self, owner: &Owner) -> &SubscriptionSet {
        self.owners.get(owner).unwrap_or(&self.nothing)
    }

    /// An owner that ever had some, as it is kept here.
    pub(crate) fn owner(&self, owner: &Owner) -> Option<&Owner> {
        self.owners.get_key_value(owner).map(|(owner, _)| owner)
    }

    /// All owners that ever had some.
    pub fn all(&self) -> impl Iterator<Item = (&Owner, &SubscriptionSet)> {
        self.owners.iter()
    }

    pub(crate) fn of_mut(&mut self, owner: &Owner) -> &mut SubscriptionSet {
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

impl SubscriptionSet {
    /// Revision of the owner's stream of these events.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// A subscription.
    pub fn get(&self, id: &SubscriptionId) -> Option<&Arc<Subscription>> {
        self.subscriptions.get(id)
    }

    /// All, in the order of their making.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Arc<Subscription>> {
        self.subscriptions.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.subscriptions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.subscriptions.is_empty()
    }

    /// Whether another subscription of that identity than `own` has this name.
    pub fn is_taken(&self, owner: &IdentityId, name: &Arc<str>, own: Option<&SubscriptionId>) -> bool {
        self.names.get(&(owner.clone(), name.clone())).is_some_and(|id| Some(id) != own)
    }

    pub(crate) fn fold(
        &mut self,
        event: SubscriptionEvent,
        at: Timestamp,
        (position, has_value): (u64, bool),
        revision: Revision,
    ) {
        self.revision = revision;
        match event {
            SubscriptionEvent::Created { id, owner, home, content } => {
                let secrets_at = has_value.then_some(position);
                self.hold(Subscription {
                    id,
                    owner,
                    home,
                    content,
                    disabled: None,
                    secrets_at,
                    created_at: at,
                    updated_at: at,
                });
            }
            SubscriptionEvent::Updated { id, content, disabled } => {
                let Some(before) = self.take(&id) else { return };
                let secrets_at = has_value.then_some(position).or(before.secrets_at);
                self.hold(Subscription {
                    content,
                    disabled,
                    secrets_at,
                    updated_at: at,
                    ..Subscription::clone(&before)
                });
            }
            SubscriptionEvent::Disabled { id, reason } => {
                let Some(before) = self.take(&id) else { return };
                self.hold(Subscription { disabled: Some(reason), updated_at: at, ..Subscription::clone(&before) });
            }
            SubscriptionEvent::Deleted { id } => _ = self.take(&id),
        }
    }

    /// Enters a subscription as it is.
    pub(crate) fn hold(&mut self, subscription: Subscription) {
        let name = (subscription.owner.clone(), subscription.content.name.clone());
        self.names.insert(name, subscription.id.clone());
        self.subscriptions.insert(subscription.id.clone(), Arc::new(subscription));
    }

    pub(crate) fn restore_revision(&mut self, revision: Revision) {
        self.revision = revision;
    }

    fn take(&mut self, id: &SubscriptionId) -> Option<Arc<Subscription>> {
        let subscription = self.subscriptions.remove(id)?;
        self.names.remove(&(subscription.owner.clone(), subscription.content.name.clone()));
        Some(subscription)
    }
}
