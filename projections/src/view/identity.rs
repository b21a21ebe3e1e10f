//! What changes of identities bring about: in whose people they are, whose tokens they end, and what
//! is left of a tenant whose key is destroyed.

use scaivault_domain::directory::IdentityEvent;
use scaivault_domain::token::{TokenCreated, TokenKind};
use scaivault_domain::{IdentityId, IdentityType, Owner, TenantId, Timestamp};
use scaivault_eventstore::Revision;

use super::View;

impl View {
    pub(super) fn fold_identity(
        &mut self,
        owner: &Owner,
        event: IdentityEvent,
        (at, by): (Timestamp, &IdentityId),
        position: u64,
        revision: Revision,
    ) {
        let Some(tenant) = owner.tenant() else {
            if let IdentityEvent::TenantShredded { id, .. } = &event {
                self.forget_tenant(id);
            }
            self.installation.fold(event, at, position, revision);
            return;
        };
        // Whatever tokens such an identity has by now end with it, also those made while it was being deleted.
        if let IdentityEvent::AccountDeleted { identity, .. } = &event {
            self.tokens.end_those_of(tenant, identity, at);
        }
        if let IdentityEvent::User(noted) = &event {
            for identity in self.installation.people(tenant).parted_from(&noted.record) {
                self.tokens.end_those_of(tenant, &identity, at);
            }
        }
        self.installation.people_mut(tenant).fold(event, at, by, revision);
    }

    /// Whether a new token acts as a service account that is gone by now: it was being made meanwhile.
    pub(super) fn is_orphan(&self, token: &TokenCreated) -> bool {
        let of_account = matches!(token.kind, TokenKind::ServiceAccountKey | TokenKind::Exchanged)
            && token.identity.kind() == IdentityType::ServiceAccount;
        let tenant = token.tenant_id.as_ref();
        of_account && tenant.is_some_and(|id| self.installation.people(id).account_named(&token.identity).is_none())
    }

    /// Forgets what was sealed under a tenant's key.
    fn forget_tenant(&mut self, id: &TenantId) {
        let owner = Owner::Tenant(id.clone());
        self.catalogues.remove(&owner);
        self.policies.forget(&owner);
        self.replays.forget(&owner);
        self.rotations.forget(&owner);
        self.issuers.forget(&owner);
        self.exports.forget(&owner);
        self.secret_policies.forget(&owner);
        self.webhooks.forget(&owner);
        self.subscriptions.forget(&owner);
        self.outcomes.forget(&owner);
        self.tokens.forget_tenant(id);
    }
}
