//! Texts that many secrets have in common, held once: who wrote them, their tags, their notices.

use std::collections::HashMap;
use std::sync::Arc;

use scaivault_domain::secret::{Metadata, NoticeTimes, Options, SecretEvent};
use scaivault_domain::secret_policy::SecretPolicyReference;
use scaivault_domain::{Event, EventBody, IdentityId};

/// Most texts of a kind that are remembered; beyond, a pool starts anew.
const CAPACITY: usize = 65_536;

/// The texts met so far.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    identities: HashMap<Arc<str>, IdentityId>,
    texts: HashMap<Arc<str>, Arc<str>>,
    notices: HashMap<Arc<str>, NoticeTimes>,
    secret_policies: HashMap<SecretPolicyReference, Arc<SecretPolicyReference>>,
}

impl Pool {
    /// Replaces what an event has in common with earlier ones by theirs.
    pub(crate) fn share(&mut self, body: &mut EventBody) {
        if let Some(actor) = self.identity(body.actor.as_str(), || Some(body.actor.clone())) {
            body.actor = actor;
        }
        let Event::Secret(_, event) = &mut body.event else { return };
        let (metadata, options) = match event {
            SecretEvent::Created { metadata, options, .. } => (Some(metadata), Some(options)),
            SecretEvent::VersionAdded { metadata, options, .. }
            | SecretEvent::MetadataUpdated { metadata, options, .. } => (metadata.as_mut(), options.as_mut()),
            SecretEvent::VersionDestroyed { .. }
            | SecretEvent::VersionDeleted { .. }
            | SecretEvent::VersionRestored { .. }
            | SecretEvent::CurrentVersionChanged { .. }
            | SecretEvent::Deleted { .. }
            | SecretEvent::Restored { .. }
            | SecretEvent::Destroyed { .. }
            | SecretEvent::ExpiryAnnounced { .. }
            | SecretEvent::Expired { .. }
            | SecretEvent::RotationAttached { .. }
            | SecretEvent::RotationDetached {}
            | SecretEvent::RotationDue { .. }
            | SecretEvent::RotationOverdue { .. }
            | SecretEvent::RotationFailed(_)
            | SecretEvent::GraceFinished { .. }
            | SecretEvent::StragglersFound(_) => (None, None),
        };
        if let Some(metadata) = metadata {
            self.share_metadata(metadata);
        }
        if let Some(options) = options {
            self.share_options(options);
        }
    }

    fn share_metadata(&mut self, metadata: &mut Metadata) {
        if let Some(tags) = &metadata.tags {
            metadata.tags = Some(tags.iter().map(|tag| self.text(tag)).collect());
        }
        metadata.own = metadata.own.with_keys(|key| self.text(key));
        if let Some(owner) = &metadata.owner {
            metadata.owner = Some(self.text(owner));
        }
    }

    fn share_options(&mut self, options: &mut Options) {
        if let Some(notices) = &options.notify_before {
            let shared = self.notices(notices.as_str(), || Some(notices.clone()));
            options.notify_before = shared.or_else(|| options.notify_before.take());
        }
        if let Some(reference) = &options.secret_policy {
            options.secret_policy = Some(self.secret_policy(reference));
        }
    }

    /// An identity, made by `make` if it is new.
    pub(crate) fn identity(&mut self, text: &str, make: impl FnOnce() -> Option<IdentityId>) -> Option<IdentityId> {
        if let Some(identity) = self.identities.get(text) {
            return Some(identity.clone());
        }
        let identity = make()?;
        insert(&mut self.identities, identity.shared(), identity.clone());
        Some(identity)
    }

    /// A text.
    pub(crate) fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(text) = self.texts.get(text) {
            return text.clone();
        }
        let shared: Arc<str> = text.into();
        insert(&mut self.texts, shared.clone(), shared.clone());
        shared
    }

    /// What secrets keep of a secret policy.
    pub(crate) fn secret_policy(&mut self, reference: &SecretPolicyReference) -> Arc<SecretPolicyReference> {
        if let Some(reference) = self.secret_policies.get(reference) {
            return reference.clone();
        }
        let shared = Arc::new(reference.clone());
        insert(&mut self.secret_policies, reference.clone(), shared.clone());
        shared
    }

    /// A list of notices, made by `make` if it is new.
    pub(crate) fn notices(&mut self, text: &str, make: impl FnOnce() -> Option<NoticeTimes>) -> Option<NoticeTimes> {
        if let Some(notices) = self.notices.get(text) {
            return Some(notices.clone());
        }
        let notices = make()?;
        insert(&mut self.notices, text.into(), notices.clone());
        Some(notices)
    }
}

fn insert<K: Eq + std::hash::Hash, T>(known: &mut HashMap<K, T>, key: K, value: T) {
    if known.len() >= CAPACITY {
        known.clear();
    }
    known.insert(key, value);
}
