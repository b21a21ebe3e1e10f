//! Taking over what the identity provider says of its records.
//!
//! Each record has the moment of its last change there, so that what comes late changes nothing. A user
//! who was known here before keeps the record, and what was given to it.

mod reach;

use scaivault_domain::directory::{
    Change, Group, IdentityEvent, Membership, Noted, Partner, Provenance, Status, Tenant, User, slug,
};
use scaivault_domain::id::{GroupId, SyncId, UserId};
use scaivault_domain::scaikey::Registration;
use scaivault_domain::{IdentityId, PartnerId, Role, TenantId, Timestamp};
use scaivault_projections::{People, View};

pub(crate) use reach::is_end;

/// What is said of a record; what is absent stays.
#[derive(Clone, Debug, Default)]
#[allow(clippy::option_option, reason = "absent and null are different things in a patch")]
pub struct Said {
    /// For people; of a group, what its slug is made of.
    pub name: Option<String>,
    /// For addresses.
    pub slug: Option<String>,
    /// Where its data are to be.
    pub region: Option<Option<String>>,
    /// Whether it counts.
    pub status: Option<Status>,
    /// Whose tenant it is.
    pub partner_id: Option<PartnerId>,
    /// Of a user.
    pub email: Option<String>,
    /// For people.
    pub display_name: Option<String>,
    /// Of a user.
    pub mfa_enabled: Option<bool>,
    /// Of a user.
    pub roles: Option<Vec<Role>>,
    /// Groups a group is nested in.
    pub parent_ids: Option<Vec<GroupId>>,
}

/// What is taken over at one moment, on top of what is there.
pub(crate) struct Mirror<'a> {
    pub(crate) view: &'a View,
    pub(crate) now: Timestamp,
    /// What it is about: no record and no role goes further. Everything without one.
    pub(crate) registration: Option<&'a Registration>,
    /// The synchronisation it is part of.
    pub(crate) sync_id: Option<SyncId>,
}

impl Mirror<'_> {
    /// A partner; `None` if it comes late, or is out of reach.
    pub(crate) fn partner(&self, id: &PartnerId, said: &Said, at: Timestamp) -> Option<Noted<Partner>> {
        let before = self.view.installation.partner(id).map(AsRef::as_ref);
        self.is_due(before.map(|before| &before.provenance), at)?;
        let name = said.name.clone().or_else(|| before.map(|before| before.name.clone()));
        let name = name.unwrap_or_else(|| id.as_str().to_owned());
        let record = Partner {
            id: id.clone(),
            slug: self.slug_of(said, before.map(|before| &before.slug), &name, id.as_str()),
            name,
            region: said.region.clone().unwrap_or_else(|| before.and_then(|before| before.region.clone())),
            status: said.status.or(before.map(|before| before.status)).unwrap_or_default(),
            provenance: Provenance::mirrored(at, self.now),
        };
        let locks_out =
            |before: &Partner| self.locks_out(before.status, record.status, |tenant| tenant.partner_id == record.id);
        if !self.reaches_partner(before, &record) || before.is_some_and(locks_out) {
            return None;
        }
        Some(self.noted(before.map(|before| before.status), record.status, record))
    }

    /// A tenant; `None` if it comes late, is out of reach, or nothing brings it back.
    pub(crate) fn tenant(&self, id: &TenantId, said: &Said, at: Timestamp) -> Option<Noted<Tenant>> {
        let before = self.view.installation.tenant(id).map(AsRef::as_ref);
        self.is_due(before.map(|before| &before.provenance), at)?;
        if before.is_some_and(Tenant::is_doomed) {
            return None;
        }
        let name = said.name.clone().or_else(|| before.map(|before| before.name.clone()));
        let name = name.unwrap_or_else(|| id.as_str().to_owned());
        let record = Tenant {
            id: id.clone(),
            // Its key hangs below that of its partner: it cannot move.
            partner_id: before.map(|before| before.partner_id.clone()).or_else(|| said.partner_id.clone())?,
            slug: self.slug_of(said, before.map(|before| &before.slug), &name, id.as_str()),
            name,
            region: said.region.clone().unwrap_or_else(|| before.and_then(|before| before.region.clone())),
            status: said.status.or(before.map(|before| before.status)).unwrap_or_default(),
            provenance: Provenance::mirrored(at, self.now),
            doomed_at: None,
            shredded_at: None,
        };
        let locks_out = |before: &Tenant| self.locks_out(before.status, record.status, |tenant| tenant.id == record.id);
        if !self.reaches_tenant(before, &record) || before.is_some_and(locks_out) {
            return None;
        }
        Some(self.noted(before.map(|before| before.status), record.status, record))
    }

    /// A user; `None` if it comes late, or is out of reach. Who was given roles here keeps the address they were
    /// given to.
    pub(crate) fn user(&self, tenant: &TenantId, id: &UserId, said: &Said, at: Timestamp) -> Option<Noted<User>> {
        let people = self.view.installation.people(tenant);
        let given = said.email.as_deref().map(str::to_ascii_lowercase);
        let held = reach::known(people, id, given.as_deref()).ok()?;
        let before = held.map(|held| &held.user);
        self.is_due(before.map(|before| &before.provenance), at)?;
        let stays = held.is_some_and(|held| !held.assigned.is_empty() || said.status == Some(Status::Deleted));
        let given = given.filter(|_| !stays);
        let subject = id.as_str().trim_start_matches(UserId::PREFIX);
        let identity = match (&given, before) {
            (Some(email), _) => IdentityId::user(email),
            (None, Some(before)) => before.identity.clone(),
            (None, None) => IdentityId::parse(&format!("user:{subject}"))?,
        };
        let email = given.or_else(|| before.and_then(|before| before.email.clone()));
        let name = said.display_name.clone().or_else(|| before.map(|before| before.display_name.clone()));
        let record = User {
            id: before.map_or_else(|| id.clone(), |before| before.id.clone()),
            provider_id: before.and_then(|before| match before.id == *id {
                true => before.provider_id.clone(),
                false => Some(id.clone()),
            }),
            display_name: name.or_else(|| email.clone()).unwrap_or_else(|| subject.to_owned()),
            email,
            identity,
            status: said.status.or(before.map(|before| before.status)).unwrap_or_default(),
            mfa_enabled: said.mfa_enabled.or(before.map(|before| before.mfa_enabled)).unwrap_or_default(),
            roles: match &said.roles {
                Some(roles) => roles.iter().copied().filter(|role| self.may_give(*role)).collect(),
                None => before.map(|before| before.roles.clone()).unwrap_or_default(),
            },
            provenance: Provenance::mirrored(at, self.now),
        };
        if !self.reaches_user(tenant, held, &record) {
            return None;
        }
        Some(self.noted(before.map(|before| before.status), record.status, record))
    }

    /// A group; `None` if it comes late.
    pub(crate) fn group(&self, people: &People, id: &GroupId, said: &Said, at: Timestamp) -> Option<Noted<Group>> {
        let before = people.group(id).map(AsRef::as_ref);
        self.is_due(before.map(|before| &before.provenance), at)?;
        let given = said.name.as_deref().and_then(slug);
        let own = || slug(id.as_str().trim_start_matches(GroupId::PREFIX));
        let name = given.or_else(|| before.map(|before| before.name.clone())).or_else(own)?;
        let display_name = said.display_name.clone().or_else(|| before.map(|before| before.display_name.clone()));
        let record = Group {
            id: id.clone(),
            identity: IdentityId::group(&name),
            display_name: display_name.or_else(|| said.name.clone()).unwrap_or_else(|| name.clone()),
            name,
            parent_ids: match &said.parent_ids {
                Some(parents) => parents.clone(),
                None => before.map(|before| before.parent_ids.clone()).unwrap_or_default(),
            },
            status: said.status.or(before.map(|before| before.status)).unwrap_or_default(),
            provenance: Provenance::mirrored(at, self.now),
        };
        Some(self.noted(before.map(|before| before.status), record.status, record))
    }

    /// A membership; `None` if it comes late.
    pub(crate) fn membership(
        &self,
        people: &People,
        (group_id, user): (&GroupId, &UserId),
        is_member: bool,
        at: Timestamp,
    ) -> Option<Noted<Membership>> {
        let user_id = people.user_of_provider(user).map_or_else(|| user.clone(), |held| held.user.id.clone());
        let before = people.membership(group_id, &user_id).map(AsRef::as_ref);
        self.is_due(before.map(|before| &before.provenance), at)?;
        let since = before.filter(|before| before.is_member && is_member).map(|before| before.added_at);
        let status = |is_member: bool| if is_member { Status::Active } else { Status::Deleted };
        let record = Membership {
            group_id: group_id.clone(),
            user_id,
            is_member,
            added_at: since.unwrap_or(at),
            provenance: Provenance::mirrored(at, self.now),
        };
        Some(self.noted(before.map(|before| status(before.is_member)), status(is_member), record))
    }

    fn is_due(&self, before: Option<&Provenance>, at: Timestamp) -> Option<()> {
        (!before.is_some_and(|before| before.is_newer_than(at))).then_some(())
    }

    fn noted<T>(&self, before: Option<Status>, after: Status, record: T) -> Noted<T> {
        let change = match (before, after) {
            (Some(Status::Deleted) | None, Status::Active | Status::Suspended) => Change::Created,
            (_, Status::Deleted) => Change::Deleted,
            (Some(_), _) => Change::Updated,
        };
        Noted { change, sync_id: self.sync_id.clone(), record }
    }

    /// A slug is what a registration is judged by: only the whole platform gives another one.
    fn slug_of(&self, said: &Said, before: Option<&String>, name: &str, id: &str) -> String {
        let may_change = before.is_none() || self.restricted().is_none();
        let given = said.slug.as_deref().filter(|_| may_change).and_then(slug).or_else(|| before.cloned());
        given.or_else(|| slug(name)).or_else(|| slug(id)).unwrap_or_else(|| id.to_owned())
    }
}

/// Whether two states of a record differ in more than when they were taken over.
pub(crate) fn differs(before: Option<&IdentityEvent>, after: &IdentityEvent) -> bool {
    before.is_none_or(|before| stripped(before) != stripped(after))
}

/// A record without where it comes from.
fn stripped(event: &IdentityEvent) -> IdentityEvent {
    fn bare<T: Clone>(noted: &Noted<T>, provenance: impl FnOnce(&mut T) -> &mut Provenance) -> Noted<T> {
        let mut record = noted.record.clone();
        *provenance(&mut record) = Provenance::default();
        Noted { change: Change::Updated, sync_id: None, record }
    }
    match event {
        IdentityEvent::Partner(noted) => IdentityEvent::Partner(bare(noted, |record| &mut record.provenance)),
        IdentityEvent::Tenant(noted) => IdentityEvent::Tenant(bare(noted, |record| &mut record.provenance)),
        IdentityEvent::User(noted) => IdentityEvent::User(bare(noted, |record| &mut record.provenance)),
        IdentityEvent::Group(noted) => IdentityEvent::Group(bare(noted, |record| &mut record.provenance)),
        IdentityEvent::Membership(noted) => IdentityEvent::Membership(bare(noted, |record| &mut record.provenance)),
        IdentityEvent::TenantShredded { .. }
        | IdentityEvent::SettingsChanged(_)
        | IdentityEvent::RolesAssigned { .. }
        | IdentityEvent::AccountCreated(_)
        | IdentityEvent::AccountUpdated { .. }
        | IdentityEvent::KeyAdded { .. }
        | IdentityEvent::AccountDeleted { .. }
        | IdentityEvent::Registered(_)
        | IdentityEvent::HookHandled(_)
        | IdentityEvent::SyncStarted(_)
        | IdentityEvent::SyncEnded(_) => event.clone(),
    }
}
