//! What is to be compared between there and here, and the events that make it the same.
//!
//! Each thing is decided by itself, on what is here at that moment: what happened while the provider was
//! asked is newer, and stays.

use std::collections::BTreeSet;

use scaivault_domain::directory::{Change as RecordChange, IdentityEvent, Noted, Provenance, Source, Status};
use scaivault_domain::id::{GroupId, UserId};
use scaivault_domain::scaikey::{RegistrationScope, SyncCounts, SyncTarget};
use scaivault_domain::{PartnerId, TenantId, Timestamp};
use scaivault_projections::{People, View};

use super::Begun;
use crate::mirror::{Mirror, Said, differs};
use crate::provider::{Fetched, FetchedTenant, Record};

/// One thing to be compared.
pub(super) enum Item<'f> {
    Partner(&'f Record<PartnerId>),
    Tenant(&'f Record<TenantId>),
    User(&'f TenantId, &'f Record<UserId>),
    Group(&'f TenantId, &'f Record<GroupId>),
    Member(&'f TenantId, &'f (GroupId, UserId, Timestamp)),
    AbsentPartner(PartnerId),
    AbsentTenant(TenantId),
    AbsentUser(&'f TenantId, UserId),
    AbsentGroup(&'f TenantId, GroupId),
    AbsentMember(&'f TenantId, (GroupId, UserId)),
}

impl Item<'_> {
    /// The event that makes it the same here, if it differs.
    pub(super) fn decide(&self, mirror: &Mirror<'_>, begun: &Begun, counts: &mut SyncCounts) -> Option<IdentityEvent> {
        let installation = &mirror.view.installation;
        let gone = Said { status: Some(Status::Deleted), ..Said::default() };
        // What is absent is so as of the beginning: what happened to it meanwhile comes by webhook, and is newer.
        let began = begun.started_at;
        match self {
            Self::Partner(record) => {
                let noted = mirror.partner(&record.id, &record.said, record.at)?;
                let before = installation.partner(&record.id).map(AsRef::as_ref).cloned();
                let before = before.map(|before| IdentityEvent::Partner(as_it_is(before)));
                counted(before.as_ref(), IdentityEvent::Partner(noted), counts)
            }
            Self::Tenant(record) => {
                let noted = mirror.tenant(&record.id, &record.said, record.at)?;
                installation.partner(&noted.record.partner_id)?;
                let before = installation.tenant(&record.id).map(AsRef::as_ref).cloned();
                let before = before.map(|before| IdentityEvent::Tenant(as_it_is(before)));
                counted(before.as_ref(), IdentityEvent::Tenant(noted), counts)
            }
            Self::User(tenant, record) => {
                let noted = mirror.user(tenant, &record.id, &record.said, record.at)?;
                let before = installation.people(tenant).user(&noted.record.id).map(|held| held.user.clone());
                let before = before.map(|user| IdentityEvent::User(as_it_is(user)));
                counted(before.as_ref(), IdentityEvent::User(noted), counts)
            }
            Self::Group(tenant, record) => {
                let people = installation.people(tenant);
                let noted = mirror.group(people, &record.id, &record.said, record.at)?;
                let before = people.group(&record.id).map(AsRef::as_ref).cloned();
                let before = before.map(|group| IdentityEvent::Group(as_it_is(group)));
                counted(before.as_ref(), IdentityEvent::Group(noted), counts)
            }
            Self::Member(tenant, (group, user, since)) => {
                let people = installation.people(tenant);
                let mut noted = mirror.membership(people, (group, user), true, began)?;
                let before = people.membership(group, &noted.record.user_id).map(AsRef::as_ref).cloned();
                if before.as_ref().is_none_or(|before| !before.is_member) {
                    noted.record.added_at = *since;
                }
                let before = before.map(|record| IdentityEvent::Membership(as_it_is(record)));
                counted(before.as_ref(), IdentityEvent::Membership(noted), counts)
            }
            Self::AbsentPartner(id) => {
                installation.partner(id).filter(|partner| counts_still(&partner.provenance, partner.status))?;
                counted(None, IdentityEvent::Partner(mirror.partner(id, &gone, began)?), counts)
            }
            Self::AbsentTenant(id) => {
                installation.tenant(id).filter(|tenant| counts_still(&tenant.provenance, tenant.status))?;
                counted(None, IdentityEvent::Tenant(mirror.tenant(id, &gone, began)?), counts)
            }
            Self::AbsentUser(tenant, id) => {
                let held = installation.people(tenant).user(id);
                held.filter(|held| counts_still(&held.user.provenance, held.user.status))?;
                counted(None, IdentityEvent::User(mirror.user(tenant, id, &gone, began)?), counts)
            }
            Self::AbsentGroup(tenant, id) => {
                let people = installation.people(tenant);
                people.group(id).filter(|group| counts_still(&group.provenance, group.status))?;
                counted(None, IdentityEvent::Group(mirror.group(people, id, &gone, began)?), counts)
            }
            Self::AbsentMember(tenant, (group, user)) => {
                let people = installation.people(tenant);
                people.membership(group, user).filter(|membership| membership.is_member)?;
                let noted = mirror.membership(people, (group, user), false, began)?;
                counted(None, IdentityEvent::Membership(noted), counts)
            }
        }
    }
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

/// A record that is here, to be compared with what it is to be.
fn as_it_is<T>(record: T) -> Noted<T> {
    Noted { change: RecordChange::Updated, sync_id: None, record }
}

/// Whether a record is the provider's and not gone yet.
fn counts_still(provenance: &Provenance, status: Status) -> bool {
    provenance.source == Source::Scaikey && status != Status::Deleted
}

/// Partners and tenants of the target that the provider has no more.
pub(super) fn absent<'f>(mirror: &Mirror<'_>, begun: &Begun, fetched: &'f Fetched) -> Vec<Item<'f>> {
    let installation = &mirror.view.installation;
    let scope = mirror.registration.map_or(RegistrationScope::Platform, |registration| registration.scope);
    let everything = begun.target == SyncTarget::default() && scope == RegistrationScope::Platform;
    let partners: BTreeSet<&PartnerId> = fetched.partners.iter().map(|record| &record.id).collect();
    let tenants: BTreeSet<&TenantId> = fetched.tenants.iter().map(|tenant| &tenant.tenant.id).collect();
    let gone = installation.partners().filter(|partner| everything && !partners.contains(&partner.id));
    let gone = gone.filter(|partner| counts_still(&partner.provenance, partner.status));
    let mut items: Vec<_> = gone.map(|partner| Item::AbsentPartner(partner.id.clone())).collect();
    let gone = installation.tenants().filter(|tenant| match (&begun.target.tenant_id, &begun.target.partner_id) {
        (Some(id), _) => tenant.id == *id,
        (None, Some(id)) => tenant.partner_id == *id,
        (None, None) => true,
    });
    let gone = gone.filter(|tenant| counts_still(&tenant.provenance, tenant.status) && !tenants.contains(&tenant.id));
    let gone = gone.filter(|tenant| mirror.reaches_people(&tenant.partner_id, &tenant.slug));
    items.extend(gone.map(|tenant| Item::AbsentTenant(tenant.id.clone())));
    items
}

/// Users and groups of one tenant.
pub(super) fn records<'f>(_: &View, tenant: &'f FetchedTenant) -> Vec<Item<'f>> {
    let id = &tenant.tenant.id;
    let users = tenant.users.iter().map(|record| Item::User(id, record));
    users.chain(tenant.groups.iter().map(|record| Item::Group(id, record))).collect()
}

/// Memberships of one tenant, and what the provider has no more; after its users, who may be records made before.
pub(super) fn rest<'f>(view: &View, tenant: &'f FetchedTenant) -> Vec<Item<'f>> {
    let id = &tenant.tenant.id;
    let people = view.installation.people(id);
    let users: BTreeSet<UserId> = tenant.users.iter().map(|record| recorded(people, &record.id)).collect();
    let groups: BTreeSet<&GroupId> = tenant.groups.iter().map(|record| &record.id).collect();
    let members: BTreeSet<(&GroupId, UserId)> =
        tenant.members.iter().map(|(group, user, _)| (group, recorded(people, user))).collect();
    let gone = people.users().filter(|held| counts_still(&held.user.provenance, held.user.status));
    let gone = gone.filter(|held| !users.contains(&held.user.id));
    let mut items: Vec<_> = gone.map(|held| Item::AbsentUser(id, held.user.id.clone())).collect();
    let gone = people.groups().filter(|group| counts_still(&group.provenance, group.status));
    let gone = gone.filter(|group| !groups.contains(&group.id));
    items.extend(gone.map(|group| Item::AbsentGroup(id, group.id.clone())));
    items.extend(tenant.members.iter().map(|member| Item::Member(id, member)));
    let gone = people.memberships().filter(|held| held.is_member && held.provenance.source == Source::Scaikey);
    let gone = gone.map(|held| (held.group_id.clone(), held.user_id.clone()));
    let gone = gone.filter(|(group, user)| !members.contains(&(group, user.clone())));
    items.extend(gone.map(|key| Item::AbsentMember(id, key)));
    items
}

/// The id here of a user of the provider.
fn recorded(people: &People, id: &UserId) -> UserId {
    people.user_of_provider(id).map_or_else(|| id.clone(), |held| held.user.id.clone())
}
