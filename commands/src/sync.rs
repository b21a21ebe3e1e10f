//! Synchronisation with the identity provider: all of it is fetched first, then taken over; what is
//! absent there ends here.

mod comparison;

use std::sync::Arc;
use std::time::{Duration, Instant};

use scaivault_domain::audit::Action;
use scaivault_domain::directory::{IdentityEvent, Status};
use scaivault_domain::id::SyncId;
use scaivault_domain::scaikey::{
    Registration, RegistrationScope, Sync, SyncCounts, SyncEnded, SyncError, SyncStarted, SyncTarget, Trigger,
};
use scaivault_domain::{IdentityId, Owner, TenantId, Timestamp};
use scaivault_eventstore::StoreError;
use scaivault_projections::View;
use scaivault_projections::owners::key_owner;

use crate::audit::{EntryDraft, Outcome};
use crate::engine::Change;
use crate::mirror::Mirror;
use crate::provider::{Fetched, FetchedTenant, IdentityProvider, ProviderError};
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids, request};
use comparison::{is_ours, people, platform};

/// Longest time to fetch everything.
const FETCHING: Duration = Duration::from_secs(300);
/// Longest time to append what belongs to one owner.
const APPENDING: Duration = Duration::from_secs(120);
/// After this a synchronisation that is said to run was left by a process that is gone, in seconds.
const ABANDONED_SECONDS: i64 = 900;
/// Records that are appended at once.
const CHUNK: usize = 500;
/// Codes of failures: ScaiKey's, and our own.
const BACKEND_ERROR: &str = "backend_error";
const UNAVAILABLE: &str = "service_unavailable";

/// A synchronisation to be carried out.
pub struct Begun {
    id: SyncId,
    target: SyncTarget,
    registration: Option<Registration>,
    started_at: Timestamp,
}

impl Engine {
    /// Notes that a synchronisation begins, unless one of the same target runs: then that one is told, and
    /// there is nothing to carry out.
    pub async fn begin_sync(
        &self,
        request: &ChangeRequest,
        trigger: Trigger,
        target: &SyncTarget,
        tell: impl Fn(&Sync) -> Result<Reply, serde_json::Error>,
    ) -> Result<(Answer, Option<Begun>), Failure> {
        let now = self.now();
        let started = SyncStarted { id: SyncId::from_ulid(ids::ulid(now)?), trigger, target: target.clone() };
        let sync = Sync { started: started.clone(), started_at: now, ended: None };
        let answer = self
            .change_tenancy(request, |view| match running(view, target, now) {
                Some(other) => Ok((Vec::new(), tell(other)?)),
                None => Ok((vec![IdentityEvent::SyncStarted(started.clone())], tell(&sync)?)),
            })
            .await?;
        let view = self.projections.view();
        let is_ours = !answer.replayed && view.installation.sync(&started.id).is_some();
        let begun = is_ours.then(|| self.begun(started.id, target, now));
        Ok((answer, begun))
    }

    /// Begins one by itself: after a registration, or because it is time. Its end is what is audited.
    pub async fn begin_own_sync(&self, trigger: Trigger, target: &SyncTarget) -> Result<Option<Begun>, Failure> {
        let deadline = Instant::now() + APPENDING;
        loop {
            let (now, view) = (self.now(), self.projections.view());
            if running(&view, target, now).is_some() {
                return Ok(None);
            }
            let id = SyncId::from_ulid(ids::ulid(now)?);
            let started = SyncStarted { id: id.clone(), trigger, target: target.clone() };
            let events = vec![IdentityEvent::SyncStarted(started)];
            let pending = self.identity_events(&view, &Owner::Platform, &actor(), events)?;
            match self.append(&ids::request_id(now)?, Change::of(now, pending), Vec::new()).await {
                Ok(_) => return Ok(Some(self.begun(id, target, now))),
                Err(Failure::Unavailable { source: Some(StoreError::Conflict { .. }), .. }) => {
                    self.feed.look();
                    self.catch_up(deadline, |later| later.applied > view.applied).await?;
                }
                Err(other) => return Err(other),
            }
        }
    }

    fn begun(&self, id: SyncId, target: &SyncTarget, started_at: Timestamp) -> Begun {
        let view = self.projections.view();
        let registration = view.installation.registration().map(|held| held.registration.clone());
        Begun { id, target: target.clone(), registration, started_at }
    }

    /// Carries one out, and notes how it ended.
    pub async fn run_sync(&self, provider: &dyn IdentityProvider, begun: Begun) {
        let fetched = tokio::time::timeout(FETCHING, provider.fetch(&begun.target)).await;
        let outcome = match fetched.unwrap_or(Err(ProviderError::Unreachable)) {
            Ok(fetched) => self.take_over(&begun, &fetched).await.map_err(|failure| {
                tracing::warn!(target: "identity", error = &failure as &dyn std::error::Error, sync = %begun.id, "a synchronisation failed");
                told(UNAVAILABLE, "What was fetched could not be recorded")
            }),
            Err(error) => Err(told(BACKEND_ERROR, &error.to_string())),
        };
        let (counts, error) = match outcome {
            Ok(counts) => (counts, None),
            Err(error) => (SyncCounts::default(), Some(error)),
        };
        let ended = SyncEnded { id: begun.id.clone(), counts, error };
        if let Err(failure) = self.end_sync(ended).await {
            let error = &failure as &dyn std::error::Error;
            tracing::warn!(target: "identity", error, sync = %begun.id, "the end of a synchronisation is not recorded");
        }
    }

    /// Ends synchronisations that nobody carries out any more.
    pub(crate) async fn end_abandoned_syncs(&self) -> Result<(), Failure> {
        let (view, now) = (self.projections.view(), self.now());
        let abandoned = view.installation.syncs().filter(|sync| sync.ended.is_none() && is_abandoned(sync, now));
        for sync in abandoned {
            let error = Some(told(UNAVAILABLE, "The server ended before the synchronisation did"));
            self.end_sync(SyncEnded { id: sync.started.id.clone(), counts: SyncCounts::default(), error }).await?;
        }
        Ok(())
    }

    async fn end_sync(&self, ended: SyncEnded) -> Result<(), Failure> {
        let owner = &Owner::Platform;
        let target = self.projections.view().installation.sync(&ended.id).map(|sync| sync.started.target.clone());
        let target = target.unwrap_or_default();
        let request = self.sync_request(concerned(&target), format!("identity/sync/{}", ended.id))?;
        let plan = |view: &View| {
            let open = view.installation.sync(&ended.id).is_some_and(|sync| sync.ended.is_none());
            let events = open.then(|| IdentityEvent::SyncEnded(ended.clone())).into_iter().collect();
            let pending = self.identity_events(view, owner, &request.actor, events)?;
            let plan = Plan::success(Change::of(self.now(), pending), request.entry.clone(), Reply::no_content());
            let outcome = match &ended.error {
                None => Outcome::Success,
                Some(error) if error.code == BACKEND_ERROR => Outcome::Error(BACKEND_ERROR),
                Some(_) => Outcome::Error(UNAVAILABLE),
            };
            Ok(Plan { outcome, ..plan })
        };
        let stream = self.identity_stream(owner)?;
        self.race(&request, stream, |view| view.installation.revision_of(owner), plan).await.map(drop)
    }

    async fn take_over(&self, begun: &Begun, fetched: &Fetched) -> Result<SyncCounts, Failure> {
        let mut counts = SyncCounts::default();
        let now = self.now();
        self.ensure_keys(fetched, now).await?;
        let view = self.projections.view();
        let of_platform = platform(&mirror(&view, begun, now), begun, fetched, &mut counts);
        self.append_all(&Owner::Platform, of_platform).await?;
        for tenant in &fetched.tenants {
            let view = self.projections.view();
            let known = view.installation.tenant(&tenant.tenant.id).filter(|known| !known.is_doomed());
            let Some(known) = known else { continue };
            if !is_ours(&mirror(&view, begun, now), begun, &known.partner_id, Some(&known.slug)) {
                continue;
            }
            let events = people(&mirror(&view, begun, now), begun, tenant, &mut counts);
            let ended = events.iter().filter_map(|event| {
                let IdentityEvent::User(noted) = event else { return None };
                (noted.record.status == Status::Deleted).then(|| noted.record.identity.clone())
            });
            let ended: Vec<IdentityId> = ended.collect();
            self.append_all(&Owner::Tenant(tenant.tenant.id.clone()), events).await?;
            self.end_tokens(&tenant.tenant.id, &ended).await?;
        }
        Ok(counts)
    }

    /// New owners' keys are there before the records that tell of them.
    async fn ensure_keys(&self, fetched: &Fetched, now: Timestamp) -> Result<(), Failure> {
        let keyring = self.sealer.keyring();
        for partner in &fetched.partners {
            let owner = key_owner(&Owner::Partner(partner.id.clone()));
            if !keyring.knows(&owner) {
                keyring.ensure(&owner, &key_owner(&Owner::Platform), now.as_micros()).await?;
            }
        }
        for FetchedTenant { tenant, .. } in &fetched.tenants {
            let owner = key_owner(&Owner::Tenant(tenant.id.clone()));
            let parent = tenant.said.partner_id.clone().map(|partner| key_owner(&Owner::Partner(partner)));
            if let Some(parent) = parent.filter(|parent| !keyring.knows(&owner) && keyring.holds(parent)) {
                keyring.ensure(&owner, &parent, now.as_micros()).await?;
            }
        }
        Ok(())
    }

    /// Appends events of one owner, some at a time.
    async fn append_all(&self, owner: &Owner, events: Vec<IdentityEvent>) -> Result<(), Failure> {
        let deadline = Instant::now() + APPENDING;
        for chunk in events.chunks(CHUNK) {
            loop {
                let (now, view) = (self.now(), self.projections.view());
                let pending = self.identity_events(&view, owner, &actor(), chunk.to_vec())?;
                match self.append(&ids::request_id(now)?, Change::of(now, pending), Vec::new()).await {
                    Ok(_) => break,
                    Err(Failure::Unavailable { source: Some(StoreError::Conflict { .. }), .. }) => {
                        self.feed.look();
                        self.catch_up(deadline, |later| later.applied > view.applied).await?;
                    }
                    Err(other) => return Err(other),
                }
            }
        }
        Ok(())
    }

    async fn end_tokens(&self, tenant: &TenantId, identities: &[IdentityId]) -> Result<(), Failure> {
        for identity in identities {
            // The fold has ended them; this tells of it.
            let pending = self.ending_tokens(&self.projections.view(), tenant, identity, &actor())?;
            if !pending.is_empty() {
                let now = self.now();
                self.append(&ids::request_id(now)?, Change::of(now, pending), Vec::new()).await?;
            }
        }
        Ok(())
    }

    /// Work of the server itself, with an entry of its own.
    fn sync_request(&self, owner: Owner, resource: String) -> Result<ChangeRequest, Failure> {
        let now = self.now();
        let request_id: Arc<str> = ids::request_id(now)?.into();
        let entry =
            EntryDraft::without_client(owner.clone(), Action::IdentitySync, Some(actor()), request_id.clone(), now);
        let entry = EntryDraft { resource: Some(resource), ..entry };
        let handed = request::Handed::default();
        Ok(ChangeRequest { owner, actor: actor(), request_id, entry, idempotency: None, handed })
    }
}

/// In whose log a synchronisation is told of.
fn concerned(target: &SyncTarget) -> Owner {
    Owner::of(target.tenant_id.as_ref(), target.partner_id.as_ref())
}

/// The server's own actor for it.
fn actor() -> IdentityId {
    IdentityId::system(IdentityId::IDENTITY_SYNC)
}

fn told(code: &str, message: &str) -> SyncError {
    SyncError { code: code.into(), message: message.into() }
}

fn running<'v>(view: &'v View, target: &SyncTarget, now: Timestamp) -> Option<&'v Sync> {
    let running = view.installation.running_sync(target).map(AsRef::as_ref);
    running.filter(|sync| !is_abandoned(sync, now))
}

fn is_abandoned(sync: &Sync, now: Timestamp) -> bool {
    sync.started_at.plus_seconds(ABANDONED_SECONDS) <= now
}

fn mirror<'v>(view: &'v View, begun: &Begun, now: Timestamp) -> Mirror<'v> {
    let scope = begun.registration.as_ref().map_or(RegistrationScope::Platform, |registration| registration.scope);
    Mirror { view, now, scope, sync_id: Some(begun.id.clone()) }
}
