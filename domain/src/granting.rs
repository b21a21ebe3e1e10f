//! Who may give and take roles.

use crate::access::{Caller, Target, role_required};
use crate::{ErrorCode, IdentityType, Rejection, Role};

/// A change of somebody's roles.
pub struct RoleChange<'a> {
    /// Where that somebody belongs.
    pub target: &'a Target,
    /// Whether it is the caller itself.
    pub is_own: bool,
    /// Roles until now.
    pub before: &'a [Role],
    /// Roles from now on.
    pub after: &'a [Role],
}

/// Whether `caller` holds `role` or a higher one that reaches `target`.
pub fn reaches(caller: &Caller, role: Role, target: &Target) -> bool {
    caller.roles.iter().filter(|held| **held <= role).any(|held| match held {
        Role::SuperAdmin => true,
        Role::PartnerAdmin => caller.partner.is_some() && caller.partner == target.partner,
        Role::TenantAdmin => caller.tenant.is_some() && caller.tenant.as_ref() == target.owner.tenant(),
        Role::SecretsReader | Role::SecretsWriter => false,
    })
}

/// The administrative role that giving or taking `role` needs.
pub fn needed_for(role: Role) -> Role {
    match role {
        Role::SuperAdmin => Role::SuperAdmin,
        Role::PartnerAdmin | Role::TenantAdmin => Role::PartnerAdmin,
        Role::SecretsReader | Role::SecretsWriter => Role::TenantAdmin,
    }
}

/// Decides a change of roles.
pub fn check(caller: &Caller, change: &RoleChange<'_>) -> Result<(), Rejection> {
    let added = change.after.iter().filter(|role| !change.before.contains(role));
    let removed = change.before.iter().filter(|role| !change.after.contains(role));
    for role in added.clone().chain(removed) {
        let needed = needed_for(*role);
        if !reaches(caller, needed, change.target) {
            return Err(role_required(needed));
        }
    }
    match change.is_own && added.count() > 0 {
        true => Err(Rejection::new(ErrorCode::Forbidden, "Nobody gives roles to the own identity")
            .detail("reason", "self_elevation")),
        false => Ok(()),
    }
}

/// `forbidden` because an installation without an active `super_admin` could not be administered.
pub fn last_super_admin() -> Rejection {
    Rejection::new(ErrorCode::Forbidden, "The last active super_admin keeps that role")
        .detail("reason", "last_super_admin")
}

/// `invalid_role`.
pub fn invalid_role(sentence: &str) -> Rejection {
    Rejection::new(ErrorCode::InvalidRole, sentence)
}

/// Roles by their names, each once, as far as they can be given to identities of `kind`.
pub fn parse(names: &[String], kind: IdentityType) -> Result<Vec<Role>, Rejection> {
    let mut roles = Vec::with_capacity(names.len());
    for name in names {
        let role = Role::parse(name).ok_or_else(|| invalid_role("roles: there is no such role"))?;
        if !role.assignable_to().contains(&kind) {
            return Err(invalid_role("roles: the role cannot be given to such an identity"));
        }
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    roles.sort();
    Ok(roles)
}

impl Role {
    /// For people.
    pub fn description(self) -> &'static str {
        match self {
            Self::SuperAdmin => "Administers the whole installation",
            Self::PartnerAdmin => "Administers one partner and all its tenants",
            Self::TenantAdmin => "Administers one tenant",
            Self::SecretsReader => "Reads and lists all secrets of its tenant",
            Self::SecretsWriter => "Reads, lists, writes and rotates all secrets of its tenant",
        }
    }

    /// How far it reaches: `platform`, `partner` or `tenant`.
    pub fn reach(self) -> &'static str {
        match self {
            Self::SuperAdmin => "platform",
            Self::PartnerAdmin => "partner",
            Self::TenantAdmin | Self::SecretsReader | Self::SecretsWriter => "tenant",
        }
    }

    /// Kinds of identities it can be given to.
    pub fn assignable_to(self) -> &'static [IdentityType] {
        match self.is_administrative() {
            true => &[IdentityType::User, IdentityType::ServiceAccount],
            false => &[IdentityType::ServiceAccount],
        }
    }
}
