//! Who could use a permission on a path, and through what: the reverse of deciding. Conditions are told, not judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use scaivault_domain::access::{Caller, Permission, Target};
use scaivault_domain::directory::Status;
use scaivault_domain::id::BindingId;
use scaivault_domain::policy::{Policy, Rule};
use scaivault_domain::{IdentityId, Owner, PolicyId, Role, Timestamp};

use crate::{HeldBinding, View};

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

/// The grants in one tenant at a moment.
pub struct Grants<'v> {
    view: &'v View,
    target: &'v Target,
    at: Timestamp,
    permission: Permission,
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

    fn is_conditional(&self) -> bool {
        self.rule().is_some_and(|rule| !rule.conditions.is_empty())
    }
}

impl<'v> Grants<'v> {
    /// Of `permission` at `target`, a tenant, as the view has it at `at`.
    pub fn new(view: &'v View, target: &'v Target, at: Timestamp, permission: Permission) -> Self {
        Self { view, target, at, permission }
    }

    /// All on one path, in the order of their keys: those of everybody, or of one identity.
    pub fn on_path(&self, path: &str, identity: Option<&IdentityId>) -> Vec<Grant> {
        let path: Arc<str> = path.into();
        let mut grants: Vec<Grant> = match identity {
            Some(identity) => self.by_role(identity, &path).chain(self.by_rule_of(identity, &path)).collect(),
            None => self.by_role_of_anybody(&path).into_iter().chain(self.by_rule_of_anybody(&path)).collect(),
        };
        grants.sort_by_cached_key(Grant::key);
        grants
    }

    /// One for each path of a secret that `identity` could use, by path, after `after`; at most `limit`. Of several it is
    /// one that asks for nothing, if there is one, and else the first.
    pub fn of_identity(&self, identity: &IdentityId, after: Option<&str>, limit: usize) -> Vec<Grant> {
        let caller = self.view.caller_of_record(self.target, identity);
        let rules = self.rules_of(&caller);
        // A role is about every path.
        let role = self.by_role(identity, &Arc::from("")).next();
        let secrets = self.view.secrets(&self.target.owner);
        let paths = secrets.with_prefix_after("", after).filter_map(|(path, held)| {
            let is_due = held.due.is_some_and(|due| due <= self.at);
            let settled = is_due.then(|| secrets.settled(path, self.at).map(|settled| settled.secret));
            let secret = settled.unwrap_or_else(|| Some(held.secret.clone()))?;
            secret.deleted.is_none().then_some(path)
        });
        let granted = paths.filter_map(|path| {
            let shared = path.shared();
            let by_role = role.clone().map(|grant| Grant { path: shared.clone(), ..grant });
            by_role.or_else(|| {
                let grants = self.granting(identity, &rules, &shared);
                let grants: Vec<_> = grants.into_values().collect();
                grants.iter().find(|grant| !grant.is_conditional()).or(grants.first()).cloned()
            })
        });
        granted.take(limit).collect()
    }

    /// Through roles of one identity.
    fn by_role(&self, identity: &IdentityId, path: &Arc<str>) -> impl Iterator<Item = Grant> {
        let caller = self.view.caller_of_record(self.target, identity);
        let roles = if self.is_ended(identity) { Vec::new() } else { caller.roles.clone() };
        let permits = move |role: &Role| {
            let alone = Caller { roles: vec![*role], ..caller.clone() };
            alone.role_permitting(self.target, self.permission).is_some()
        };
        let (identity, path) = (identity.clone(), path.clone());
        roles.into_iter().filter(permits).map(move |role| Grant {
            identity: identity.clone(),
            path: path.clone(),
            through: Through::Role(role),
        })
    }

    fn by_role_of_anybody(&self, path: &Arc<str>) -> Vec<Grant> {
        let Some(tenant) = self.target.owner.tenant() else { return Vec::new() };
        let people = self.view.installation.people(tenant);
        let users = people.users().filter(|held| !held.roles().is_empty()).map(|held| &held.user.identity);
        // Of two records with one identity the one that counts is found by it.
        let users = users.collect::<std::collections::BTreeSet<_>>().into_iter();
        let accounts = people.accounts().filter(|held| !held.account.content.roles.is_empty());
        let all = users.chain(accounts.map(|held| &held.account.identity));
        all.flat_map(|identity| self.by_role(identity, path).collect::<Vec<_>>()).collect()
    }

    fn by_rule_of(&self, identity: &IdentityId, path: &Arc<str>) -> impl Iterator<Item = Grant> {
        let caller = self.view.caller_of_record(self.target, identity);
        self.granting(identity, &self.rules_of(&caller), path).into_values()
    }

    fn by_rule_of_anybody(&self, path: &Arc<str>) -> impl Iterator<Item = Grant> {
        let mut found = BTreeMap::new();
        let mut through_groups = Vec::new();
        for owner in self.owners() {
            for held in self.view.policies.of(&owner).newest_first() {
                let bound = held.bindings.values().filter(|held| self.counts(held));
                let rules = self.fitting(&held.policy, path);
                if rules.is_empty() {
                    continue;
                }
                for HeldBinding { binding, .. } in bound.map(AsRef::as_ref) {
                    let members = self.members(&binding.identity);
                    let via = members.is_some().then(|| binding.identity.clone());
                    for identity in members.unwrap_or_else(|| vec![binding.identity.clone()]) {
                        if self.is_ended(&identity) {
                            continue;
                        }
                        for rule_index in rules.iter().copied() {
                            let through = Through::Rule {
                                policy: held.policy.clone(),
                                rule_index,
                                binding: binding.id.clone(),
                                via_group: via.clone(),
                            };
                            let grant = Grant { identity: identity.clone(), path: path.clone(), through };
                            match &via {
                                None => _ = found.insert(grant.key(), grant),
                                Some(_) => through_groups.push(grant),
                            }
                        }
                    }
                }
            }
        }
        // Who is bound himself needs no group for it; of several groups the first by name is told.
        through_groups.sort_by(|one, other| via(one).cmp(&via(other)));
        for grant in through_groups {
            found.entry(grant.key()).or_insert(grant);
        }
        found.into_values()
    }

    /// Whose policies count.
    fn owners(&self) -> impl Iterator<Item = Owner> {
        let partner = self.target.partner.clone().map(Owner::Partner);
        std::iter::once(self.target.owner.clone()).chain(partner)
    }

    fn counts(&self, held: &HeldBinding) -> bool {
        held.binding.expires_at.is_none_or(|end| self.at < end)
    }

    /// Rules of a policy that have the permission on a path.
    fn fitting(&self, policy: &Policy, path: &str) -> Vec<usize> {
        if !policy.content.is_active {
            return Vec::new();
        }
        let rules = policy.content.rules.iter().enumerate();
        let fits = |rule: &Rule| rule.permitted().grants(self.permission) && rule.path_pattern.matches(path);
        rules.filter(|(_, rule)| fits(rule)).map(|(index, _)| index).collect()
    }

    /// Users in a group, nested ones included; `None` for what is no group.
    fn members(&self, identity: &IdentityId) -> Option<Vec<IdentityId>> {
        if identity.kind() != scaivault_domain::IdentityType::Group {
            return None;
        }
        let tenant = self.target.owner.tenant()?;
        let people = self.view.installation.people(tenant);
        let group = people.group_named(identity).filter(|group| group.status == Status::Active);
        let members = group.map(|group| people.members(&group.id)).unwrap_or_default();
        // A record that lost its identity to another one does not come with it.
        let counts = |held: &crate::HeldUser| {
            people.user_named(&held.user.identity).is_some_and(|named| named.user.id == held.user.id)
        };
        let members = members.into_iter().filter(|member| counts(&member.user));
        Some(members.map(|member| member.user.user.identity.clone()).collect())
    }

    fn is_ended(&self, identity: &IdentityId) -> bool {
        self.view.installation.standing(self.target.owner.tenant(), identity).is_ended
    }

    /// What is bound to an identity and its groups, itself first.
    fn rules_of(&self, caller: &Caller) -> Vec<(Arc<Policy>, BindingId, Option<IdentityId>)> {
        if self.is_ended(&caller.identity) {
            return Vec::new();
        }
        let mut rules = Vec::new();
        for identity in std::iter::once(&caller.identity).chain(&caller.groups) {
            let via = (*identity != caller.identity).then(|| identity.clone());
            for owner in self.owners() {
                let policies = self.view.policies.of(&owner);
                for held in policies.bindings_of(identity).filter(|held| self.counts(held)) {
                    if let Some(policy) = policies.get(&held.binding.policy_id) {
                        rules.push((policy.policy.clone(), held.binding.id.clone(), via.clone()));
                    }
                }
            }
        }
        rules
    }

    /// Of these, what has the permission on a path: each rule once.
    fn granting(
        &self,
        identity: &IdentityId,
        bound: &[(Arc<Policy>, BindingId, Option<IdentityId>)],
        path: &Arc<str>,
    ) -> BTreeMap<(PolicyId, usize), Grant> {
        let mut found = BTreeMap::new();
        for (policy, binding, via_group) in bound {
            for rule_index in self.fitting(policy, path) {
                let grant = || Grant {
                    identity: identity.clone(),
                    path: path.clone(),
                    through: Through::Rule {
                        policy: policy.clone(),
                        rule_index,
                        binding: binding.clone(),
                        via_group: via_group.clone(),
                    },
                };
                found.entry((policy.id.clone(), rule_index)).or_insert_with(grant);
            }
        }
        found
    }
}

fn via(grant: &Grant) -> Option<&IdentityId> {
    match &grant.through {
        Through::Role(_) => None,
        Through::Rule { via_group, .. } => via_group.as_ref(),
    }
}
