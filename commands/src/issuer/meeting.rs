//! An identity that is met for the first time, in a token of an issuer: from then on it has a record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scaivault_domain::audit::Action;
use scaivault_domain::directory::{Change as RecordChange, IdentityEvent, Noted, Provenance, Source, Status, User};
use scaivault_domain::id::UserId;
use scaivault_domain::{IdentityId, Owner, TenantId, Timestamp};
use scaivault_eventstore::StoreError;

use crate::audit::{EntryDraft, Outcome};
use crate::engine::Change;
use crate::{Engine, Failure, ids};

/// How long a request waits for a record, of its own making or of another's.
const PATIENCE: Duration = Duration::from_secs(10);

impl Engine {
    /// Makes the record of a user, unless another request or node was first.
    pub async fn meet_user(&self, identity: &IdentityId, tenant: &TenantId, display_name: &str) -> Result<(), Failure> {
        let owner = Owner::Tenant(tenant.clone());
        let deadline = Instant::now() + PATIENCE;
        let overload = |_| Failure::unavailable("overload");
        let turn = self.turns.take(self.identity_stream(&owner)?);
        let _turn = tokio::time::timeout_at(deadline.into(), turn).await.map_err(overload)?;
        loop {
            let view = self.projections.view();
            if view.installation.user(tenant, identity).is_some() {
                return Ok(());
            }
            let now = self.now();
            let user = met(UserId::from_ulid(ids::ulid(now)?), identity, display_name, now);
            let request_id: Arc<str> = ids::request_id(now)?.into();
            let actor = IdentityId::system(IdentityId::IDENTITY_SYNC);
            let (action, who) = (Action::IdentitySync, Some(actor.clone()));
            let entry = EntryDraft::without_client(owner.clone(), action, who, request_id.clone(), now);
            let resource = Some(format!("identity/users/{}", user.id));
            let entry = EntryDraft { resource, ..entry }.finish(Outcome::Success)?;
            let event = IdentityEvent::User(Noted::single(RecordChange::Created, user));
            let pending = self.identity_events(&view, &owner, &actor, vec![event])?;
            match self.append(&request_id, Change::of(now, pending), vec![entry]).await {
                Ok(_) => return Ok(()),
                // Somebody else changed identities of the tenant meanwhile.
                Err(Failure::Unavailable { source: Some(StoreError::Conflict { actual, .. }), .. }) => {
                    self.catch_up(deadline, |view| view.installation.revision_of(&owner) >= actual).await?;
                }
                Err(other) => return Err(other),
            }
        }
    }
}

fn met(id: UserId, identity: &IdentityId, display_name: &str, now: Timestamp) -> User {
    let email = identity.as_str().strip_prefix("user:").filter(|name| name.contains('@')).map(str::to_owned);
    User {
        id,
        identity: identity.clone(),
        email,
        display_name: display_name.to_owned(),
        status: Status::Active,
        mfa_enabled: false,
        roles: Vec::new(),
        provenance: Provenance { source: Source::Token, synced_at: Some(now), changed_at: None },
    }
}
