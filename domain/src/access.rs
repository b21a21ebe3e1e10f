//! The access model: who calls, and whether a permission on a path is theirs. Default deny.

use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::policy::{self, Asked, Candidates, Condition, Denied, Granted};
use crate::{
    ErrorCode, IdentityId, IdentityType, Owner, PartnerId, Pattern, PolicyId, Rejection, Role, Scopes, TenantId,
    Timestamp, TokenId,
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
    /// Digest of the JWT, under which it would be revoked.
    pub jwt: Option<Arc<str>>,
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
    /// Roles above this one do not count, whatever the identity's records say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest_role: Option<Role>,
}

impl Narrowing {
    /// Whether a secret path (or system path, with `@`) is open.
    pub fn permits_path(&self, path: &str) -> bool {
        self.allowed_paths.iter().all(|patterns| patterns.iter().any(|pattern| pattern.matches(path)))
    }

    /// Whether a role of the identity counts.
    pub fn permits_role(&self, role: Role) -> bool {
        self.highest_role.is_none_or(|highest| role >= highest)
    }

    /// Whether the client address is open.
    pub fn permits_address(&self, address: std::net::IpAddr) -> bool {
        self.allowed_ips.iter().all(|ranges| ranges.iter().any(|range| range.contains(&address)))
    }
}

/// What a path policy grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// Every permission there is.
    pub const ALL: [Self; 6] = [Self::Read, Self::Write, Self::Delete, Self::List, Self::Rotate, Self::Admin];

    /// The permission of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.as_str() == text)
    }

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

/// What permitted: a rule of a policy, a role, or neither where partner secrets are open to all of
/// the partner's tenants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// The policy and its revision.
    pub policy: Option<(PolicyId, u64)>,
    /// Index of the rule in it.
    pub rule_index: Option<usize>,
    /// The role.
    pub role: Option<Role>,
}

/// Why something is not permitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Denial {
    /// What the caller is told.
    pub rejection: Rejection,
    /// How the rules of the policies that count stood to it; `None` if it was not theirs to say.
    pub denied: Option<Denied>,
}

/// One permission on one path, decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What was asked for.
    pub permission: Permission,
    /// What came of it.
    pub outcome: Result<Grant, Box<Denial>>,
}

impl Caller {
    /// Whether the caller's own tenant is the one acted upon.
    pub fn is_at_home(&self, target: &Target) -> bool {
        self.tenant.is_some() && self.tenant.as_ref() == target.owner.tenant()
    }

    /// Whether the caller holds a role that reaches `target`.
    pub fn administers(&self, target: &Target) -> bool {
        self.roles.iter().any(|role| match role {
            Role::SuperAdmin => true,
            Role::PartnerAdmin => self.partner.is_some() && self.partner == target.partner,
            Role::TenantAdmin => self.is_at_home(target),
            Role::SecretsReader | Role::SecretsWriter => false,
        })
    }

    /// Whether the caller holds the administrative `role` or a higher one.
    pub fn has_role(&self, role: Role) -> bool {
        self.roles.iter().any(|held| *held <= role)
    }

    /// The role that permits something at `target`, if one does.
    pub fn role_permitting(&self, target: &Target, permission: Permission) -> Option<Role> {
        let at_home = self.is_at_home(target);
        self.roles.iter().copied().find(|role| {
            let reaches = match role {
                Role::SuperAdmin => true,
                Role::PartnerAdmin => self.partner.is_some() && self.partner == target.partner,
                Role::TenantAdmin => at_home,
                // Roles of programs.
                Role::SecretsReader | Role::SecretsWriter => {
                    at_home && self.identity.kind() == IdentityType::ServiceAccount
                }
            };
            reaches && role.permits(permission)
        })
    }

    /// Decides one permission on one path of `target`: token narrowing first, then roles, then the
    /// policies that count for the caller there.
    pub fn authorize<'c>(
        &self,
        target: &Target,
        asked: &Asked<'_>,
        candidates: impl Fn() -> &'c Candidates,
    ) -> Result<Grant, Box<Denial>> {
        self.judge(target, asked, &candidates).map_err(|barrier| {
            let (rejection, denied) = match barrier {
                Barrier::Narrowing => {
                    (Rejection::denied("token_path_restriction", "The token is narrowed to other paths"), None)
                }
                Barrier::NotForPolicies => (no_matching_rule(asked.permission), None),
                Barrier::Policies => {
                    let denied = policy::explain(candidates(), asked);
                    (refusal(asked.permission, denied.failed_condition()), Some(denied))
                }
            };
            Box::new(Denial { rejection, denied })
        })
    }

    /// The same, where nobody asks why not.
    pub fn may<'c>(&self, target: &Target, asked: &Asked<'_>, candidates: impl Fn() -> &'c Candidates) -> bool {
        self.judge(target, asked, candidates).is_ok()
    }

    fn judge<'c>(
        &self,
        target: &Target,
        asked: &Asked<'_>,
        candidates: impl Fn() -> &'c Candidates,
    ) -> Result<Grant, Barrier> {
        let (is_open, is_shared) = match &target.owner {
            Owner::Partner(partner) => {
                let inside = self.partner.as_ref() == Some(partner);
                let reading = matches!(asked.permission, Permission::Read | Permission::List);
                (self.narrowing.permits_path(&format!("@partner/{}", asked.path)), inside && reading)
            }
            Owner::Tenant(_) | Owner::Platform => (self.narrowing.permits_path(asked.path), false),
        };
        if !is_open {
            return Err(Barrier::Narrowing);
        }
        if let Some(role) = self.role_permitting(target, asked.permission) {
            return Ok(Grant { role: Some(role), ..Grant::default() });
        }
        if is_shared {
            return Ok(Grant::default());
        }
        // No policy reaches partner secrets.
        if target.owner.tenant().is_none() {
            return Err(Barrier::NotForPolicies);
        }
        policy::permitting(candidates(), asked).map(Grant::from).ok_or(Barrier::Policies)
    }
}

/// What stands in the way of a caller.
enum Barrier {
    Narrowing,
    NotForPolicies,
    Policies,
}

impl From<Granted> for Grant {
    fn from(granted: Granted) -> Self {
        let policy = (granted.policy.id.clone(), granted.policy.revision);
        Self { policy: Some(policy), rule_index: Some(granted.rule_index), role: None }
    }
}

/// The refusal where no rule permits, or where a condition of one alone stands in the way.
fn refusal(permission: Permission, failed: Option<Condition>) -> Rejection {
    let Some(condition) = failed else { return no_matching_rule(permission) };
    let sentence = match condition {
        Condition::IpRanges => "The policy that permits this is for other client addresses",
        Condition::TimeWindow => "The policy that permits this is for other hours",
        Condition::ExpiresAt => "The policy rule that permitted this has ended",
        Condition::RequireMfa => "The policy that permits this asks for a fresh second factor; sign in again with it",
    };
    // It has no code of its own, so the reason says what happened.
    let rejection = match condition == Condition::ExpiresAt {
        true => Rejection::denied("condition_failed", sentence),
        false => Rejection::new(condition.code(), sentence),
    };
    rejection.detail("permission", permission.as_str()).detail("failed_condition", condition.as_str())
}

/// `access_denied` because no rule permits.
pub fn no_matching_rule(permission: Permission) -> Rejection {
    Rejection::denied("no_matching_rule", format!("No policy permits {} on this path", permission.as_str()))
        .detail("permission", permission.as_str())
}

/// `forbidden` because the caller lacks an administrative role.
pub fn role_required(role: Role) -> Rejection {
    Rejection::new(ErrorCode::Forbidden, format!("This needs the role {}", role.as_str()))
        .detail("reason", "role_required")
        .detail("required_role", role.as_str())
}

/// `ip_not_allowed` for a token narrowed to other addresses.
pub fn address_not_allowed() -> Rejection {
    Rejection::new(ErrorCode::IpNotAllowed, "The token may not be used from this address")
}
