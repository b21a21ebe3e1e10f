//! Access policies and their bindings, and what of them counts for whom.

use std::sync::{Arc, OnceLock};

use imbl::{HashMap, OrdMap, OrdSet};
use scaivault_domain::id::BindingId;
use scaivault_domain::policy::{Binding, Bound, Candidates, Content, Policy, PolicyEvent, Subject};
use scaivault_domain::{IdentityId, Owner, PolicyId, Timestamp};
use scaivault_eventstore::Revision;

/// A policy with its bindings.
#[derive(Clone, Debug)]
pub struct HeldPolicy {
    /// As it is now.
    pub policy: Arc<Policy>,
    /// By creation.
    pub bindings: OrdMap<BindingId, Arc<HeldBinding>>,
}

/// A binding, and who made it when.
#[derive(Clone, Debug)]
pub struct HeldBinding {
    /// The binding.
    pub binding: Binding,
    /// When.
    pub created_at: Timestamp,
    /// Who.
    pub created_by: IdentityId,
}

/// The policies of all tenants and partners.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    owners: HashMap<Owner, PolicySet>,
    nothing: PolicySet,
}

/// The policies of one tenant or partner.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    policies: OrdMap<PolicyId, Arc<HeldPolicy>>,
    names: HashMap<Arc<str>, PolicyId>,
    bound: HashMap<IdentityId, OrdMap<PolicyId, BindingId>>,
    /// Arranged for deciding when somebody first asks. A change of what is in one puts a new one in
    /// its place, so views that share one agree on what is in it.
    subjects: HashMap<IdentityId, Arc<OnceLock<Arc<Subject>>>>,
    ends: OrdSet<(Timestamp, PolicyId, BindingId)>,
    revision: Revision,
}

impl Policies {
    /// Those of an owner.
    pub fn of(&self, owner: &Owner) -> &PolicySet {
        self.owners.get(owner).unwrap_or(&self.nothing)
    }

    /// All owners that ever had some.
    pub fn all(&self) -> impl Iterator<Item = (&Owner, &PolicySet)> {
        self.owners.iter()
    }

    /// Forgets those of an owner.
    pub(crate) fn forget(&mut self, owner: &Owner) {
        self.owners.remove(owner);
    }

    /// Forgets those of all owners but these.
    pub(crate) fn retain(&mut self, is_wanted: impl Fn(&Owner) -> bool) {
        self.owners.retain(|owner, _| is_wanted(owner));
    }

    pub(crate) fn of_mut(&mut self, owner: &Owner) -> &mut PolicySet {
        self.owners.entry(owner.clone()).or_default()
    }
}

impl PolicySet {
    /// Revision of the owner's stream of policy events.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// A policy.
    pub fn get(&self, id: &PolicyId) -> Option<&Arc<HeldPolicy>> {
        self.policies.get(id)
    }

    /// All, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Arc<HeldPolicy>> {
        self.policies.values().rev()
    }

    /// The policy of that name.
    pub fn named(&self, name: &str) -> Option<&PolicyId> {
        self.names.get(name)
    }

    /// The binding of a policy to an identity.
    pub fn binding(&self, policy: &PolicyId, identity: &IdentityId) -> Option<&Arc<HeldBinding>> {
        let id = self.bound.get(identity)?.get(policy)?;
        self.policies.get(policy)?.bindings.get(id)
    }

    /// Bindings whose end has come by `now`, the earliest first.
    pub fn ended(&self, now: Timestamp) -> impl Iterator<Item = &Arc<HeldBinding>> {
        let ended = self.ends.iter().take_while(move |(end, _, _)| *end <= now);
        ended.filter_map(|(_, policy, id)| self.policies.get(policy)?.bindings.get(id))
    }

    /// How many policies there are.
    pub fn len(&self) -> usize {
        self.policies.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// What is bound to an identity or group, arranged for deciding.
    pub fn subject(&self, identity: &IdentityId) -> Option<Arc<Subject>> {
        let subject = self.subjects.get(identity)?.get_or_init(|| Arc::new(Subject::new(self.bound_to(identity))));
        Some(subject.clone())
    }

    /// What counts for an identity and its groups, of several sets.
    pub fn candidates<'s, 'i>(
        sets: impl Iterator<Item = &'s Self>,
        identities: impl Iterator<Item = &'i IdentityId> + Clone,
    ) -> Candidates {
        let mut subjects = Vec::new();
        for set in sets {
            subjects.extend(identities.clone().filter_map(|identity| set.subject(identity)));
        }
        Candidates::new(subjects)
    }

    /// Bindings of an identity.
    pub fn bindings_of(&self, identity: &IdentityId) -> impl Iterator<Item = &Arc<HeldBinding>> {
        let bound = self.bound.get(identity).into_iter().flatten();
        bound.filter_map(|(policy, id)| self.policies.get(policy)?.bindings.get(id))
    }

    fn bound_to(&self, identity: &IdentityId) -> impl Iterator<Item = Bound> {
        let bound = self.bound.get(identity).into_iter().flatten();
        bound.filter_map(|(policy, id)| {
            let held = self.policies.get(policy)?;
            let until = held.bindings.get(id)?.binding.expires_at;
            Some(Bound { policy: held.policy.clone(), until })
        })
    }

    /// The set after these events.
    #[must_use]
    pub fn preview(&self, events: &[PolicyEvent], at: Timestamp, by: &IdentityId) -> Self {
        let mut after = self.clone();
        events.iter().for_each(|event| after.fold(event.clone(), at, by, self.revision));
        after
    }

    pub(crate) fn fold(&mut self, event: PolicyEvent, at: Timestamp, by: &IdentityId, revision: Revision) {
        self.revision = revision;
        match event {
            PolicyEvent::Created { id, content } => {
                self.hold(Policy { id, revision: 1, content, created_at: at, updated_at: at });
            }
            PolicyEvent::Updated { id, revision, content } => self.updated(&id, revision, content, at),
            PolicyEvent::Deleted { id, .. } => {
                if let Some(held) = self.policies.remove(&id) {
                    self.names.remove(&held.policy.content.name);
                }
            }
            PolicyEvent::Bound(binding) => {
                self.hold_binding(HeldBinding { binding, created_at: at, created_by: by.clone() });
            }
            PolicyEvent::Renewed { id, policy_id, expires_at } => {
                let held = self.policies.get(&policy_id).and_then(|held| held.bindings.get(&id)).cloned();
                if let Some(held) = held {
                    self.unbound(&policy_id, &id);
                    let binding = Binding { expires_at, ..held.binding.clone() };
                    self.hold_binding(HeldBinding { binding, ..HeldBinding::clone(&held) });
                }
            }
            PolicyEvent::Unbound { id, policy_id, .. } => self.unbound(&policy_id, &id),
        }
    }

    /// Takes a policy out, with its bindings.
    pub(crate) fn take_out(&mut self, id: &PolicyId) {
        let Some(held) = self.policies.get(id).cloned() else { return };
        for binding in held.bindings.keys() {
            self.unbound(id, binding);
        }
        self.names.remove(&held.policy.content.name);
        self.policies.remove(id);
    }

    /// Sets the revision of the owner's stream.
    pub(crate) fn restore_revision(&mut self, revision: Revision) {
        self.revision = revision;
    }

    /// Enters a policy as it is, without bindings.
    pub(crate) fn hold(&mut self, policy: Policy) {
        self.names.insert(policy.content.name.clone(), policy.id.clone());
        let id = policy.id.clone();
        self.policies.insert(id, Arc::new(HeldPolicy { policy: Arc::new(policy), bindings: OrdMap::new() }));
    }

    /// Enters a binding as it is.
    pub(crate) fn hold_binding(&mut self, held: HeldBinding) {
        let Binding { id, policy_id, identity, expires_at } = held.binding.clone();
        let Some(policy) = self.policies.get_mut(&policy_id) else { return };
        Arc::make_mut(policy).bindings.insert(id.clone(), Arc::new(held));
        if let Some(end) = expires_at {
            self.ends.insert((end, policy_id.clone(), id.clone()));
        }
        self.bound.entry(identity.clone()).or_default().insert(policy_id, id);
        self.subjects.insert(identity, Arc::default());
    }

    fn updated(&mut self, id: &PolicyId, revision: u64, content: Content, at: Timestamp) {
        let Some(held) = self.policies.get_mut(id) else { return };
        let held = Arc::make_mut(held);
        if held.policy.content.name != content.name {
            self.names.remove(&held.policy.content.name);
            self.names.insert(content.name.clone(), id.clone());
        }
        held.policy = Arc::new(Policy { revision, content, updated_at: at, ..Policy::clone(&held.policy) });
        for binding in held.bindings.values() {
            self.subjects.insert(binding.binding.identity.clone(), Arc::default());
        }
    }

    fn unbound(&mut self, policy: &PolicyId, id: &BindingId) {
        let removed = self.policies.get_mut(policy).and_then(|held| Arc::make_mut(held).bindings.remove(id));
        let Some(removed) = removed else { return };
        let Binding { identity, expires_at, .. } = &removed.binding;
        if let Some(end) = expires_at {
            self.ends.remove(&(*end, policy.clone(), id.clone()));
        }
        let of_identity = self.bound.entry(identity.clone()).or_default();
        of_identity.remove(policy);
        if of_identity.is_empty() {
            self.bound.remove(identity);
            self.subjects.remove(identity);
        } else {
            self.subjects.insert(identity.clone(), Arc::default());
        }
    }
}
