//! Synchronisation with the identity provider: all of it is fetched first, then taken over; what is
//! absent there ends here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scaivault_domain::audit::Action;
use scaivault_domain::directory::{Change as RecordChange, IdentityEvent, Noted, Source, Status};
use scaivault_domain::id::{GroupId, SyncId, UserId};
use scaivault_domain::scaikey::{
    Registration, RegistrationScope, Sync, SyncCounts, SyncEnded, SyncError, SyncStarted, SyncTarget, Trigger,
};
use scaivault_domain::{IdentityId, Owner, PartnerId, TenantId, Timestamp};
use scaivault_eventstore::StoreError;
use scaivault_projections::View;
use scaivault_projections::owners::key_owner;

use crate::audit::EntryDraft;
use crate::engine::Change;
use crate::hook::is_within;
use crate::mirror::{Mirror, Said, differs};
use crate::provider::{Fetched, FetchedTenant, IdentityProvider, ProviderError};
use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids, request};

/// Longest time to fetch everything.
const FETCHING: Duration = Duration::from_secs(300);
/// Longest time to append what belongs to one owner.
const APPENDING: Duration = Duration::from_secs(120);
/// After this a synchronisation that is said to run was left by a process that is gone, in seconds.
const ABANDONED_SECONDS: i64 = 900;
/// Records that are appended at once.
const CHUNK: usize = 500;

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
        let registration = view.installation.registration().map(|held| held.registration.clone());
        let begun = is_ours.then(|| Begun { id: started.id, target: target.clone(), registration, started_at: now });
        Ok((answer, begun))
    }

    /// Begins one by itself: after a registration, or because it is time.
    pub async fn begin_own_sync(&self, trigger: Trigger, target: &SyncTarget) -> Result<Option<Begun>, Failure> {
        let request = self.sync_request(Owner::Platform)?;
        let reply = |_: &Sync| Ok(Reply::no_content());
        Ok(self.begin_sync(&request, trigger, target, reply).await?.1)
    }

    /// Carries one out, and notes how it ended.
    pub async fn run_sync(&self, provider: &dyn IdentityProvider, begun: Begun) {
        let fetched = tokio::time::timeout(FETCHING, provider.fetch(&begun.target)).await;
        let outcome = match fetched.unwrap_or(Err(ProviderError::Unreachable)) {
            Ok(fetched) => self.take_over(&begun, &fetched).await.map_err(|failure| {
                tracing::warn!(target: "identity", error = &failure as &dyn std::error::Error, sync = %begun.id, "a synchronisation failed");
                told("service_unavailable", "What was fetched could not be recorded")
            }),
            Err(error) => Err(told("backend_error", &error.to_string())),
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
            let error = Some(told("service_unavailable", "The server ended before the synchronisation did"));
            self.end_sync(SyncEnded { id: sync.started.id.clone(), counts: SyncCounts::default(), error }).await?;
        }
        Ok(())
    }

    async fn end_sync(&self, ended: SyncEnded) -> Result<(), Failure> {
        let request = self.sync_request(Owner::Platform)?;
        let decide = |view: &View| {
            let open = view.installation.sync(&ended.id).is_some_and(|sync| sync.ended.is_none());
            let event = || IdentityEvent::SyncEnded(ended.clone());
            Ok((open.then(event).into_iter().collect(), Reply::no_content()))
        };
        self.change_tenancy(&request, decide).await.map(drop)
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
    fn sync_request(&self, owner: Owner) -> Result<ChangeRequest, Failure> {
        let now = self.now();
        let request_id: Arc<str> = ids::request_id(now)?.into();
        let entry =
            EntryDraft::without_client(owner.clone(), Action::IdentitySync, Some(actor()), request_id.clone(), now);
        let entry = EntryDraft { resource: Some("identity/sync".into()), ..entry };
        let handed = request::Handed::default();
        Ok(ChangeRequest { owner, actor: actor(), request_id, entry, idempotency: None, handed })
    }
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

/// Counts an event, and whether it is worth being appended.
fn counted(before: Option<&IdentityEvent>, after: IdentityEvent, counts: &mut SyncCounts) -> Option<IdentityEvent> {
    if !differs(before, &after) {
        counts.unchanged += 1;
        return None;
    }
    let (change, _) = after.change()?;
    match change {
        RecordChange::Created => counts.created += 1,
        RecordChange::Updated => counts.updated += 1,
        RecordChange::Deleted => counts.deleted += 1,
    }
    Some(after)
}

/// Partners and tenants.
fn platform(mirror: &Mirror<'_>, begun: &Begun, fetched: &Fetched, counts: &mut SyncCounts) -> Vec<IdentityEvent> {
    let installation = &mirror.view.installation;
    let mut events = Vec::new();
    for record in &fetched.partners {
        let Some(noted) = mirror.partner(&record.id, &record.said, record.at) else { continue };
        let before = installation.partner(&record.id);
        let before = before.map(|before| IdentityEvent::Partner(as_it_is(mirror, before.as_ref().clone())));
        events.extend(counted(before.as_ref(), IdentityEvent::Partner(noted), counts));
    }
    for FetchedTenant { tenant: record, .. } in &fetched.tenants {
        let known: BTreeSet<&PartnerId> = fetched.partners.iter().map(|partner| &partner.id).collect();
        let partner = record.said.partner_id.as_ref();
        let has_partner = partner.is_some_and(|id| known.contains(id) || installation.partner(id).is_some());
        let Some(noted) = mirror.tenant(&record.id, &record.said, record.at).filter(|_| has_partner) else { continue };
        if !is_ours(mirror, begun, &noted.record.partner_id, Some(&noted.record.slug)) {
            continue;
        }
        let before = installation.tenant(&record.id);
        let before = before.map(|before| IdentityEvent::Tenant(as_it_is(mirror, before.as_ref().clone())));
        events.extend(counted(before.as_ref(), IdentityEvent::Tenant(noted), counts));
    }
    events.extend(absent(mirror, begun, fetched, counts));
    events
}

/// Whether a tenant is within the registration, if there is one.
fn is_ours(mirror: &Mirror<'_>, begun: &Begun, partner: &PartnerId, slug: Option<&String>) -> bool {
    let within = |registration: &Registration| is_within(mirror.view, registration, partner, slug);
    begun.registration.as_ref().is_none_or(within)
}

/// A record that is here, to be compared with what it is to be.
fn as_it_is<T>(mirror: &Mirror<'_>, record: T) -> Noted<T> {
    Noted { change: RecordChange::Updated, sync_id: mirror.sync_id.clone(), record }
}

/// Partners and tenants of the target that the provider has no more.
fn absent(mirror: &Mirror<'_>, begun: &Begun, fetched: &Fetched, counts: &mut SyncCounts) -> Vec<IdentityEvent> {
    let installation = &mirror.view.installation;
    let gone = Said { status: Some(Status::Deleted), ..Said::default() };
    let mut events = Vec::new();
    let partners: BTreeSet<&PartnerId> = fetched.partners.iter().map(|record| &record.id).collect();
    let everything = begun.target == SyncTarget::default() && mirror.scope == RegistrationScope::Platform;
    let mirrored = |source: Source, status: Status| source == Source::Scaikey && status != Status::Deleted;
    for partner in installation.partners().filter(|_| everything) {
        if mirrored(partner.provenance.source, partner.status) && !partners.contains(&partner.id) {
            let noted = mirror.partner(&partner.id, &gone, begun.started_at);
            events.extend(noted.and_then(|noted| counted(None, IdentityEvent::Partner(noted), counts)));
        }
    }
    let tenants: BTreeSet<&TenantId> = fetched.tenants.iter().map(|tenant| &tenant.tenant.id).collect();
    for tenant in installation.tenants() {
        let within = match (&begun.target.tenant_id, &begun.target.partner_id) {
            (Some(id), _) => tenant.id == *id,
            (None, Some(id)) => tenant.partner_id == *id,
            (None, None) => true,
        };
        let within = within && is_ours(mirror, begun, &tenant.partner_id, Some(&tenant.slug));
        if within && mirrored(tenant.provenance.source, tenant.status) && !tenants.contains(&tenant.id) {
            let noted = mirror.tenant(&tenant.id, &gone, begun.started_at);
            events.extend(noted.and_then(|noted| counted(None, IdentityEvent::Tenant(noted), counts)));
        }
    }
    events
}

/// Users, groups and memberships of one tenant.
fn people(mirror: &Mirror<'_>, begun: &Begun, tenant: &FetchedTenant, counts: &mut SyncCounts) -> Vec<IdentityEvent> {
    let people = mirror.view.installation.people(&tenant.tenant.id);
    let gone = Said { status: Some(Status::Deleted), ..Said::default() };
    let mut events = Vec::new();
    let mut seen: BTreeSet<UserId> = BTreeSet::new();
    for record in &tenant.users {
        let Some(noted) = mirror.user(people, &record.id, &record.said, record.at) else {
            seen.extend(people.user_of_provider(&record.id).map(|held| held.user.id.clone()));
            continue;
        };
        seen.insert(noted.record.id.clone());
        let before = people.user(&noted.record.id).map(|held| held.user.clone());
        let before = before.map(|user| IdentityEvent::User(as_it_is(mirror, user)));
        events.extend(counted(before.as_ref(), IdentityEvent::User(noted), counts));
    }
    let mirrored = |source: Source, status: Status| source == Source::Scaikey && status != Status::Deleted;
    for held in people.users().filter(|held| mirrored(held.user.provenance.source, held.user.status)) {
        if !seen.contains(&held.user.id) {
            let noted = mirror.user(people, &held.user.id, &gone, begun.started_at);
            events.extend(noted.and_then(|noted| counted(None, IdentityEvent::User(noted), counts)));
        }
    }
    let groups: BTreeSet<&GroupId> = tenant.groups.iter().map(|record| &record.id).collect();
    for record in &tenant.groups {
        let Some(noted) = mirror.group(people, &record.id, &record.said, record.at) else { continue };
        let before = people.group(&record.id).map(|group| group.as_ref().clone());
        let before = before.map(|group| IdentityEvent::Group(as_it_is(mirror, group)));
        events.extend(counted(before.as_ref(), IdentityEvent::Group(noted), counts));
    }
    for group in people.groups().filter(|group| mirrored(group.provenance.source, group.status)) {
        if !groups.contains(&group.id) {
            let noted = mirror.group(people, &group.id, &gone, begun.started_at);
            events.extend(noted.and_then(|noted| counted(None, IdentityEvent::Group(noted), counts)));
        }
    }
    events.extend(memberships(mirror, begun, tenant, counts));
    events
}

fn memberships(
    mirror: &Mirror<'_>,
    begun: &Begun,
    tenant: &FetchedTenant,
    counts: &mut SyncCounts,
) -> Vec<IdentityEvent> {
    let people = mirror.view.installation.people(&tenant.tenant.id);
    let mut events = Vec::new();
    let mut seen: BTreeSet<(GroupId, UserId)> = BTreeSet::new();
    for (group, user, since) in &tenant.members {
        // As of the beginning: what happened to it meanwhile comes by webhook, and is newer.
        let Some(noted) = mirror.membership(people, (group, user), true, begun.started_at) else { continue };
        seen.insert((noted.record.group_id.clone(), noted.record.user_id.clone()));
        let before = people.membership(group, &noted.record.user_id).map(|membership| membership.as_ref().clone());
        let is_new = before.as_ref().is_none_or(|before| !before.is_member);
        let mut noted = noted;
        if is_new {
            noted.record.added_at = *since;
        }
        let before = before.map(|record| IdentityEvent::Membership(as_it_is(mirror, record)));
        events.extend(counted(before.as_ref(), IdentityEvent::Membership(noted), counts));
    }
    let present = people
        .memberships()
        .filter(|membership| membership.is_member && membership.provenance.source == Source::Scaikey);
    for membership in present {
        let key = (membership.group_id.clone(), membership.user_id.clone());
        if !seen.contains(&key) {
            let noted = mirror.membership(people, (&key.0, &key.1), false, begun.started_at);
            events.extend(noted.and_then(|noted| counted(None, IdentityEvent::Membership(noted), counts)));
        }
    }
    events
}
