//! A decision made by path policies, as its audit entry tells it. Only what judging it again needs is read.

use std::borrow::Cow;
use std::net::IpAddr;

use scaivault_domain::access::Permission;
use scaivault_domain::policy::Asked;
use scaivault_domain::policy::replay::{ReplayFilters, Verdict};
use scaivault_domain::{IdentityId, IdentityType, Timestamp};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

/// What every entry of a decision has, and few others.
const MARK: &str = "\"permission\":";

/// A decision.
#[derive(Debug, Deserialize)]
pub struct Decided<'a> {
    #[serde(borrow)]
    acting_tenant_id: Option<Text<'a>>,
    #[serde(borrow)]
    identity_id: Option<Text<'a>>,
    identity_type: Option<IdentityType>,
    #[serde(borrow)]
    secret_path: Option<Text<'a>>,
    #[serde(borrow)]
    source_ip: Option<Text<'a>>,
    #[serde(borrow)]
    tenant_id: Option<Text<'a>>,
    timestamp: Timestamp,
    #[serde(borrow)]
    extra_data: Extra<'a>,
}

#[derive(Debug, Deserialize)]
struct Extra<'a> {
    permission: Option<Permission>,
    /// Outer `None`: denied. Inner: permitted by a role.
    #[serde(borrow, default, deserialize_with = "present")]
    policy_id: Option<Option<Text<'a>>>,
    policy_revision: Option<u64>,
    rule_index: Option<usize>,
    #[serde(borrow)]
    secret_scope: Option<Text<'a>>,
}

/// A text that is not copied if it stands there as it is.
#[derive(Debug, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// What is kept beside an entry.
#[derive(Debug, Default, Deserialize)]
pub struct Kept {
    /// Groups that counted.
    #[serde(default)]
    groups: Vec<IdentityId>,
    /// When a second factor was shown.
    mfa_verified_at: Option<Timestamp>,
    /// There if policies denied.
    candidates: Option<IgnoredAny>,
}

/// What permitted a decision, or that nothing did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded<'d> {
    /// The implicit policy of a role.
    ByRole,
    /// A rule.
    ByRule {
        /// Id of its policy.
        policy: &'d str,
        /// The policy's revision.
        revision: u64,
        /// Its place there.
        rule_index: usize,
    },
    /// No policy permitted it.
    Denied,
}

/// Who asked for what, ready to be judged.
#[derive(Debug)]
pub struct Case {
    /// Who, then its groups; none where no policy counts.
    pub identities: Vec<IdentityId>,
    permission: Permission,
    path: String,
    address: Option<IpAddr>,
    mfa_verified_at: Option<Timestamp>,
    at: Timestamp,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Text<'de>>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Kept {
    /// What lies beside an entry, if anything does.
    pub fn parse(detail: Option<&str>) -> Result<Self, serde_json::Error> {
        detail.map_or_else(|| Ok(Self::default()), serde_json::from_str)
    }
}

impl<'a> Decided<'a> {
    /// What an entry tells; `None` if it is of no decision by the policies of a tenant.
    pub fn parse(json: &'a str) -> Result<Option<Self>, serde_json::Error> {
        if !json.contains(MARK) {
            return Ok(None);
        }
        let decided: Self = serde_json::from_str(json)?;
        // Another secret may be named so, and no policy reaches those of partners.
        let is_governed = decided.extra_data.permission.is_some() && decided.extra_data.secret_scope.is_none();
        Ok(Some(decided).filter(|decided| is_governed && decided.secret_path.is_some()))
    }

    /// How it came out.
    pub fn recorded(&self) -> Recorded<'_> {
        match &self.extra_data.policy_id {
            None => Recorded::Denied,
            Some(None) => Recorded::ByRole,
            Some(Some(policy)) => Recorded::ByRule {
                policy: &policy.0,
                revision: self.extra_data.policy_revision.unwrap_or_default(),
                rule_index: self.extra_data.rule_index.unwrap_or_default(),
            },
        }
    }

    /// Whether the request arrived in `[from, to)` and the filters want it.
    pub fn is_wanted(&self, from: Timestamp, to: Timestamp, filters: &ReplayFilters) -> bool {
        let ReplayFilters { identity_id, identity_type, path_prefix, permission, verdict } = filters;
        let is_denied = self.extra_data.policy_id.is_none();
        let text = |text: &'_ Option<Text<'_>>| text.as_ref().map_or("", |text| text.0.as_ref()).to_owned();
        (from <= self.timestamp && self.timestamp < to)
            && verdict.is_none_or(|verdict| (verdict == Verdict::Denied) == is_denied)
            && permission.is_none_or(|permission| self.extra_data.permission == Some(permission))
            && identity_type.is_none_or(|kind| self.identity_type == Some(kind))
            && identity_id.as_ref().is_none_or(|identity| text(&self.identity_id) == identity.as_str())
            && path_prefix.as_ref().is_none_or(|prefix| text(&self.secret_path).starts_with(prefix.as_str()))
    }

    /// Whether policies had a say, by what is kept beside: a denial may be the token's.
    pub fn is_by_policy(&self, kept: &Kept) -> bool {
        self.recorded() != Recorded::Denied || kept.candidates.is_some()
    }

    /// The case, with what is kept beside.
    pub fn case(&self, kept: Kept) -> Option<Case> {
        // Policies count for callers at home.
        let at_home = match (&self.acting_tenant_id, &self.tenant_id) {
            (Some(acting), Some(tenant)) => acting.0 == tenant.0,
            _ => false,
        };
        let identity = self.identity_id.as_ref().and_then(|identity| IdentityId::parse(&identity.0));
        let identities = identity.into_iter().filter(|_| at_home);
        let groups = kept.groups.into_iter().filter(|_| at_home);
        Some(Case {
            identities: identities.chain(groups).collect(),
            permission: self.extra_data.permission?,
            path: self.secret_path.as_ref()?.0.as_ref().to_owned(),
            address: self.source_ip.as_ref().and_then(|address| address.0.parse().ok()),
            mfa_verified_at: kept.mfa_verified_at,
            at: self.timestamp,
        })
    }
}

impl Case {
    /// Who asked for what under which circumstances.
    pub fn new(identities: Vec<IdentityId>, asked: &Asked<'_>) -> Self {
        let Asked { permission, path, address, mfa_verified_at, at } = *asked;
        Self { identities, permission, path: path.to_owned(), address, mfa_verified_at, at }
    }

    /// The question to policies.
    pub fn asked(&self) -> Asked<'_> {
        Asked {
            permission: self.permission,
            path: &self.path,
            address: self.address,
            mfa_verified_at: self.mfa_verified_at,
            at: self.at,
        }
    }
}
