//! Who may do what, and why not.

use std::net::IpAddr;
use std::sync::Arc;

use super::compiled::{Compiled, Walk};
use super::{Condition, Conditions, Policy, Rule};
use crate::Timestamp;
use crate::access::Permission;

/// What is asked of policies, and under which circumstances.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The permission.
    pub permission: Permission,
    /// A secret path, or a system path with its `@`.
    pub path: &'a str,
    /// The client's address, if known.
    pub address: Option<IpAddr>,
    /// When a second factor was shown.
    pub mfa_verified_at: Option<Timestamp>,
    /// Now, or the moment judged.
    pub at: Timestamp,
}

/// A policy that is bound to an identity.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The policy, active.
    pub policy: Arc<Policy>,
    /// From when on the binding counts no more.
    pub until: Option<Timestamp>,
}

impl Bound {
    /// Whether the binding counts at a moment.
    pub fn counts(&self, at: Timestamp) -> bool {
        self.until.is_none_or(|until| at < until)
    }
}

/// All that is bound to one identity or group, compiled.
#[derive(Debug)]
pub struct Subject {
    bound: Vec<Bound>,
    compiled: Compiled,
}

impl Subject {
    /// Of what is bound: active policies only.
    pub fn new(bound: impl IntoIterator<Item = Bound>) -> Self {
        let bound: Vec<_> = bound.into_iter().filter(|of| of.policy.content.is_active).collect();
        Self { compiled: Compiled::of(&bound), bound }
    }

    fn permitting(&self, asked: &Asked<'_>, walk: &mut Walk) -> Option<Granted> {
        let at = self.compiled.permitting(&self.bound, asked, walk)?;
        let policy = self.bound.get(at.bound)?.policy.clone();
        Some(Granted { policy, rule_index: at.rule })
    }
}

/// The policies that count for a caller: those bound to it and to its groups.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    subjects: Vec<Arc<Subject>>,
}

/// The rule that permitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Granted {
    /// Of which policy.
    pub policy: Arc<Policy>,
    /// Which of its rules.
    pub rule_index: usize,
}

/// No rule permitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Denied {
    /// Every rule of every candidate, policies by creation, rules by position.
    pub evaluated: Vec<EvaluatedRule>,
    /// Of the first rule that its conditions alone kept from permitting.
    pub nearest: Option<Box<Nearest>>,
}

/// The conditions of a rule that fits otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    /// Those that held.
    pub held: Conditions,
    /// Those that did not.
    pub dropped: Vec<Condition>,
}

/// How a rule stands to what is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluatedRule {
    /// The rule's policy.
    pub policy: Arc<Policy>,
    /// Its index there.
    pub rule_index: usize,
    /// Whether its pattern matches the path.
    pub path_matched: bool,
    /// Whether it has the permission.
    pub permission_matched: bool,
    /// Where both do: the first of its conditions that fails.
    pub failed_condition: Option<Condition>,
}

impl Candidates {
    /// What is bound to these.
    pub fn new(subjects: Vec<Arc<Subject>>) -> Self {
        Self { subjects }
    }

    /// Each policy that counts at a moment, once, by creation.
    pub fn policies(&self, at: Timestamp) -> Vec<&Arc<Policy>> {
        let bound = self.subjects.iter().flat_map(|subject| &subject.bound);
        let mut policies: Vec<_> = bound.filter(|of| of.counts(at)).map(|of| &of.policy).collect();
        policies.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        policies.dedup_by(|a, b| a.id == b.id);
        policies
    }
}

impl Denied {
    /// As in answers: no policy is bound, none has a fitting rule, or a condition stood in the way.
    pub fn reason(&self) -> &'static str {
        match (self.evaluated.is_empty(), &self.nearest) {
            (true, _) => "no_policy_bound",
            (false, Some(_)) => "condition_failed",
            (false, None) => "no_matching_rule",
        }
    }

    /// The condition that alone stood in the way: the first failed one of the first rule that fits.
    pub fn failed_condition(&self) -> Option<Condition> {
        self.evaluated.iter().find_map(|rule| rule.failed_condition)
    }
}

impl EvaluatedRule {
    /// The rule itself.
    pub fn rule(&self) -> Option<&Rule> {
        self.policy.content.rules.get(self.rule_index)
    }
}

/// A rule that permits, if there is one: any rule of any candidate that matches the path, has the
/// permission and meets all its conditions. The order of policies and rules is irrelevant to whether
/// there is.
pub fn permitting(candidates: &Candidates, asked: &Asked<'_>) -> Option<Granted> {
    let mut walk = Walk::default();
    candidates.subjects.iter().find_map(|subject| subject.permitting(asked, &mut walk))
}

/// Decides, and tells why not.
pub fn evaluate(candidates: &Candidates, asked: &Asked<'_>) -> Result<Granted, Denied> {
    permitting(candidates, asked).ok_or_else(|| explain(candidates, asked))
}

/// How every rule of every candidate stands to what is asked.
pub fn explain(candidates: &Candidates, asked: &Asked<'_>) -> Denied {
    let rules = |policy: Arc<Policy>| {
        let count = policy.content.rules.len();
        (0..count).map(move |index| (policy.clone(), index))
    };
    let all = candidates.policies(asked.at).into_iter().cloned().flat_map(rules);
    let evaluated: Vec<_> = all.filter_map(|(policy, index)| stands(&policy, index, asked)).collect();
    let first = evaluated.iter().find(|rule| rule.failed_condition.is_some());
    let nearest = first.and_then(EvaluatedRule::rule).map(|rule| {
        let fails = |condition: &Condition| !rule.conditions.holds(*condition, asked);
        let dropped = Condition::ALL.into_iter().filter(fails).collect();
        Box::new(Nearest { held: rule.conditions.that_hold(asked), dropped })
    });
    Denied { evaluated, nearest }
}

fn stands(policy: &Arc<Policy>, rule_index: usize, asked: &Asked<'_>) -> Option<EvaluatedRule> {
    let rule = policy.content.rules.get(rule_index)?;
    let path_matched = rule.path_pattern.matches(asked.path);
    let permission_matched = rule.permitted().grants(asked.permission);
    let fits = path_matched && permission_matched;
    let failed_condition = fits.then(|| rule.conditions.first_failed(asked)).flatten();
    Some(EvaluatedRule { policy: policy.clone(), rule_index, path_matched, permission_matched, failed_condition })
}
