//! Who acts: users, service accounts, groups, and the server's own actors.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::access::Permission;

/// A typed identity, such as `user:alice@acme.example` or `system:secret-sweeper`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdentityId(Arc<str>);

impl IdentityId {
    /// The server's own actor for expiry, recovery windows and pruning.
    pub const SECRET_SWEEPER: &'static str = "system:secret-sweeper";
    /// The server's own actor for scheduled rotations.
    pub const ROTATION_SCHEDULER: &'static str = "system:rotation-scheduler";
    /// The process that pushes events.
    pub const WEBHOOK_DISPATCHER: &'static str = "system:webhook-dispatcher";
    /// The server's own actor for records taken over from elsewhere.
    pub const IDENTITY_SYNC: &'static str = "system:identity-sync";
    /// The server's own actor for writing audit exports.
    pub const EXPORTER: &'static str = "system:exporter";

    /// A user by e-mail address, which is lower-cased: its ASCII letters alone, since other characters have lower
    /// cases that are letters of somebody else's address.
    pub fn user(email: &str) -> Self {
        Self(format!("user:{}", email.to_ascii_lowercase()).into())
    }

    /// A service account by the slug of its name.
    pub fn service_account(slug: &str) -> Self {
        Self(format!("sa:{slug}").into())
    }

    /// A group by its slug.
    pub fn group(slug: &str) -> Self {
        Self(format!("group:{slug}").into())
    }

    /// One of the server's own actors.
    pub fn system(name: &'static str) -> Self {
        Self(name.into())
    }

    /// Takes a text with a known prefix. E-mail addresses are lower-cased.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let known = matches!(kind, "user" | "sa" | "group" | "system" | "dynamic");
        if !known || rest.is_empty() || text.len() > 512 {
            return None;
        }
        match kind == "user" && rest.contains('@') {
            true => Some(Self::user(rest)),
            false => Some(Self(text.into())),
        }
    }

    /// The kind, by prefix.
    pub fn kind(&self) -> IdentityType {
        match self.0.split(':').next() {
            Some("sa") => IdentityType::ServiceAccount,
            Some("group") => IdentityType::Group,
            Some("system" | "dynamic") => IdentityType::System,
            Some(_) | None => IdentityType::User,
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, shared.
    pub fn shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

impl fmt::Display for IdentityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for IdentityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Kind of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityType {
    /// A person.
    User,
    /// A program.
    ServiceAccount,
    /// A set of users.
    Group,
    /// The server itself.
    System,
}

impl IdentityType {
    /// The type of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::User, Self::ServiceAccount, Self::Group, Self::System].into_iter().find(|kind| kind.as_str() == text)
    }

    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ServiceAccount => "service_account",
            Self::Group => "group",
            Self::System => "system",
        }
    }
}

/// A role: an implicit policy over everything in its reach. Those that administer stand first, by reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// The whole installation.
    #[serde(rename = "super_admin")]
    SuperAdmin,
    /// Its partner and all tenants of it.
    #[serde(rename = "partner_admin")]
    PartnerAdmin,
    /// Its tenant.
    #[serde(rename = "tenant_admin")]
    TenantAdmin,
    /// Reads and lists everything in its tenant.
    #[serde(rename = "secrets-reader")]
    SecretsReader,
    /// Reads, lists, writes and rotates everything in its tenant.
    #[serde(rename = "secrets-writer")]
    SecretsWriter,
}

impl Role {
    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SuperAdmin => "super_admin",
            Self::PartnerAdmin => "partner_admin",
            Self::TenantAdmin => "tenant_admin",
            Self::SecretsReader => "secrets-reader",
            Self::SecretsWriter => "secrets-writer",
        }
    }

    /// Every role there is.
    pub const ALL: [Self; 5] =
        [Self::SuperAdmin, Self::PartnerAdmin, Self::TenantAdmin, Self::SecretsReader, Self::SecretsWriter];

    /// The role of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether it administers something, rather than just opening secrets.
    pub fn is_administrative(self) -> bool {
        matches!(self, Self::SuperAdmin | Self::PartnerAdmin | Self::TenantAdmin)
    }

    /// Whether its implicit policy has `permission`, on every path within its reach.
    pub fn permits(self, permission: Permission) -> bool {
        match self {
            Self::SuperAdmin | Self::PartnerAdmin | Self::TenantAdmin => true,
            Self::SecretsReader => matches!(permission, Permission::Read | Permission::List),
            Self::SecretsWriter => {
                matches!(permission, Permission::Read | Permission::List | Permission::Write | Permission::Rotate)
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lower_cased_in_ascii_alone() {
        assert_eq!(IdentityId::user("Kim@Acme.example").as_str(), "user:kim@acme.example");
        // The sign of the kelvin has `k` as its lower case, and is another character.
        let kelvin = IdentityId::user("\u{212A}im@acme.example");
        assert_eq!(kelvin.as_str(), "user:\u{212A}im@acme.example");
        assert_ne!(kelvin, IdentityId::user("kim@acme.example"));
        assert_eq!(IdentityId::parse("user:\u{212A}im@acme.example").unwrap(), kelvin);
    }
}
