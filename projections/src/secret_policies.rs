//! Secret policies by tenant: by id, and by name.

use std::sync::Arc;

use imbl::{HashMap, OrdMap};
use scaivault_domain::secret::Secret;
use scaivault_domain::secret_policy::{
    PolicyUid, SecretPolicy, SecretPolicyEvent, SecretPolicyId, SecretPolicyReference,
};
use scaivault_domain::{Owner, Timestamp, slug};
use scaivault_eventstore::Revision;

/// The secret policies of all tenants.
#[derive(Clone, Debug, Default)]
pub struct SecretPolicies {
    owners: HashMap<Owner, SecretPolicySet>,
    nothing: SecretPolicySet,
}

/// Those of one tenant.
#[derive(Clone, Debug, Default)]
pub struct SecretPolicySet {
    policies: HashMap<SecretPolicyId, Arc<SecretPolicy>>,
    /// By name in lower case, which is the order of lists.
    named: OrdMap<Arc<str>, SecretPolicyId>,
    /// By the slug of the name that each has now, which need not be that of its id.
    slugs: HashMap<Arc<str>, SecretPolicyId>,
    /// When those that are gone went: what named them before did so for as long.
    ended: HashMap<PolicyUid, Timestamp>,
    revision: Revision,
}

impl SecretPolicies {
    /// Those of an owner.
    pub fn of(&self, owner: &Owner) -> &SecretPolicySet {
        self.owners.get(owner).unwrap_or(&self.nothing)
    }

    /// All owners that ever had some.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Owner, &SecretPolicySet)> {
        self.owners.iter()
    }

    pub(crate) fn of_mut(&mut self, owner: &Owner) -> &mut SecretPolicySet {
        self.owners.entry(owner.clone()).or_default()
    }

    /// Lets go of those of other owners.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(&Owner) -> bool) {
        self.owners.retain(|owner, _| is_kept(owner));
    }

    /// Forgets those of an owner.
    pub(crate) fn forget(&mut self, owner: &Owner) {
        self.owners.remove(owner);
    }
}

impl SecretPolicySet {
    /// Revision of the owner's stream of these events.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// A policy.
    pub fn get(&self, id: &SecretPolicyId) -> Option<&Arc<SecretPolicy>> {
        self.policies.get(id)
    }

    /// The policy that a reference means, if it is still there.
    pub fn referred(&self, reference: &SecretPolicyReference) -> Option<&Arc<SecretPolicy>> {
        self.get(&reference.id).filter(|policy| policy.uid == reference.uid)
    }

    /// Whether the policy that a reference means was there at a moment after it was referred to.
    pub fn was_there(&self, reference: &SecretPolicyReference, at: Timestamp) -> bool {
        let ended_later = || self.ended.get(&reference.uid).is_some_and(|end| *end > at);
        self.referred(reference).is_some() || ended_later()
    }

    /// The id of the policy that a secret names, if that is there now, or was at another moment.
    pub fn named_by<'s>(&self, secret: &'s Secret, at: Option<Timestamp>) -> Option<&'s str> {
        let reference = secret.options.secret_policy.as_deref()?;
        let is_there = match at {
            None => self.referred(reference).is_some(),
            Some(at) => self.was_there(reference, at),
        };
        is_there.then_some(reference.id.as_str())
    }

    /// Those whose name in lower case comes after `after`, by name.
    pub fn by_name<'a>(&'a self, after: Option<&'a str>) -> impl Iterator<Item = (&'a str, &'a Arc<SecretPolicy>)> {
        let start = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let rows = self.named.range::<_, str>((start, std::ops::Bound::Unbounded));
        rows.filter_map(|(name, id)| Some((name.as_ref(), self.get(id)?)))
    }

    /// Whether another policy than `own` has this name, ignoring case, or a name or an id with its slug.
    pub fn is_taken(&self, name: &str, own: Option<&SecretPolicyId>) -> bool {
        let is_other = |id: &SecretPolicyId| Some(id) != own;
        let of_name = self.named.get(slug::folded(name).as_str());
        let of_slug = slug::slug(name).and_then(|slug| self.slugs.get(slug.as_str()));
        let of_id = SecretPolicyId::of_name(name).filter(|id| self.policies.contains_key(id));
        of_name.into_iter().chain(of_slug).chain(of_id.as_ref()).any(is_other)
    }

    pub(crate) fn fold(&mut self, event: SecretPolicyEvent, at: Timestamp, revision: Revision) {
        self.revision = revision;
        match event {
            SecretPolicyEvent::Created { id, uid, content } => {
                self.hold(SecretPolicy { id, uid, content, created_at: at, updated_at: at });
            }
            SecretPolicyEvent::Updated { id, content } => {
                let Some(before) = self.take(&id) else { return };
                self.hold(SecretPolicy { content, updated_at: at, ..SecretPolicy::clone(&before) });
            }
            SecretPolicyEvent::Deleted { id } => {
                if let Some(before) = self.take(&id) {
                    self.ended.insert(before.uid, at);
                }
            }
        }
    }

    /// Policies that are gone, and when they went.
    pub(crate) fn ended(&self) -> impl Iterator<Item = (PolicyUid, Timestamp)> {
        self.ended.iter().map(|(uid, end)| (*uid, *end))
    }

    /// Sets the revision of the owner's stream.
    pub(crate) fn restore_revision(&mut self, revision: Revision) {
        self.revision = revision;
    }

    /// Enters a policy as it is.
    pub(crate) fn hold(&mut self, policy: SecretPolicy) {
        let name = &policy.content.name;
        self.named.insert(slug::folded(name).into(), policy.id.clone());
        if let Some(slug) = slug::slug(name) {
            self.slugs.insert(slug.into(), policy.id.clone());
        }
        self.policies.insert(policy.id.clone(), Arc::new(policy));
    }

    /// Enters that a policy is gone.
    pub(crate) fn hold_ended(&mut self, uid: PolicyUid, end: Timestamp) {
        self.ended.insert(uid, end);
    }

    fn take(&mut self, id: &SecretPolicyId) -> Option<Arc<SecretPolicy>> {
        let policy = self.policies.remove(id)?;
        let name = &policy.content.name;
        self.named.remove(slug::folded(name).as_str());
        if let Some(slug) = slug::slug(name) {
            self.slugs.remove(slug.as_str());
        }
        Some(policy)
    }
}
