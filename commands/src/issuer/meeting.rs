//! An identity that is met for the first time, in a token of an issuer: from then on it has a record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scaivault_domain::audit::Action;
use scaivault_domain::id::UserId;
use scaivault_domain::installation::UserCreated;
use scaivault_domain::{Event, IdentityId, Owner, PartnerId, TenantId};
use scaivault_eventstore::{Revision, StoreError};

use crate::audit::{EntryDraft, Outcome};
use crate::engine::{Change, Pending};
use crate::{Engine, Failure, ids};

/// How long a request waits for a record that another one makes.
const PATIENCE: Duration = Duration::from_secs(10);

impl Engine {
    /// Makes the record of a user, unless another request or node was first.
    pub async fn meet_user(
        &self,
        identity: &IdentityId,
        tenant: &TenantId,
        partner: &PartnerId,
        display_name: &str,
    ) -> Result<(), Failure> {
        let owner = Owner::Tenant(tenant.clone());
        let stream = self.stream(&owner, "user", identity.as_str())?;
        let deadline = Instant::now() + PATIENCE;
        let overload = |_| Failure::unavailable("overload");
        let _turn = tokio::time::timeout_at(deadline.into(), self.turns.take(stream)).await.map_err(overload)?;
        if self.projections.view().installation.user(tenant, identity).is_some() {
            return Ok(());
        }
        let now = self.now();
        let created = UserCreated {
            id: UserId::from_ulid(ids::ulid(now)?),
            identity: identity.clone(),
            tenant_id: tenant.clone(),
            partner_id: partner.clone(),
            display_name: display_name.to_owned(),
            roles: Vec::new(),
        };
        let request_id: Arc<str> = ids::request_id(now)?.into();
        let actor = IdentityId::system(IdentityId::IDENTITY_SYNC);
        let entry = EntryDraft::without_client(
            owner.clone(),
            Action::IdentitySync,
            Some(actor.clone()),
            request_id.clone(),
            now,
        );
        let resource = Some(format!("identity/users/{}", created.id));
        let entry = EntryDraft { resource, ..entry }.finish(Outcome::Success)?;
        let event = Event::UserCreated(created);
        let pending = Pending { owner, stream, revision: Revision::NONE.next(), actor, event, value: None };
        match self.append(&request_id, Change::of(now, vec![pending]), vec![entry]).await {
            Ok(_) => Ok(()),
            Err(Failure::Unavailable { source: Some(StoreError::Conflict { .. }), .. }) => {
                self.catch_up(deadline, |view| view.installation.user(tenant, identity).is_some()).await
            }
            Err(other) => Err(other),
        }
    }
}
