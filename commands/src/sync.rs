//! Synchronisation with the identity provider: all of it is fetched first, then taken over; what is
//! absent there ends here.

mod comparison;

use std::sync::Arc;
use std::time::{Duration, Instant};

use scaivault_domain::audit::Action;
use scaivault_domain::directory::{IdentityEvent, Status};
use scaivault_domain::id::SyncId;
use scaivault_domain::scaikey::{
    Registration, Sync, SyncCounts, SyncEnded, SyncError, SyncStarted, SyncTarget, Trigger,
};
use scaivault_domain::{IdentityId, Owner, Timestamp};
use scaivault_eventstore::StoreError;
use scaivault_projections::View;
use scaivault_projections::owners::key_owner;

use crate::audit::{EntryDraft, Outcome};
use crate::engine::Change;
use crate::mirror::{Mirror, is_end};
use crate::provider::{Fetched, FetchedTenant, IdentityProvider, ProviderError};
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids, request};
use comparison::{Item, absent, records, rest};

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
        self.ensure_keys(fetched, self.now()).await?;
        let platform = &Owner::Platform;
        let partners = fetched.partners.iter().map(Item::Partner).collect();
        counts = self.take_all(begun, platform, partners, counts).await?;
        let tenants = fetched.tenants.iter().map(|tenant| Item::Tenant(&tenant.tenant)).collect();
        counts = self.take_all(begun, platform, tenants, counts).await?;
        let absent = absent(&mirror(&self.projections.view(), begun, self.now()), begun, fetched);
        counts = self.take_all(begun, platform, absent, counts).await?;
        for tenant in &fetched.tenants {
            let owner = Owner::Tenant(tenant.tenant.id.clone());
            for items in [records, rest] {
                let view = self.projections.view();
                let known = view.installation.tenant(&tenant.tenant.id).filter(|known| !known.is_doomed());
                let mirror = mirror(&view, begun, self.now());
                if known.is_some_and(|known| mirror.reaches_people(&known.partner_id, &known.slug)) {
                    counts = self.take_all(begun, &owner, items(&view, tenant), counts).await?;
                }
            }
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

    /// Takes things of one owner over, some at a time, each decided on what is here right then; gives what came
    /// of it on top of `counts`. Whoever's tokens end, they end in the same step.
    async fn take_all(
        &self,
        begun: &Begun,
        owner: &Owner,
        items: Vec<Item<'_>>,
        mut counts: SyncCounts,
    ) -> Result<SyncCounts, Failure> {
        let mut rest = items.as_slice();
        let mut deadline = Instant::now() + APPENDING;
        while !rest.is_empty() {
            let (now, view) = (self.now(), self.projections.view());
            let step = step(&mirror(&view, begun, now), begun, rest, counts);
            let users = step.events.iter().filter_map(|event| {
                let IdentityEvent::User(noted) = event else { return None };
                Some(&noted.record)
            });
            let mut pending = match owner.tenant() {
                Some(tenant) => self.parting(&view, tenant, users, &actor())?,
                None => Vec::new(),
            };
            pending.extend(self.identity_events(&view, owner, &actor(), step.events)?);
            if !pending.is_empty() {
                match self.append(&ids::request_id(now)?, Change::of(now, pending), Vec::new()).await {
                    Ok(_) => {}
                    Err(Failure::Unavailable { source: Some(StoreError::Conflict { .. }), .. }) => {
                        self.feed.look();
                        self.catch_up(deadline, |later| later.applied > view.applied).await?;
                        continue;
                    }
                    Err(other) => return Err(other),
                }
            }
            counts = step.counts;
            rest = rest.get(step.taken..).unwrap_or_default();
            deadline = Instant::now() + APPENDING;
        }
        Ok(counts)
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

fn mirror<'v>(view: &'v View, begun: &'v Begun, now: Timestamp) -> Mirror<'v> {
    Mirror { view, now, registration: begun.registration.as_ref(), sync_id: Some(begun.id.clone()) }
}

/// What is appended at once.
struct Step {
    events: Vec<IdentityEvent>,
    /// Things that are done with it.
    taken: usize,
    counts: SyncCounts,
}

/// The next step. It ends with whoever is `super_admin` no more: the next such is decided on without that one.
fn step(mirror: &Mirror<'_>, begun: &Begun, items: &[Item<'_>], mut counts: SyncCounts) -> Step {
    let (mut events, mut taken) = (Vec::new(), 0);
    for item in items.iter().take(CHUNK) {
        taken += 1;
        let Some(event) = item.decide(mirror, begun, &mut counts) else { continue };
        let is_last = may_lock_out(mirror.view, item, &event);
        events.push(event);
        if is_last {
            break;
        }
    }
    Step { events, taken, counts }
}

/// Whether others are to be decided on what is left after an event.
fn may_lock_out(view: &View, item: &Item<'_>, event: &IdentityEvent) -> bool {
    match (item, event) {
        (_, IdentityEvent::Partner(noted)) => noted.record.status != Status::Active,
        (_, IdentityEvent::Tenant(noted)) => noted.record.status != Status::Active,
        (Item::User(tenant, _) | Item::AbsentUser(tenant, _), IdentityEvent::User(noted)) => {
            let before = view.installation.people(tenant).user(&noted.record.id);
            before.is_some_and(|before| is_end(before, &noted.record))
        }
        _ => false,
    }
}
