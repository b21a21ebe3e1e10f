//! The policies that counted in a tenant, from change to change, and what a proposal makes of them.

use std::sync::Arc;

use scaivault_domain::policy::replay::{Proposal, ProposedBinding, Replaced};
use scaivault_domain::policy::{Binding, Content, Policy, PolicyEvent};
use scaivault_domain::{Event, IdentityId, Owner, PolicyId, Timestamp};
use scaivault_eventstore::{Revision, StoreError};

use crate::decode::{Decoded, decode};
use crate::history::History;
use crate::owners::key_owner;
use crate::policies::{HeldBinding, HeldPolicy, PolicySet};

/// Records read from a stream at once.
const PAGE: usize = 500;

/// The sets that count: the tenant's, and its partner's.
pub type Sets = [PolicySet; 2];

/// A change of one of the sets.
#[derive(Clone, Debug)]
pub struct PolicyChange {
    /// Position of its record.
    pub position: u64,
    /// When it happened.
    pub at: Timestamp,
    /// By whom.
    pub by: IdentityId,
    /// Whether it is the partner's set.
    pub is_partners: bool,
    /// What happened.
    pub event: PolicyEvent,
}

/// The policies between two changes.
pub struct Epoch {
    /// Position of the change that began it.
    pub since: u64,
    /// What there is.
    pub sets: Sets,
}

/// What a proposal makes of an epoch.
pub struct Laid {
    /// All that would count.
    pub all: Sets,
    /// Of these, the policies of the proposal.
    pub proposed: Sets,
}

/// All changes of the policies of some owners before a position, in log order: the tenant, then its partner.
pub async fn changes(history: &History, owners: &[Owner], before: u64) -> Result<Vec<PolicyChange>, StoreError> {
    let mut changes = Vec::new();
    for owner in owners {
        let stream = history.sealer.keyring().stream(&key_owner(owner), "policies", "")?;
        let mut after = Revision::NONE;
        loop {
            let records = history.backend.read_stream(stream, after, PAGE).await?;
            for record in &records {
                after = record.revision;
                let Decoded::Event { recorded, .. } = decode(&history.sealer, record)? else { continue };
                let Event::Policy(event) = recorded.body.event else { continue };
                changes.push(PolicyChange {
                    position: recorded.position,
                    at: recorded.body.at,
                    by: recorded.body.actor,
                    is_partners: matches!(owner, Owner::Partner(_)),
                    event,
                });
            }
            if records.len() < PAGE {
                break;
            }
        }
    }
    changes.retain(|change| change.position < before);
    changes.sort_by_key(|change| change.position);
    Ok(changes)
}

/// The epochs that these changes make, from nothing on.
pub fn epochs(changes: Vec<PolicyChange>) -> Vec<Epoch> {
    let mut sets = Sets::default();
    let mut epochs = vec![Epoch { since: 0, sets: sets.clone() }];
    for PolicyChange { position, at, by, is_partners, event } in changes {
        let [of_tenant, of_partner] = &mut sets;
        let set = if is_partners { of_partner } else { of_tenant };
        let revision = set.revision().next();
        set.fold(event, at, &by, revision);
        epochs.push(Epoch { since: position, sets: sets.clone() });
    }
    epochs
}

impl Epoch {
    /// A policy of one of the sets.
    pub fn policy(&self, id: &PolicyId) -> Option<&Arc<HeldPolicy>> {
        self.sets.iter().find_map(|set| set.get(id))
    }
}

impl Laid {
    /// A proposal laid over sets; what has no time of its own is as of `at`.
    pub fn of(sets: &Sets, proposal: &Proposal, at: Timestamp) -> Self {
        let mut laid = Self { all: sets.clone(), proposed: Sets::default() };
        for id in proposal.touched() {
            laid.all.iter_mut().for_each(|set| set.take_out(id));
        }
        for replaced in &proposal.replace {
            let [of_tenant, of_partner] = sets;
            let is_partners = of_tenant.get(&replaced.id).is_none() && of_partner.get(&replaced.id).is_some();
            let held = if is_partners { of_partner } else { of_tenant }.get(&replaced.id);
            let (policy, bindings) = replaced_policy(replaced, held.map(AsRef::as_ref), at);
            laid.put(is_partners, policy, bindings);
        }
        for (index, added) in proposal.add.iter().enumerate() {
            let Some(id) = Proposal::added_id(index) else { continue };
            let bindings = proposed_bindings(&id, &added.bindings, at);
            let content = added.content.clone();
            laid.put(false, Policy { id, revision: 1, content, created_at: at, updated_at: at }, bindings);
        }
        laid
    }

    fn put(&mut self, is_partners: bool, policy: Policy, bindings: Vec<HeldBinding>) {
        for sets in [&mut self.all, &mut self.proposed] {
            let [of_tenant, of_partner] = sets;
            let set = if is_partners { of_partner } else { of_tenant };
            set.hold(policy.clone());
            bindings.iter().for_each(|held| set.hold_binding(held.clone()));
        }
    }
}

/// What is not given is as it stands; where the policy is not there, it has no rules and no bindings.
fn replaced_policy(replaced: &Replaced, held: Option<&HeldPolicy>, at: Timestamp) -> (Policy, Vec<HeldBinding>) {
    let Replaced { id, rules, is_active, bindings } = replaced;
    let absent = || Policy {
        id: id.clone(),
        revision: 1,
        content: Content { name: id.shared(), description: None, rules: Vec::new(), is_active: true },
        created_at: at,
        updated_at: at,
    };
    let mut policy = held.map_or_else(absent, |held| held.policy.as_ref().clone());
    if let Some(rules) = rules {
        policy.content.rules.clone_from(rules);
    }
    if let Some(is_active) = is_active {
        policy.content.is_active = *is_active;
    }
    let held = || held.iter().flat_map(|held| held.bindings.values()).map(|held| HeldBinding::clone(held)).collect();
    let bindings = bindings.as_ref().map_or_else(held, |bindings| proposed_bindings(id, bindings, at));
    (policy, bindings)
}

fn proposed_bindings(policy: &PolicyId, bindings: &[ProposedBinding], at: Timestamp) -> Vec<HeldBinding> {
    let held = |(index, binding): (usize, &ProposedBinding)| {
        let ProposedBinding { identity, expires_at } = binding;
        let id = Proposal::binding_id(index)?;
        let (policy_id, identity) = (policy.clone(), identity.clone());
        let binding = Binding { id, policy_id, identity: identity.clone(), expires_at: *expires_at };
        Some(HeldBinding { binding, created_at: at, created_by: identity })
    };
    bindings.iter().enumerate().filter_map(held).collect()
}
