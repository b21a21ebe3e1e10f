//! What happens to identities and what belongs to them.

use serde::{Deserialize, Serialize};

use super::{Group, Membership, Partner, Tenant, User};
use crate::id::{SyncId, UserId};
use crate::scaikey::{HookHandled, Registration, SyncEnded, SyncStarted};
use crate::service_account::{Content, ServiceAccount};
use crate::tenant::TenantSettings;
use crate::{IdentityId, Role, TenantId, Timestamp, TokenId, id::ServiceAccountId};

/// A change of identities. The names are those stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum IdentityEvent {
    /// A partner is as told from now on.
    #[serde(rename = "partner.changed")]
    Partner(Noted<Partner>),
    /// A tenant is.
    #[serde(rename = "tenant.changed")]
    Tenant(Noted<Tenant>),
    /// A tenant's key is destroyed, and all that was sealed under it with it.
    #[serde(rename = "tenant.shredded")]
    TenantShredded {
        /// Which.
        id: TenantId,
        /// When.
        at: Timestamp,
    },
    /// A tenant has other settings.
    #[serde(rename = "tenant.settings_changed")]
    SettingsChanged(TenantSettings),
    /// A user is as told from now on.
    #[serde(rename = "user.changed")]
    User(Noted<User>),
    /// A user was given other roles here.
    #[serde(rename = "user.roles_assigned")]
    RolesAssigned {
        /// Whom.
        id: UserId,
        /// Which, besides those of the source.
        roles: Vec<Role>,
    },
    /// A group is as told from now on.
    #[serde(rename = "group.changed")]
    Group(Noted<Group>),
    /// A membership is.
    #[serde(rename = "membership.changed")]
    Membership(Noted<Membership>),
    /// A service account was made.
    #[serde(rename = "service_account.created")]
    AccountCreated(ServiceAccount),
    /// A service account is otherwise from now on.
    #[serde(rename = "service_account.updated")]
    AccountUpdated {
        /// Which.
        id: ServiceAccountId,
        /// What it is now.
        content: Content,
    },
    /// A key was made for a service account: told here so that it cannot be made for one just deleted.
    #[serde(rename = "service_account.key_added")]
    KeyAdded {
        /// For which.
        id: ServiceAccountId,
        /// The key.
        key_id: TokenId,
        /// Where its value was written to, with the version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stored: Option<(crate::SecretPath, u32)>,
    },
    /// A service account is gone; its tokens and bindings went with it.
    #[serde(rename = "service_account.deleted")]
    AccountDeleted {
        /// Which.
        id: ServiceAccountId,
        /// Who it was.
        identity: IdentityId,
    },
    /// The installation, a partner or a tenant was registered with ScaiKey. The record's value is the secret
    /// that its webhooks are signed with.
    #[serde(rename = "scaikey.registered")]
    Registered(Registration),
    /// A webhook of ScaiKey was handled.
    #[serde(rename = "scaikey.hook_handled")]
    HookHandled(HookHandled),
    /// A synchronisation began.
    #[serde(rename = "identity.sync_started")]
    SyncStarted(SyncStarted),
    /// A synchronisation ended.
    #[serde(rename = "identity.sync_ended")]
    SyncEnded(SyncEnded),
}

/// A record as it is from now on, and what that was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted<T> {
    /// What happened to it.
    pub change: Change,
    /// The synchronisation that brought it: told with its end, not one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_id: Option<SyncId>,
    /// All of it.
    pub record: T,
}

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new here.
    Created,
    /// It is otherwise.
    Updated,
    /// It is gone.
    Deleted,
}

impl IdentityEvent {
    /// Every stored type.
    pub const KINDS: [&'static str; 16] = [
        "partner.changed",
        "tenant.changed",
        "tenant.shredded",
        "tenant.settings_changed",
        "user.changed",
        "user.roles_assigned",
        "group.changed",
        "membership.changed",
        "service_account.created",
        "service_account.updated",
        "service_account.key_added",
        "service_account.deleted",
        "scaikey.registered",
        "scaikey.hook_handled",
        "identity.sync_started",
        "identity.sync_ended",
    ];

    /// Stored type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Partner(_) => "partner.changed",
            Self::Tenant(_) => "tenant.changed",
            Self::TenantShredded { .. } => "tenant.shredded",
            Self::SettingsChanged(_) => "tenant.settings_changed",
            Self::User(_) => "user.changed",
            Self::RolesAssigned { .. } => "user.roles_assigned",
            Self::Group(_) => "group.changed",
            Self::Membership(_) => "membership.changed",
            Self::AccountCreated(_) => "service_account.created",
            Self::AccountUpdated { .. } => "service_account.updated",
            Self::KeyAdded { .. } => "service_account.key_added",
            Self::AccountDeleted { .. } => "service_account.deleted",
            Self::Registered(_) => "scaikey.registered",
            Self::HookHandled(_) => "scaikey.hook_handled",
            Self::SyncStarted(_) => "identity.sync_started",
            Self::SyncEnded(_) => "identity.sync_ended",
        }
    }

    /// What happened to a record by itself; `None` for everything else, and for a part of a synchronisation.
    pub fn single_change(&self) -> Option<Change> {
        self.change().filter(|(_, is_part)| !is_part).map(|(change, _)| change)
    }

    /// What happened to a record, and whether it is part of a synchronisation; `None` for everything else.
    pub fn change(&self) -> Option<(Change, bool)> {
        let (change, sync_id) = match self {
            Self::Partner(noted) => (noted.change, &noted.sync_id),
            Self::Tenant(noted) => (noted.change, &noted.sync_id),
            Self::User(noted) => (noted.change, &noted.sync_id),
            Self::Group(noted) => (noted.change, &noted.sync_id),
            Self::Membership(noted) => (noted.change, &noted.sync_id),
            Self::TenantShredded { .. }
            | Self::SettingsChanged(_)
            | Self::RolesAssigned { .. }
            | Self::AccountCreated(_)
            | Self::AccountUpdated { .. }
            | Self::KeyAdded { .. }
            | Self::AccountDeleted { .. }
            | Self::Registered(_)
            | Self::HookHandled(_)
            | Self::SyncStarted(_)
            | Self::SyncEnded(_) => return None,
        };
        Some((change, sync_id.is_some()))
    }
}

impl<T> Noted<T> {
    /// A change by itself.
    pub fn single(change: Change, record: T) -> Self {
        Self { change, sync_id: None, record }
    }
}
