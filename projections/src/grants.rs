//! Who could use a permission on a path, and through what: the reverse of deciding. Conditions are told, not judged.

mod paths;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;

use scaivault_domain::access::{Caller, Permission, Target};
use scaivault_domain::id::BindingId;
use scaivault_domain::policy::{Policy, Rule};
use scaivault_domain::{IdentityId, IdentityType, Owner, PolicyId, Role, Timestamp};

use crate::policies::{HeldBinding, HeldPolicy, PolicySet};
use crate::view::View;

/// A permission that an identity has on a path, through one rule.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Who.
    pub identity: IdentityId,
    /// On which path.
    pub path: Arc<str>,
    /// Through what.
    pub through: Through,
}

/// What grants.
#[derive(Clone, Debug)]
pub enum Through {
    /// The implicit policy of a role.
    Role(Role),
    /// A rule of a policy that is bound to the identity, or to a group it is in.
    Rule {
        /// The policy.
        policy: Arc<Policy>,
        /// Index of the rule.
        rule_index: usize,
        /// The binding.
        binding: BindingId,
        /// The group that it names.
        via_group: Option<IdentityId>,
    },
}

/// Where a grant stands among others, and what tells it from them.
pub type GrantKey = (String, String, String, usize);

/// Rules that have the permission on the path in question, by the active policy they are of: the same for everybody.
type Fitting = HashMap<PolicyId, (Arc<Policy>, Vec<usize>)>;

/// The grants in one tenant at a moment. What is asked of them may take as long as there is much: not a task's to wait for.
pub struct Grants<'v> {
    view: &'v View,
    target: &'v Target,
    at: Timestamp,
    permission: Permission,
}

/// A binding of a caller, or of a group it is in.
struct Bound<'v, 'c> {
    held: &'v HeldBinding,
    via_group: Option<&'c IdentityId>,
}

impl Grant {
    /// By identity, path, roles before policies, policies by creation, rules by position.
    pub fn key(&self) -> GrantKey {
        let (policy, number) = match &self.through {
            Through::Role(role) => (String::new(), *role as usize),
            Through::Rule { policy, rule_index, .. } => (policy.id.to_string(), *rule_index),
        };
        (self.identity.to_string(), self.path.to_string(), policy, number)
    }

    /// The rule, if it is one.
    pub fn rule(&self) -> Option<&Rule> {
        match &self.through {
            Through::Role(_) => None,
            Through::Rule { policy, rule_index, .. } => policy.content.rules.get(*rule_index),
        }
    }
}

impl<'v> Grants<'v> {
    /// Of `permission` at `target`, a tenant, as the view has it at `at`.
    pub fn new(view: &'v View, target: &'v Target, at: Timestamp, permission: Permission) -> Self {
        Self { view, target, at, permission }
    }

    /// Those on one path after `after`, in the order of their keys, at most `limit`: of everybody, or of one identity.
    pub fn on_path(
        &self,
        path: &str,
        identity: Option<&IdentityId>,
        after: Option<&GrantKey>,
        limit: usize,
    ) -> Vec<Grant> {
        let path: Arc<str> = path.into();
        let is_after = |grant: &Grant| after.is_none_or(|after| grant.key() > *after);
        if let Some(identity) = identity {
            let Some(caller) = self.caller(identity) else { return Vec::new() };
            let policies = self.bindings_of(&caller).filter_map(|bound| self.policy_of(bound.held));
            let fitting = self.fitting(policies, &path);
            return self.of_caller(&caller, &path, &fitting).filter(is_after).take(limit).collect();
        }
        let fitting = self.fitting(self.sets().flat_map(|set| set.newest_first()), &path);
        // The key begins with the identity: no more of them are looked at than fill the page.
        let callers = self.identities(&fitting, after.map(|key| key.0.as_str()));
        let callers = callers.filter_map(|identity| self.caller(identity));
        callers.flat_map(|caller| self.of_caller(&caller, &path, &fitting)).filter(is_after).take(limit).collect()
    }

    /// All of a caller on a path, by key.
    fn of_caller(&self, caller: &Caller, path: &Arc<str>, fitting: &Fitting) -> impl Iterator<Item = Grant> + use<> {
        let mut through_rules = BTreeMap::new();
        for Bound { held, via_group } in self.bindings_of(caller) {
            let Some((policy, rules)) = fitting.get(&held.binding.policy_id) else { continue };
            for rule_index in rules.iter().copied() {
                // Who is bound himself needs no group for it; of several groups the first by name is told.
                through_rules.entry((policy.id.clone(), rule_index)).or_insert_with(|| Through::Rule {
                    policy: policy.clone(),
                    rule_index,
                    binding: held.binding.id.clone(),
                    via_group: via_group.cloned(),
                });
            }
        }
        let all = self.roles(caller).map(Through::Role).chain(through_rules.into_values());
        let of_caller = |through| Grant { identity: caller.identity.clone(), path: path.clone(), through };
        let mut grants: Vec<_> = all.map(of_caller).collect();
        grants.sort_by_cached_key(Grant::key);
        grants.into_iter()
    }

    /// Who may have such a grant, by name from `from` on, each once: who has records here, and whom bindings name.
    /// Groups stand for their members.
    fn identities<'s>(
        &'s self,
        fitting: &Fitting,
        from: Option<&str>,
    ) -> impl Iterator<Item = &'s IdentityId> + use<'s> {
        let people = self.target.owner.tenant().map(|tenant| self.view.installation.people(tenant));
        let users = people.into_iter().flat_map(|people| people.users()).map(|held| &held.user.identity);
        let accounts = people.into_iter().flat_map(|people| people.accounts()).map(|held| &held.account.identity);
        let policies = self.sets().flat_map(|set| fitting.keys().filter_map(|id| set.get(id)));
        let bound = policies.flat_map(|held| held.bindings.values()).map(|held| &held.binding.identity);
        let bound = bound.filter(|identity| identity.kind() != IdentityType::Group);
        let is_ahead = |identity: &&IdentityId| from.is_none_or(|from| identity.as_str() >= from);
        // Taken in order as they are asked for: most pages need few of them.
        let mut ahead: BinaryHeap<_> = users.chain(accounts).chain(bound).filter(is_ahead).map(Reverse).collect();
        std::iter::from_fn(move || {
            let Reverse(first) = ahead.pop()?;
            while ahead.peek().is_some_and(|Reverse(next)| *next == first) {
                ahead.pop();
            }
            Some(first)
        })
    }

    /// As its records make an identity, unless they end it.
    fn caller(&self, identity: &IdentityId) -> Option<Caller> {
        let standing = self.view.installation.standing(self.target.owner.tenant(), identity);
        (!standing.is_ended).then(|| self.view.caller_standing(self.target, identity, standing))
    }

    /// Roles of a caller that permit it.
    fn roles(&self, caller: &Caller) -> impl Iterator<Item = Role> {
        let permits = |role: &Role| {
            let alone = Caller { roles: vec![*role], ..caller.clone() };
            alone.role_permitting(self.target, self.permission).is_some()
        };
        caller.roles.iter().copied().filter(permits)
    }

    /// Policies that count here.
    fn sets(&self) -> impl Iterator<Item = &'v PolicySet> {
        let partner = self.target.partner.clone().map(Owner::Partner);
        let owners = std::iter::once(self.target.owner.clone()).chain(partner);
        owners.map(|owner| self.view.policies.of(&owner))
    }

    /// What counts of the bindings of a caller and its groups, itself first: nothing if it is at home elsewhere.
    fn bindings_of<'c>(&self, caller: &'c Caller) -> impl Iterator<Item = Bound<'v, 'c>> {
        let is_at_home = caller.is_at_home(self.target);
        let named =
            std::iter::once((&caller.identity, None)).chain(caller.groups.iter().map(|group| (group, Some(group))));
        let named = named.filter(move |_| is_at_home);
        let bound = named.flat_map(|(identity, via_group)| {
            let held = self.sets().flat_map(|set| set.bindings_of(identity));
            held.map(move |held| Bound { held, via_group })
        });
        bound.filter(|bound| bound.held.binding.expires_at.is_none_or(|end| self.at < end))
    }

    fn policy_of(&self, held: &HeldBinding) -> Option<&'v Arc<HeldPolicy>> {
        self.sets().find_map(|set| set.get(&held.binding.policy_id))
    }

    /// Of these policies, the rules that have the permission on a path.
    fn fitting(&self, policies: impl Iterator<Item = &'v Arc<HeldPolicy>>, path: &str) -> Fitting {
        let mut fitting = Fitting::new();
        for HeldPolicy { policy, .. } in policies.map(AsRef::as_ref) {
            let fits = |rule: &Rule| rule.path_pattern.matches(path);
            let rules: Vec<_> =
                self.permitting(policy).filter(|(_, rule)| fits(rule)).map(|(index, _)| index).collect();
            if !rules.is_empty() {
                fitting.insert(policy.id.clone(), (policy.clone(), rules));
            }
        }
        fitting
    }

    /// Rules of a policy that have the permission, on whatever path.
    fn permitting<'p>(&self, policy: &'p Policy) -> impl Iterator<Item = (usize, &'p Rule)> + use<'p> {
        let permission = self.permission;
        let rules = policy.content.is_active.then(|| policy.content.rules.iter().enumerate());
        rules.into_iter().flatten().filter(move |(_, rule)| rule.permitted().grants(permission))
    }
}
