//! Rules of token exchange: which tokens of an issuer may be exchanged for tokens of which identity.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{ExchangeRuleId, IssuerId};
use crate::issuer::{Claims, SubjectPattern};
use crate::{DurationText, IdentityId, Role, Scopes, Timestamp};

/// Longest name, in characters.
pub const MAX_NAME: usize = 128;
/// Most claims of a rule, and most values of one.
pub const MAX_CLAIMS: usize = 50;
/// Life of the tokens, in seconds: from a minute to 12 hours.
pub const TTL_SECONDS: std::ops::RangeInclusive<i64> = 60..=12 * 3_600;

/// A rule as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct ExchangeRule {
    /// `xr_…`; those made later sort later.
    pub id: ExchangeRuleId,
    /// What it says.
    pub content: ExchangeContent,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Since when it is active without a break: tokens it gave before are refused.
    pub active_since: Timestamp,
    /// When it gave a token last.
    pub last_used_at: Option<Timestamp>,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExchangeContent {
    /// Unique in its tenant.
    pub name: Arc<str>,
    /// Tokens of which issuer.
    pub issuer_id: IssuerId,
    /// With which `sub`.
    pub subject: SubjectPattern,
    /// With which other claims; every one must fit.
    pub claims: BTreeMap<String, ClaimRule>,
    /// For tokens of whom.
    pub identity: IdentityId,
    /// What those open.
    pub scopes: Scopes,
    /// How long they live.
    pub ttl: DurationText,
    /// An inactive rule gives none.
    pub is_active: bool,
    /// Roles above this one are left out of the tokens: whoever made the rule had none higher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest_role: Option<Role>,
}

/// What a claim must be equal to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ClaimRule {
    /// One of these.
    OneOf(Vec<Value>),
    /// This.
    Equal(Value),
}

impl ClaimRule {
    /// Takes a text, number or boolean, or a list of them.
    pub fn parse(value: Value) -> Option<Self> {
        let is_plain = |value: &Value| matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_));
        if let Value::Array(values) = value {
            let sound = (1..=MAX_CLAIMS).contains(&values.len()) && values.iter().all(is_plain);
            return sound.then_some(Self::OneOf(values));
        }
        is_plain(&value).then_some(Self::Equal(value))
    }

    fn fits(&self, claim: &Value) -> bool {
        match self {
            Self::OneOf(values) => values.iter().any(|value| is_equal(value, claim)),
            Self::Equal(value) => is_equal(value, claim),
        }
    }
}

/// Numbers are compared by what they are, not by how they are written.
fn is_equal(wanted: &Value, claim: &Value) -> bool {
    match (wanted, claim) {
        (Value::Number(wanted), Value::Number(claim)) => {
            let both_whole = !wanted.is_f64() && !claim.is_f64();
            wanted == claim || (!both_whole && wanted.as_f64() == claim.as_f64())
        }
        (wanted, claim) => wanted == claim,
    }
}

impl ExchangeRule {
    /// Whether it holds for verified claims of its issuer.
    pub fn matches(&self, claims: &Claims) -> bool {
        let content = &self.content;
        content.is_active
            && content.subject.matches(claims.subject())
            && content.claims.iter().all(|(name, rule)| claims.find(name).is_some_and(|claim| rule.fits(claim)))
    }

    /// Whether a token that it gave at `created_at` still counts.
    pub fn vouches_for(&self, created_at: Timestamp) -> bool {
        self.content.is_active && created_at >= self.active_since
    }
}
