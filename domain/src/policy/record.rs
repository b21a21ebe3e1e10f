//! What is kept of a decision beside its audit entry, to tell later why it came out as it did.

use serde::{Deserialize, Serialize};

use super::{Condition, Conditions, Denied, EvaluatedRule};
use crate::access::{Caller, Denial, Grant};
use crate::{IdentityId, PolicyId, Role, Timestamp};

/// Most policies that are kept with a denial.
const MOST_CANDIDATES: usize = 1_000;

/// A decision as recorded. The entry itself has identity, permission, path, address, moment, and
/// the rule that permitted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recollection {
    /// Groups that counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<IdentityId>,
    /// Roles that counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// When a second factor was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa_verified_at: Option<Timestamp>,
    /// The role that permitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Why it was denied, as in the error's `details`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denial: Option<String>,
    /// Candidates at a denial by policy, by creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidates: Option<Vec<RecalledPolicy>>,
    /// Of the rule that its conditions alone kept from permitting: the conditions that held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Conditions>,
    /// And those that did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
}

/// How a candidate stood to a denied request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecalledPolicy {
    /// Its id.
    pub id: PolicyId,
    /// Its revision then.
    pub revision: u64,
    /// Its name then.
    pub name: String,
    /// One letter a rule: see [`RuleStood`].
    pub rules: String,
}

/// How one rule stood, as told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleStood {
    /// Whether its pattern matched.
    pub path_matched: bool,
    /// Whether it had the permission.
    pub permission_matched: bool,
    /// Where both did: the first condition that failed.
    pub failed_condition: Option<Condition>,
}

impl RuleStood {
    const LETTERS: [(char, Condition); 4] = [
        ('i', Condition::IpRanges),
        ('t', Condition::TimeWindow),
        ('e', Condition::ExpiresAt),
        ('m', Condition::RequireMfa),
    ];

    fn of(rule: &EvaluatedRule) -> Self {
        let EvaluatedRule { path_matched, permission_matched, failed_condition, .. } = rule;
        Self {
            path_matched: *path_matched,
            permission_matched: *permission_matched,
            failed_condition: *failed_condition,
        }
    }

    fn letter(self) -> char {
        let failed = Self::LETTERS.into_iter().find(|(_, condition)| Some(*condition) == self.failed_condition);
        match (failed, self.path_matched, self.permission_matched) {
            (Some((letter, _)), _, _) => letter,
            (None, true, false) => 'p',
            (None, false, true) => 'a',
            (None, true, true) => 'b',
            (None, false, false) => '-',
        }
    }

    fn from_letter(letter: char) -> Self {
        let failed_condition = Self::LETTERS.into_iter().find(|(of, _)| *of == letter).map(|(_, condition)| condition);
        let both = failed_condition.is_some() || letter == 'b';
        Self { path_matched: both || letter == 'p', permission_matched: both || letter == 'a', failed_condition }
    }
}

impl RecalledPolicy {
    /// How its rules stood, by position.
    pub fn stood(&self) -> impl Iterator<Item = RuleStood> {
        self.rules.chars().map(RuleStood::from_letter)
    }
}

impl Recollection {
    /// Of who asked.
    pub fn of(caller: &Caller) -> Self {
        Self {
            groups: caller.groups.clone(),
            roles: caller.roles.clone(),
            mfa_verified_at: caller.mfa_verified_at,
            ..Self::default()
        }
    }

    /// With what permitted it.
    #[must_use]
    pub fn granted(mut self, grant: &Grant) -> Self {
        self.role = grant.role;
        self
    }

    /// With how it was denied.
    #[must_use]
    pub fn denied(mut self, denial: &Denial) -> Self {
        let Some(Denied { evaluated, nearest }) = &denial.denied else {
            self.denial = denial.rejection.details.get("reason").and_then(|reason| reason.as_str()).map(str::to_owned);
            return self;
        };
        let mut candidates: Vec<RecalledPolicy> = Vec::new();
        for rule in evaluated {
            let letter = RuleStood::of(rule).letter();
            match candidates.last_mut().filter(|last| last.id == rule.policy.id) {
                Some(last) => last.rules.push(letter),
                None => candidates.push(RecalledPolicy {
                    id: rule.policy.id.clone(),
                    revision: rule.policy.revision,
                    name: rule.policy.content.name.to_string(),
                    rules: letter.into(),
                }),
            }
        }
        if candidates.len() > MOST_CANDIDATES {
            // Those that have nothing to do with the path are left out first.
            let is_about = |policy: &RecalledPolicy| policy.stood().any(|rule| rule.path_matched);
            let (about, others): (Vec<_>, Vec<_>) =
                candidates.into_iter().enumerate().partition(|(_, policy)| is_about(policy));
            let mut kept: Vec<_> = about.into_iter().chain(others).take(MOST_CANDIDATES).collect();
            kept.sort_by_key(|(position, _)| *position);
            candidates = kept.into_iter().map(|(_, policy)| policy).collect();
        }
        self.candidates = Some(candidates);
        if let Some(nearest) = nearest {
            self.held = Some(nearest.held.clone());
            self.dropped = nearest.dropped.iter().map(|condition| condition.as_str().to_owned()).collect();
        }
        self
    }

    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
