//! The paths on which one identity has a permission.

use std::collections::BTreeMap;
use std::sync::Arc;

use scaivault_domain::IdentityId;
use scaivault_domain::access::Caller;
use scaivault_domain::policy::Rule;

use super::{Bound, Grant, Grants, Through};

/// A rule that has the permission on some paths.
struct Opening {
    through: Through,
    rule: Rule,
}

/// A range of the catalogue, by the beginning of its paths, and all rules that may match there, each in its place.
struct Stretch {
    prefix: String,
    rules: Vec<usize>,
}

impl Grants<'_> {
    /// One for each path of a secret that `identity` could use, by path, after `after`; at most `limit`. Of several it is
    /// one that asks for nothing, if there is one, and else the first.
    pub fn of_identity(&self, identity: &IdentityId, after: Option<&str>, limit: usize) -> Vec<Grant> {
        let Some(caller) = self.caller(identity) else { return Vec::new() };
        // A role is about every path.
        let role = self.roles(&caller).next().map(Through::Role);
        let openings = if role.is_some() { Vec::new() } else { self.openings(&caller) };
        let stretches = match role.is_some() {
            true => vec![Stretch { prefix: String::new(), rules: Vec::new() }],
            false => stretches(&openings),
        };
        let secrets = self.view.secrets(&self.target.owner);
        let granted = stretches.iter().flat_map(|Stretch { prefix, rules }| {
            let held = secrets.with_prefix_after(prefix, after);
            held.filter_map(|(path, held)| {
                let through = role.clone().or_else(|| best(rules, &openings, path.as_str()))?;
                let is_due = held.due.is_some_and(|due| due <= self.at);
                let settled = is_due.then(|| secrets.settled(path, self.at).map(|settled| settled.secret));
                let secret = settled.unwrap_or_else(|| Some(held.secret.clone()))?;
                let grant = || Grant { identity: identity.clone(), path: path.shared(), through };
                secret.deleted.is_none().then(grant)
            })
        });
        granted.take(limit).collect()
    }

    /// Rules by which a caller has the permission on paths of secrets, in the order of the grants' keys.
    fn openings(&self, caller: &Caller) -> Vec<Opening> {
        let mut openings = BTreeMap::new();
        for Bound { held, via_group } in self.bindings_of(caller) {
            let Some(policy) = self.policy_of(held).map(|held| &held.policy) else { continue };
            for (rule_index, rule) in self.permitting(policy).filter(|(_, rule)| !rule.path_pattern.is_system()) {
                openings.entry((policy.id.clone(), rule_index)).or_insert_with(|| Opening {
                    rule: rule.clone(),
                    through: Through::Rule {
                        policy: Arc::clone(policy),
                        rule_index,
                        binding: held.binding.id.clone(),
                        via_group: via_group.cloned(),
                    },
                });
            }
        }
        openings.into_values().collect()
    }
}

/// The ranges in which these rules can match, in order; none lies in another.
fn stretches(openings: &[Opening]) -> Vec<Stretch> {
    let prefix = |opening: &Opening| opening.rule.path_pattern.literal_prefix().to_owned();
    let mut by_prefix: Vec<_> = openings.iter().map(prefix).zip(0..).collect();
    by_prefix.sort();
    let mut stretches: Vec<Stretch> = Vec::new();
    for (prefix, index) in by_prefix {
        // What begins with a prefix comes right after it.
        match stretches.last_mut().filter(|last| prefix.starts_with(&last.prefix)) {
            Some(last) => last.rules.push(index),
            None => stretches.push(Stretch { prefix, rules: vec![index] }),
        }
    }
    stretches.iter_mut().for_each(|stretch| stretch.rules.sort_unstable());
    stretches
}

/// The rule that is told of those that match a path.
fn best(rules: &[usize], openings: &[Opening], path: &str) -> Option<Through> {
    let matches = |opening: &&Opening| opening.rule.path_pattern.matches(path);
    let mut matching = rules.iter().filter_map(|index| openings.get(*index)).filter(matches);
    let first = matching.next()?;
    let asks = |opening: &&Opening| !opening.rule.conditions.is_empty();
    let told = match asks(&first) {
        true => matching.find(|opening| !asks(opening)).unwrap_or(first),
        false => first,
    };
    Some(told.through.clone())
}
