//! What differs between what was fetched and what is here: the events that make it the same.

use std::collections::BTreeSet;

use scaivault_domain::directory::{Change as RecordChange, IdentityEvent, Noted, Source, Status};
use scaivault_domain::id::{GroupId, UserId};
use scaivault_domain::scaikey::{Registration, RegistrationScope, SyncCounts, SyncTarget};
use scaivault_domain::{PartnerId, TenantId};

use super::Begun;
use crate::hook::is_within;
use crate::mirror::{Mirror, Said, differs};
use crate::provider::{Fetched, FetchedTenant};

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
pub(super) fn platform(
    mirror: &Mirror<'_>,
    begun: &Begun,
    fetched: &Fetched,
    counts: &mut SyncCounts,
) -> Vec<IdentityEvent> {
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
pub(super) fn is_ours(mirror: &Mirror<'_>, begun: &Begun, partner: &PartnerId, slug: Option<&String>) -> bool {
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
pub(super) fn people(
    mirror: &Mirror<'_>,
    begun: &Begun,
    tenant: &FetchedTenant,
    counts: &mut SyncCounts,
) -> Vec<IdentityEvent> {
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
