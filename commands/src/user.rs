//! Users: roles given to them here, and those first met in a token.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scaivault_domain::access::{Caller, Target, role_required};
use scaivault_domain::audit::Action;
use scaivault_domain::directory::{Change as RecordChange, IdentityEvent, Noted, Provenance, Source, Status, User};
use scaivault_domain::granting::{self, RoleChange};
use scaivault_domain::id::UserId;
use scaivault_domain::{ErrorCode, IdentityId, Owner, Rejection, Role, TenantId, Timestamp};
use scaivault_eventstore::StoreError;
use scaivault_projections::{HeldUser, View};

use crate::audit::{EntryDraft, Outcome};
use crate::engine::Change;
use crate::race::Plan;
use crate::service_account::tenant_of;
use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids};

/// How long a request waits for the record of somebody new.
const PATIENCE: Duration = Duration::from_secs(10);

impl Engine {
    /// Replaces the roles that a user was given here.
    pub async fn assign_roles(
        &self,
        request: &ChangeRequest,
        (caller, target): (&Caller, &Target),
        id: &UserId,
        roles: &[Role],
        tell: impl Fn(&HeldUser) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let tenant = tenant_of(target)?;
        let plan = |view: &View| {
            let people = view.installation.people(tenant);
            let held = people.user(id).ok_or_else(unknown)?;
            let is_own = caller.identity == held.user.identity && caller.tenant.as_ref() == Some(tenant);
            if !granting::reaches(caller, Role::PartnerAdmin, target) {
                return Err(role_required(Role::PartnerAdmin).into());
            }
            granting::check(caller, &RoleChange { target, is_own, before: &held.assigned, after: roles })?;
            let after = HeldUser { user: held.user.clone(), assigned: roles.to_vec() };
            let administers =
                |held: &HeldUser| held.user.status == Status::Active && held.roles().contains(&Role::SuperAdmin);
            let others = || view.installation.has_super_admin_besides(tenant, &held.user.identity);
            if administers(held) && !administers(&after) && !others() {
                return Err(granting::last_super_admin().into());
            }
            let event = IdentityEvent::RolesAssigned { id: id.clone(), roles: roles.to_vec() };
            let events = if held.assigned == roles { Vec::new() } else { vec![event] };
            let pending = self.identity_events(view, &target.owner, &request.actor, events)?;
            Ok(Plan::success(Change::of(self.now(), pending), request.entry.clone(), tell(&after)?))
        };
        let stream = self.identity_stream(&target.owner)?;
        self.race(request, stream, |view| view.installation.revision_of(&target.owner), plan).await
    }

    /// Makes a record of a user first met in a token of an active issuer, unless another request or
    /// node was first.
    pub async fn meet_user(
        &self,
        tenant: &TenantId,
        identity: &IdentityId,
        display_name: Option<&str>,
    ) -> Result<(), Failure> {
        let owner = Owner::Tenant(tenant.clone());
        let deadline = Instant::now() + PATIENCE;
        let overload = |_| Failure::unavailable("overload");
        let turn = self.turns.take(self.stream(&owner, "user", identity.as_str())?);
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
            let entry = EntryDraft::without_client(
                owner.clone(),
                Action::IdentitySync,
                Some(actor.clone()),
                request_id.clone(),
                now,
            );
            let resource = Some(format!("identity/users/{}", user.id));
            let entry = EntryDraft { resource, ..entry }.finish(Outcome::Success)?;
            let event = IdentityEvent::User(Noted::single(RecordChange::Created, user));
            let pending = self.identity_events(&view, &owner, &actor, vec![event])?;
            match self.append(&request_id, Change::of(now, pending), vec![entry]).await {
                Err(Failure::Unavailable { source: Some(StoreError::Conflict { actual, .. }), .. }) => {
                    self.catch_up(deadline, |view| view.installation.revision_of(&owner) >= actual).await?;
                }
                other => return other.map(drop),
            }
        }
    }
}

/// The record of somebody of whom there is only a token.
fn met(id: UserId, identity: &IdentityId, display_name: Option<&str>, now: Timestamp) -> User {
    let name = identity.as_str().trim_start_matches("user:");
    User {
        id,
        provider_id: None,
        identity: identity.clone(),
        email: name.contains('@').then(|| name.to_owned()),
        display_name: display_name.unwrap_or(name).to_owned(),
        status: Status::Active,
        mfa_enabled: false,
        roles: Vec::new(),
        provenance: Provenance { source: Source::Token, synced_at: Some(now), changed_at: None },
    }
}

/// `identity_not_found`.
pub fn unknown() -> Rejection {
    Rejection::new(ErrorCode::IdentityNotFound, "Identity not found")
}
