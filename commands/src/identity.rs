//! What changes of identities have in common: one stream for each owner, and tokens that end with
//! whom they act as.

use std::collections::BTreeSet;

use scaivault_domain::directory::{IdentityEvent, User};
use scaivault_domain::token::TokenRevoked;
use scaivault_domain::{Event, IdentityId, Owner, TenantId};
use scaivault_eventstore::StreamId;
use scaivault_projections::View;

use crate::engine::Pending;
use crate::token::owner_of;
use crate::{Engine, Failure};

impl Engine {
    /// The stream of an owner's identities: whoever decides on names and roles sees all there are.
    pub(crate) fn identity_stream(&self, owner: &Owner) -> Result<StreamId, Failure> {
        self.stream(owner, "identities", "")
    }

    /// Events of an owner's identities as records to be, in order.
    pub(crate) fn identity_events(
        &self,
        view: &View,
        owner: &Owner,
        actor: &IdentityId,
        events: Vec<IdentityEvent>,
    ) -> Result<Vec<Pending>, Failure> {
        let stream = self.identity_stream(owner)?;
        let mut revision = view.installation.revision_of(owner);
        let pending = events.into_iter().map(|event| {
            revision = revision.next();
            let (owner, actor, event) = (owner.clone(), actor.clone(), Event::Identity(event));
            Pending { owner, stream, revision, actor, event, value: None }
        });
        Ok(pending.collect())
    }

    /// Ends the tokens of identities that are nobody's, or somebody else's, once users have become so.
    pub(crate) fn parting<'u>(
        &self,
        view: &View,
        tenant: &TenantId,
        users: impl IntoIterator<Item = &'u User>,
        actor: &IdentityId,
    ) -> Result<Vec<Pending>, Failure> {
        let people = view.installation.people(tenant);
        // Each once: a token ends but once.
        let parted: BTreeSet<_> = users.into_iter().flat_map(|user| people.parted_from(user)).collect();
        let mut pending = Vec::new();
        for identity in &parted {
            pending.extend(self.ending_tokens(view, tenant, identity, actor)?);
        }
        Ok(pending)
    }

    /// Ends every token of an identity of a tenant that is not ended yet.
    pub(crate) fn ending_tokens(
        &self,
        view: &View,
        tenant: &TenantId,
        identity: &IdentityId,
        actor: &IdentityId,
    ) -> Result<Vec<Pending>, Failure> {
        let now = self.now();
        let of_tenant = view.tokens.of(identity).filter(|held| held.token.record.tenant_id.as_ref() == Some(tenant));
        let alive = of_tenant.filter(|held| held.token.is_active(now));
        alive
            .map(|held| {
                let record = &held.token.record;
                let revoked =
                    TokenRevoked { id: record.id.clone(), kind: record.kind, identity: record.identity.clone() };
                let owner = owner_of(record);
                Ok(Pending {
                    stream: self.stream(&owner, "token", record.id.as_str())?,
                    owner,
                    revision: held.revision.next(),
                    actor: actor.clone(),
                    event: Event::TokenRevoked(revoked),
                    value: None,
                })
            })
            .collect()
    }
}
