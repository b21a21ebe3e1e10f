//! What ties the installation to the identity provider: its registration, what was taken over when.

use std::sync::Arc;

use imbl::{HashSet, Vector};
use scaivault_domain::Timestamp;
use scaivault_domain::directory::IdentityEvent;
use scaivault_domain::id::SyncId;
use scaivault_domain::scaikey::{Registration, Sync, SyncTarget};
use serde::{Deserialize, Serialize};

use super::Installation;

/// Ids of webhook events that are remembered. What is older than all of them comes too late anyway.
const HOOKS: usize = 100_000;
/// Synchronisations that are remembered.
const SYNCS: usize = 10_000;

/// A registration with what is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldRegistration {
    /// The registration.
    pub registration: Registration,
    /// When.
    pub registered_at: Timestamp,
    /// The record whose value is the webhook secret.
    pub position: u64,
    /// The last webhook that was handled.
    pub last_event_at: Option<Timestamp>,
}

/// Webhook events that were handled, the oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Hooks {
    order: Vector<Arc<str>>,
    known: HashSet<Arc<str>>,
}

impl Installation {
    /// The registration with ScaiKey.
    pub fn registration(&self) -> Option<&Arc<HeldRegistration>> {
        self.registration.as_ref()
    }

    /// Whether a webhook event was handled before.
    pub fn is_handled(&self, event_id: &str) -> bool {
        self.hooks.known.contains(event_id)
    }

    /// A synchronisation.
    pub fn sync(&self, id: &SyncId) -> Option<&Arc<Sync>> {
        self.syncs.get(id)
    }

    /// All that are remembered, newest first.
    pub fn syncs(&self) -> impl Iterator<Item = &Arc<Sync>> {
        self.syncs.values().rev()
    }

    /// The synchronisation of a target that is under way.
    pub fn running_sync(&self, target: &SyncTarget) -> Option<&Arc<Sync>> {
        self.syncs().find(|sync| sync.ended.is_none() && sync.started.target == *target)
    }

    /// Ids of handled webhook events, the oldest first.
    pub(crate) fn handled(&self) -> impl Iterator<Item = &Arc<str>> {
        self.hooks.order.iter()
    }

    pub(super) fn fold_provider(&mut self, event: IdentityEvent, at: Timestamp, position: u64) {
        match event {
            IdentityEvent::Registered(registration) => {
                self.hold_registration(HeldRegistration {
                    registration,
                    registered_at: at,
                    position,
                    last_event_at: None,
                });
            }
            IdentityEvent::HookHandled(handled) => {
                self.hold_handled(handled.event_id.into());
                if let Some(held) = &mut self.registration {
                    Arc::make_mut(held).last_event_at = Some(at);
                }
            }
            IdentityEvent::SyncStarted(started) => self.hold_sync(Sync { started, started_at: at, ended: None }),
            IdentityEvent::SyncEnded(ended) => {
                if let Some(sync) = self.syncs.get_mut(&ended.id) {
                    Arc::make_mut(sync).ended = Some((at, ended));
                }
            }
            IdentityEvent::Partner(_)
            | IdentityEvent::Tenant(_)
            | IdentityEvent::TenantShredded { .. }
            | IdentityEvent::SettingsChanged(_)
            | IdentityEvent::User(_)
            | IdentityEvent::RolesAssigned { .. }
            | IdentityEvent::Group(_)
            | IdentityEvent::Membership(_)
            | IdentityEvent::AccountCreated(_)
            | IdentityEvent::AccountUpdated { .. }
            | IdentityEvent::KeyAdded { .. }
            | IdentityEvent::AccountDeleted { .. } => {}
        }
    }

    /// Enters a registration as it is.
    pub(crate) fn hold_registration(&mut self, registration: HeldRegistration) {
        self.registration = Some(Arc::new(registration));
    }

    /// Enters a synchronisation as it is.
    pub(crate) fn hold_sync(&mut self, sync: Sync) {
        self.syncs.insert(sync.started.id.clone(), Arc::new(sync));
        if self.syncs.len() > SYNCS
            && let Some(oldest) = self.syncs.get_min().map(|(id, _)| id.clone())
        {
            self.syncs.remove(&oldest);
        }
    }

    /// Enters a handled webhook event.
    pub(crate) fn hold_handled(&mut self, event_id: Arc<str>) {
        if self.hooks.known.insert(event_id.clone()).is_none() {
            self.hooks.order.push_back(event_id);
        }
        if self.hooks.order.len() > HOOKS
            && let Some(oldest) = self.hooks.order.pop_front()
        {
            self.hooks.known.remove(&oldest);
        }
    }
}
