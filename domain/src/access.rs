//! The access model: who calls, and whether a permission on a path is theirs. Default deny.

use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    ErrorCode, IdentityId, Owner, PartnerId, Pattern, Rejection, Role, Scopes, SecretPath, TenantId, Timestamp, TokenId,
};

/// An authenticated caller, as its token and its identity's records make it.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub identity: IdentityId,
    /// For people; falls back to the id.
    pub display_name: Arc<str>,
    /// The token's own tenant.
    pub tenant: Option<TenantId>,
    /// Partner of that tenant, or of a partner-level identity.
    pub partner: Option<PartnerId>,
    /// What the token opens.
    pub scopes: Scopes,
    /// Administrative roles.
    pub roles: Vec<Role>,
    /// `group:…` ids, sorted.
    pub groups: Vec<IdentityId>,
    /// The opaque token's record.
    pub token: Option<TokenId>,
    /// Whether the credential is one of our own opaque tokens, and how long it lives.
    pub token_expires_at: Option<Timestamp>,
    /// When a second factor was last shown.
    pub mfa_verified_at: Option<Timestamp>,
    /// What the token is narrowed to.
    pub narrowing: Narrowing,
}

/// How a token is narrowed. Only ever removes access.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowing {
    /// Every list must have a matching pattern: a token made with a narrowed token adds a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_paths: Vec<Vec<Pattern>>,
    /// Every list must hold the client's address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_ips: Vec<Vec<IpNet>>,
}

impl Narrowing {
    /// Whether a secret path (or system path, with `@`) is open.
    pub fn permits_path(&self, path: &str) -> bool {
        self.allowed_paths.iter().all(|patterns| patterns.iter().any(|pattern| pattern.matches(path)))
    }

    /// Whether the client address is open.
    pub fn permits_address(&self, address: std::net::IpAddr) -> bool {
        self.allowed_ips.iter().all(|ranges| ranges.iter().any(|range| range.contains(&address)))
    }
}

/// What a path policy grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Values.
    Read,
    /// New versions, metadata, restore.
    Write,
    /// Soft delete.
    Delete,
    /// Lists, metadata, versions.
    List,
    /// Rotation.
    Rotate,
    /// All of these; hard delete; reading past expiry.
    Admin,
}

impl Permission {
    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Rotate => "rotate",
            Self::Admin => "admin",
        }
    }
}

/// Where a request acts: an owner, and the partner it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The tenant or partner acted upon.
    pub owner: Owner,
    /// The partner of that tenant, or that partner itself.
    pub partner: Option<PartnerId>,
}

/// The rule that permitted. Both parts are `None` for a role's implicit policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// The policy and its revision.
    pub policy: Option<(Arc<str>, u64)>,
    /// Index of the rule in it.
    pub rule_index: Option<u32>,
}

impl Caller {
    /// Whether the caller holds a role that reaches `target`.
    pub fn administers(&self, target: &Target) -> bool {
        self.roles.iter().any(|role| match role {
            Role::SuperAdmin => true,
            Role::PartnerAdmin => self.partner.is_some() && self.partner == target.partner,
            Role::TenantAdmin => self.tenant.is_some() && self.tenant.as_ref() == target.owner.tenant(),
        })
    }

    /// Whether the caller holds `role` or a higher one.
    pub fn has_role(&self, role: Role) -> bool {
        self.roles.iter().any(|held| *held <= role)
    }

    /// Decides one permission on one path of `target`: token narrowing first, then policies.
    ///
    /// Policies of this build are the implicit ones of administrative roles; bound policies join
    /// the candidates here and nowhere else.
    pub fn authorize(&self, target: &Target, permission: Permission, path: &SecretPath) -> Result<Grant, Rejection> {
        let (narrowed, open_to_partner) = match &target.owner {
            Owner::Partner(partner) => {
                let inside = self.partner.as_ref() == Some(partner);
                let reading = matches!(permission, Permission::Read | Permission::List);
                (self.narrowing.permits_path(&format!("@partner/{path}")), inside && reading)
            }
            Owner::Tenant(_) | Owner::Platform => (self.narrowing.permits_path(path.as_str()), false),
        };
        if !narrowed {
            return Err(Rejection::denied("token_path_restriction", "The token is narrowed to other paths"));
        }
        if open_to_partner || self.administers(target) {
            return Ok(Grant::default());
        }
        Err(no_matching_rule(permission))
    }
}

/// `access_denied` because no rule permits.
pub fn no_matching_rule(permission: Permission) -> Rejection {
    Rejection::denied("no_matching_rule", format!("No policy permits {} on this path", permission.as_str()))
        .detail("permission", permission.as_str())
}

/// `ip_not_allowed` for a token narrowed to other addresses.
pub fn address_not_allowed() -> Rejection {
    Rejection::new(ErrorCode::IpNotAllowed, "The token may not be used from this address")
}
