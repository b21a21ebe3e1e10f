//! The policies that counted in a tenant, from change to change, and what a proposal makes of them.

use std::collections::VecDeque;
use std::sync::Arc;

use scaivault_domain::policy::replay::{Proposal, ProposedBinding, Replaced};
use scaivault_domain::policy::{Binding, Content, Policy, PolicyEvent};
use scaivault_domain::{Event, IdentityId, Owner, PolicyId, Timestamp};
use scaivault_eventstore::{Revision, StoreError, StreamId};

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

/// The changes of the policies of some owners in log order, read as they are asked for: the tenant, then its partner.
pub struct Changes<'h> {
    history: &'h History,
    streams: Vec<Ahead>,
}

/// What was read of a stream and not given yet.
struct Ahead {
    stream: StreamId,
    is_partners: bool,
    after: Revision,
    changes: VecDeque<PolicyChange>,
    is_over: bool,
}

impl<'h> Changes<'h> {
    /// From the first one on.
    pub fn of(history: &'h History, owners: &[Owner]) -> Result<Self, StoreError> {
        let ahead = |owner: &Owner| {
            Ok(Ahead {
                stream: history.sealer.keyring().stream(&key_owner(owner), "policies", "")?,
                is_partners: matches!(owner, Owner::Partner(_)),
                after: Revision::NONE,
                changes: VecDeque::new(),
                is_over: false,
            })
        };
        Ok(Self { history, streams: owners.iter().map(ahead).collect::<Result<_, StoreError>>()? })
    }

    /// The next one before a position, if there is one.
    pub async fn next(&mut self, before: u64) -> Result<Option<PolicyChange>, StoreError> {
        for ahead in &mut self.streams {
            ahead.read(self.history).await?;
        }
        let first = self.streams.iter_mut().filter_map(|ahead| Some((ahead.changes.front()?.position, ahead)));
        let first = first.min_by_key(|(position, _)| *position).filter(|(position, _)| *position < before);
        Ok(first.and_then(|(_, ahead)| ahead.changes.pop_front()))
    }
}

impl Ahead {
    /// Sees to it that there is a change, unless the stream has come to its end.
    async fn read(&mut self, history: &History) -> Result<(), StoreError> {
        while self.changes.is_empty() && !self.is_over {
            let records = history.backend.read_stream(self.stream, self.after, PAGE).await?;
            self.is_over = records.len() < PAGE;
            for record in &records {
                self.after = record.revision;
                let Decoded::Event { recorded, .. } = decode(&history.sealer, record)? else { continue };
                let Event::Policy(event) = recorded.body.event else { continue };
                self.changes.push_back(PolicyChange {
                    position: recorded.position,
                    at: recorded.body.at,
                    by: recorded.body.actor,
                    is_partners: self.is_partners,
                    event,
                });
            }
        }
        Ok(())
    }
}

/// The latest epochs, as many as are needed.
pub struct Epochs(VecDeque<Arc<Epoch>>);

impl Default for Epochs {
    fn default() -> Self {
        Self(VecDeque::from([Arc::new(Epoch { since: 0, sets: Sets::default() })]))
    }
}

impl Epochs {
    /// What comes of a change.
    pub fn fold(&mut self, change: PolicyChange) {
        let PolicyChange { position, at, by, is_partners, event } = change;
        let mut sets = self.0.back().map(|latest| latest.sets.clone()).unwrap_or_default();
        let [of_tenant, of_partner] = &mut sets;
        let set = if is_partners { of_partner } else { of_tenant };
        let revision = set.revision().next();
        set.fold(event, at, &by, revision);
        self.0.push_back(Arc::new(Epoch { since: position, sets }));
    }

    /// Forgets all but those from `position` on, and the `kept` that began before.
    pub fn forget_before(&mut self, position: u64, kept: usize) {
        let before = self.0.partition_point(|epoch| epoch.since < position);
        self.0.drain(..before.saturating_sub(kept));
    }

    /// The latest.
    pub fn latest(&self) -> Option<&Arc<Epoch>> {
        self.0.back()
    }

    /// Those that began before a position, the latest first.
    pub fn before(&self, position: u64) -> impl Iterator<Item = &Arc<Epoch>> {
        let before = self.0.partition_point(|epoch| epoch.since < position);
        self.0.range(..before).rev()
    }
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
