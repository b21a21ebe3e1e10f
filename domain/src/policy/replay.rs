//! Past decisions judged again under other policies: what is proposed, over what, and what came of it.

mod difference;
mod event;

use serde::{Deserialize, Serialize};

use super::{Content, Rule};
use crate::access::Permission;
use crate::id::BindingId;
use crate::{IdentityId, IdentityType, PolicyId, Timestamp};

pub use difference::{After, Difference, Differences};
pub use event::{ReplayCreated, ReplayEvent};

/// Most entries of a proposal.
pub const MAX_PROPOSED: usize = 200;
/// Differences kept of a replay, the first in log order; all of them are counted.
pub const MAX_KEPT: usize = 10_000;
/// How long a replay is kept after its end, in seconds.
pub const KEPT_SECONDS: i64 = 7 * 86_400;

/// A change of policies that is not made. It holds for the whole period that is replayed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// More policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<Added>,
    /// Policies that are otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replace: Vec<Replaced>,
    /// Policies that are not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<PolicyId>,
}

/// A policy that is not there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Added {
    /// What it would say.
    pub content: Content,
    /// To whom it would be bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bindings: Vec<ProposedBinding>,
}

/// A policy that is there, with what would be otherwise. Where it is not there, it has nothing but that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replaced {
    /// Which.
    pub id: PolicyId,
    /// Its rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Rule>>,
    /// Whether it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// To whom it is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bindings: Option<Vec<ProposedBinding>>,
}

/// A binding that is not there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposedBinding {
    /// To whom.
    pub identity: IdentityId,
    /// From when on it counts no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// What a proposal is laid over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// The policies as they stood at each decision.
    #[default]
    Recorded,
    /// Those there are when the replay is asked for.
    Current,
}

/// Which decisions are judged again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplayFilters {
    /// Of this identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_id: Option<IdentityId>,
    /// Of identities of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_type: Option<IdentityType>,
    /// On paths that begin so, literally.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
    /// About this permission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<Permission>,
    /// That came out so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

/// How a decision came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Something permitted.
    Allowed,
    /// Nothing did.
    Denied,
}

impl Base {
    /// The base of that name.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Recorded, Self::Current].into_iter().find(|base| base.as_str() == word)
    }

    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Current => "current",
        }
    }
}

impl Verdict {
    /// The verdict of that name.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Allowed, Self::Denied].into_iter().find(|verdict| verdict.as_str() == word)
    }

    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }
}

impl Proposal {
    /// What the ids of added policies start with: no policy of a log has such a one, and they sort behind all.
    const ADDED: &'static str = "pol_z-added-";

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.add.len() + self.replace.len() + self.remove.len()
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ids of policies that are there and would not be as they are.
    pub fn touched(&self) -> impl Iterator<Item = &PolicyId> {
        self.replace.iter().map(|replaced| &replaced.id).chain(&self.remove)
    }

    /// The id under which the added policy at `index` is judged.
    pub fn added_id(index: usize) -> Option<PolicyId> {
        PolicyId::parse(&format!("{}{index:04}", Self::ADDED))
    }

    /// Whether an id is one of [`Self::added_id`].
    pub fn is_added(id: &PolicyId) -> bool {
        id.as_str().starts_with(Self::ADDED)
    }

    /// The id of the binding at `index` of a proposed policy.
    pub fn binding_id(index: usize) -> Option<BindingId> {
        BindingId::parse(&format!("bnd_z-added-{index:06}"))
    }

    /// Whether the rules of a policy are those of the proposal.
    pub fn has_rules_of(&self, id: &PolicyId) -> bool {
        Self::is_added(id) || self.replace.iter().any(|replaced| replaced.id == *id && replaced.rules.is_some())
    }
}
