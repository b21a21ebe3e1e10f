//! Who there is: partners, tenants, users, groups and memberships, as their source has them.
//!
//! Records come from ScaiKey, from tokens of other issuers, or are made here. Whatever changes one
//! stores all of it, so that a later change needs no earlier one.

mod event;

use serde::{Deserialize, Serialize};

pub use event::{Change, IdentityEvent, Noted};

use crate::id::{GroupId, UserId};
use crate::{IdentityId, PartnerId, Role, TenantId, Timestamp};

/// Whether a record counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// It does.
    #[default]
    Active,
    /// It does not, for the time being.
    Suspended,
    /// It is gone at its source.
    Deleted,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Deleted];

    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::Deleted => "DELETED",
        }
    }

    /// The status of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Where a record comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The identity provider.
    Scaikey,
    /// It was made here.
    #[default]
    Local,
    /// First met in a token of another issuer.
    Token,
}

/// What every record says of itself besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Where it comes from.
    pub source: Source,
    /// When it was last taken over from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced_at: Option<Timestamp>,
    /// Its last change there: what is older comes late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Timestamp>,
}

/// A partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partner {
    /// Its id.
    pub id: PartnerId,
    /// For people.
    pub name: String,
    /// For addresses.
    pub slug: String,
    /// Where its data are to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whether it counts.
    pub status: Status,
    /// Where the record comes from.
    #[serde(flatten)]
    pub provenance: Provenance,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Whose tenant.
    pub partner_id: PartnerId,
    /// For people.
    pub name: String,
    /// For addresses.
    pub slug: String,
    /// Where its data are to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whether it counts.
    pub status: Status,
    /// Where the record comes from.
    #[serde(flatten)]
    pub provenance: Provenance,
    /// When the destruction of its key was ordered. Nothing brings it back from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doomed_at: Option<Timestamp>,
    /// When its key was destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shredded_at: Option<Timestamp>,
}

/// A user of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Record id.
    pub id: UserId,
    /// What the identity provider calls it, where it was known here by another id before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<UserId>,
    /// Identity.
    pub identity: IdentityId,
    /// Lower-cased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// For people.
    pub display_name: String,
    /// Whether it counts.
    pub status: Status,
    /// Whether a second factor is set up.
    pub mfa_enabled: bool,
    /// Roles it has at its source.
    pub roles: Vec<Role>,
    /// Where the record comes from.
    #[serde(flatten)]
    pub provenance: Provenance,
}

/// A group of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Record id.
    pub id: GroupId,
    /// Identity: `group:` and its name.
    pub identity: IdentityId,
    /// A slug.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Groups it is nested in.
    pub parent_ids: Vec<GroupId>,
    /// Whether it counts.
    pub status: Status,
    /// Where the record comes from.
    #[serde(flatten)]
    pub provenance: Provenance,
}

/// Whether a user is directly in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The group.
    pub group_id: GroupId,
    /// The user.
    pub user_id: UserId,
    /// Whether it is.
    pub is_member: bool,
    /// Since when.
    pub added_at: Timestamp,
    /// Where the record comes from.
    #[serde(flatten)]
    pub provenance: Provenance,
}

impl Provenance {
    /// Made here.
    pub fn local() -> Self {
        Self::default()
    }

    /// As the identity provider had it at `changed_at`, taken over at `now`.
    pub fn mirrored(changed_at: Timestamp, now: Timestamp) -> Self {
        Self { source: Source::Scaikey, synced_at: Some(now), changed_at: Some(changed_at) }
    }

    /// Whether a change of that moment comes too late for the record.
    pub fn is_newer_than(&self, changed_at: Timestamp) -> bool {
        self.changed_at.is_some_and(|known| known > changed_at)
    }
}

impl Tenant {
    /// Whether its key is destroyed, or about to be.
    pub fn is_doomed(&self) -> bool {
        self.doomed_at.is_some()
    }
}

/// Longest slug, as long as an id may be after its prefix.
pub const MAX_SLUG: usize = 64;

/// A name in lower case, each run of other characters than `a-z 0-9` as one `-`, none at the ends.
/// `None` if nothing is left.
pub fn slug(name: &str) -> Option<String> {
    let mut slug = String::with_capacity(name.len());
    for character in name.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_lowercase() || character.is_ascii_digit() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    if slug.is_empty() { None } else { Some(slug) }
}
