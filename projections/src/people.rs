//! Who there is in one tenant: users, groups, memberships, service accounts; and the tenant's settings.

mod groups;

use std::sync::Arc;

use imbl::{HashMap, HashSet, OrdMap, OrdSet};
use scaivault_domain::directory::{Group, IdentityEvent, Membership, Status, User};
use scaivault_domain::id::{GroupId, ServiceAccountId, UserId};
use scaivault_domain::service_account::ServiceAccount;
use scaivault_domain::tenant::TenantSettings;
use scaivault_domain::{IdentityId, Role, Timestamp};
use scaivault_eventstore::Revision;
use serde::{Deserialize, Serialize};

pub use groups::Member;

/// A user with the roles it was given here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldUser {
    /// As its source has it.
    pub user: User,
    /// Roles given to it here, besides those of the source.
    pub assigned: Vec<Role>,
}

/// A service account as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldAccount {
    /// The account.
    pub account: ServiceAccount,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: IdentityId,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// How a key of a service account was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MadeKey {
    /// Of which account.
    pub account: ServiceAccountId,
    /// By whom.
    pub by: IdentityId,
    /// Where its value was written to, with the version.
    pub stored: Option<(Arc<str>, u32)>,
}

/// Those of one tenant. Cheap to clone: clones share what has not changed.
#[derive(Clone, Debug, Default)]
pub struct People {
    users: OrdMap<UserId, Arc<HeldUser>>,
    user_ids: HashMap<IdentityId, UserId>,
    /// Identities that somebody had and nobody has.
    left: HashSet<IdentityId>,
    provider_ids: HashMap<UserId, UserId>,
    groups: OrdMap<GroupId, Arc<Group>>,
    group_ids: HashMap<IdentityId, GroupId>,
    members: OrdMap<(GroupId, UserId), Arc<Membership>>,
    joined: HashMap<UserId, OrdSet<GroupId>>,
    accounts: OrdMap<ServiceAccountId, Arc<HeldAccount>>,
    account_ids: HashMap<IdentityId, ServiceAccountId>,
    settings: Option<(Arc<TenantSettings>, Timestamp)>,
    made_keys: HashMap<Arc<str>, Arc<MadeKey>>,
    revision: Revision,
}

impl HeldUser {
    /// All its roles, each once.
    pub fn roles(&self) -> Vec<Role> {
        let mut roles = [self.user.roles.as_slice(), &self.assigned].concat();
        roles.sort();
        roles.dedup();
        roles
    }
}

impl People {
    /// Revision of the tenant's stream of identity events.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// A user.
    pub fn user(&self, id: &UserId) -> Option<&Arc<HeldUser>> {
        self.users.get(id)
    }

    /// The user who is that identity.
    pub fn user_named(&self, identity: &IdentityId) -> Option<&Arc<HeldUser>> {
        self.users.get(self.user_ids.get(identity)?)
    }

    /// Whether an identity was somebody's and is nobody's: whoever comes with it is refused until it is again.
    pub fn is_left(&self, identity: &IdentityId) -> bool {
        self.left.contains(identity)
    }

    /// Whether an identity is, or was, somebody's here.
    pub fn has_met(&self, identity: &IdentityId) -> bool {
        self.user_ids.contains_key(identity) || self.account_ids.contains_key(identity) || self.is_left(identity)
    }

    /// Whether an identity is somebody's here who is not deleted.
    pub fn is_somebody(&self, identity: &IdentityId) -> bool {
        let user = self.user_named(identity).is_some_and(|held| held.user.status != Status::Deleted);
        user || self.account_ids.contains_key(identity)
    }

    /// Identities whose tokens end when a user becomes so: that of who is deleted, the one it had before, and the
    /// one it has from then on if that was another's.
    pub fn parted_from(&self, after: &User) -> Vec<IdentityId> {
        let User { id, identity, status, .. } = after;
        let of_other = self.user_ids.get(identity).is_some_and(|holder| holder != id) || self.is_left(identity);
        let parts = match *status == Status::Deleted {
            true => self.user_named(identity).is_none_or(|held| held.user.id == *id),
            false => of_other,
        };
        let before = self.users.get(id).map(|before| &before.user.identity);
        let before = before.filter(|before| *before != identity && self.user_ids.get(*before) == Some(id));
        parts.then(|| identity.clone()).into_iter().chain(before.cloned()).collect()
    }

    /// The user whom the identity provider calls so.
    pub fn user_of_provider(&self, id: &UserId) -> Option<&Arc<HeldUser>> {
        self.users.get(self.provider_ids.get(id).unwrap_or(id))
    }

    /// All users.
    pub fn users(&self) -> impl Iterator<Item = &Arc<HeldUser>> {
        self.users.values()
    }

    /// The identity of a record, by the record's id.
    pub fn recorded(&self, id: &str) -> Option<IdentityId> {
        let user = UserId::parse(id).and_then(|id| self.user(&id)).map(|held| held.user.identity.clone());
        let account =
            || ServiceAccountId::parse(id).and_then(|id| self.account(&id)).map(|held| held.account.identity.clone());
        let group = || GroupId::parse(id).and_then(|id| self.group(&id)).map(|group| group.identity.clone());
        user.or_else(account).or_else(group)
    }

    /// A service account.
    pub fn account(&self, id: &ServiceAccountId) -> Option<&Arc<HeldAccount>> {
        self.accounts.get(id)
    }

    /// The service account that is that identity.
    pub fn account_named(&self, identity: &IdentityId) -> Option<&Arc<HeldAccount>> {
        self.accounts.get(self.account_ids.get(identity)?)
    }

    /// All service accounts, by creation.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<HeldAccount>> {
        self.accounts.values()
    }

    /// How a key was made.
    pub fn made_key(&self, key_id: &str) -> Option<&Arc<MadeKey>> {
        self.made_keys.get(key_id)
    }

    /// The settings, and when they were changed last.
    pub fn settings(&self) -> Option<&(Arc<TenantSettings>, Timestamp)> {
        self.settings.as_ref()
    }

    /// Whether anybody active here is a `super_admin`, but for one identity.
    pub fn has_super_admin_besides(&self, identity: Option<&IdentityId>) -> bool {
        let users = self.users.values().filter(|held| held.user.status == Status::Active);
        let users = users.filter(|held| held.roles().contains(&Role::SuperAdmin)).map(|held| &held.user.identity);
        let accounts = self.accounts.values().filter(|held| held.account.content.is_active);
        let accounts = accounts.filter(|held| held.account.content.roles.contains(&Role::SuperAdmin));
        users.chain(accounts.map(|held| &held.account.identity)).any(|other| Some(other) != identity)
    }

    pub(crate) fn fold(&mut self, event: IdentityEvent, at: Timestamp, by: &IdentityId, revision: Revision) {
        self.revision = revision;
        match event {
            IdentityEvent::User(noted) => {
                let assigned = self.users.get(&noted.record.id).map(|held| held.assigned.clone()).unwrap_or_default();
                self.hold_user(HeldUser { user: noted.record, assigned });
            }
            IdentityEvent::RolesAssigned { id, roles } => {
                if let Some(held) = self.users.get(&id) {
                    let user = held.user.clone();
                    self.users.insert(id, Arc::new(HeldUser { user, assigned: roles }));
                }
            }
            IdentityEvent::Group(noted) => self.hold_group(noted.record),
            IdentityEvent::Membership(noted) => self.hold_membership(noted.record),
            IdentityEvent::AccountCreated(account) => {
                self.hold_account(HeldAccount { account, created_at: at, created_by: by.clone(), updated_at: at });
            }
            IdentityEvent::AccountUpdated { id, content } => {
                if let Some(held) = self.accounts.get_mut(&id) {
                    let held = Arc::make_mut(held);
                    held.account.content = content;
                    held.updated_at = at;
                }
            }
            IdentityEvent::AccountDeleted { id, identity } => {
                self.accounts.remove(&id);
                self.account_ids.remove(&identity);
                self.left.insert(identity);
                self.made_keys.retain(|_, made| made.account != id);
            }
            IdentityEvent::KeyAdded { id, key_id, stored } => {
                let stored = stored.map(|(path, version)| (path.shared(), version));
                self.hold_made_key(key_id.shared(), MadeKey { account: id, by: by.clone(), stored });
            }
            IdentityEvent::SettingsChanged(settings) => self.hold_settings(settings, at),
            IdentityEvent::Partner(_)
            | IdentityEvent::Tenant(_)
            | IdentityEvent::TenantShredded { .. }
            | IdentityEvent::Registered(_)
            | IdentityEvent::HookHandled(_)
            | IdentityEvent::SyncStarted(_)
            | IdentityEvent::SyncEnded(_) => {}
        }
    }

    /// Settings are there from the beginning, if only the default ones.
    pub(crate) fn begin(&mut self, at: Timestamp) {
        if self.settings.is_none() {
            self.hold_settings(TenantSettings::default(), at);
        }
    }

    /// Sets the revision of the tenant's stream.
    pub(crate) fn restore_revision(&mut self, revision: Revision) {
        self.revision = revision;
    }

    /// Enters a user as it is. Of two records with one identity the one that counts is found by it.
    pub(crate) fn hold_user(&mut self, held: HeldUser) {
        let User { id, identity, status, .. } = &held.user;
        if let Some(before) = self.users.get(id).filter(|before| before.user.identity != *identity)
            && self.user_ids.get(&before.user.identity) == Some(id)
        {
            let before = before.user.identity.clone();
            self.user_ids.remove(&before);
            self.left.insert(before);
        }
        let other = self.user_named(identity).filter(|other| other.user.id != *id);
        if *status != Status::Deleted || other.is_none_or(|other| other.user.status == Status::Deleted) {
            self.hold_name(identity.clone(), id.clone());
        }
        if let Some(provider_id) = &held.user.provider_id {
            self.provider_ids.insert(provider_id.clone(), id.clone());
        }
        self.users.insert(id.clone(), Arc::new(held));
    }

    /// Enters whom an identity means, where several had it.
    pub(crate) fn hold_name(&mut self, identity: IdentityId, id: UserId) {
        self.left.remove(&identity);
        self.user_ids.insert(identity, id);
    }

    /// Enters an identity that is nobody's any more.
    pub(crate) fn hold_left(&mut self, identity: IdentityId) {
        self.left.insert(identity);
    }

    /// Whom identities mean that several have had.
    pub(crate) fn shared_names(&self) -> impl Iterator<Item = (&IdentityId, &UserId)> {
        let names =
            self.users.values().filter_map(|held| self.user_ids.get_key_value(&held.user.identity).zip(Some(held)));
        names.filter(|((_, holder), held)| **holder != held.user.id).map(|(name, _)| name)
    }

    /// Identities that are nobody's any more.
    pub(crate) fn left(&self) -> impl Iterator<Item = &IdentityId> {
        self.left.iter()
    }

    /// Enters a service account as it is.
    pub(crate) fn hold_account(&mut self, held: HeldAccount) {
        self.left.remove(&held.account.identity);
        let ServiceAccount { id, identity, .. } = &held.account;
        self.account_ids.insert(identity.clone(), id.clone());
        self.accounts.insert(id.clone(), Arc::new(held));
    }

    /// Enters settings as they are.
    pub(crate) fn hold_settings(&mut self, settings: TenantSettings, at: Timestamp) {
        self.settings = Some((Arc::new(settings), at));
    }

    /// Enters how a key was made.
    pub(crate) fn hold_made_key(&mut self, key_id: Arc<str>, made: MadeKey) {
        self.made_keys.insert(key_id, Arc::new(made));
    }

    /// How keys were made.
    pub(crate) fn made_keys(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<MadeKey>)> {
        self.made_keys.iter()
    }
}
