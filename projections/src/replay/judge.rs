//! One decision judged again: pure, and of one answer however often it is asked.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use parking_lot::RwLock;
use scaivault_domain::policy::replay::{After, Base, Proposal, ProposedBinding};
use scaivault_domain::policy::{Candidates, Granted, explain, permitting};
use scaivault_domain::{PolicyId, Timestamp};

use super::decided::{Case, Recorded};
use super::epochs::{Epoch, Laid, PolicyChange, Sets, epochs};
use crate::policies::PolicySet;

/// How far back it is looked for the policies that a decision was made by: it may have been made before a change
/// that was recorded first.
const LOOKED_BACK: usize = 1_000;
/// Epochs that are kept with the proposal: decisions come in the order of the log.
const LAID: usize = 8;

/// Judges.
pub struct Judge {
    base: Base,
    proposal: Proposal,
    touched: HashSet<String>,
    /// When the replay was asked for.
    at: Timestamp,
    epochs: Vec<Epoch>,
    /// With the proposal: of the epochs that were needed last.
    laid: RwLock<BTreeMap<usize, Arc<Laid>>>,
}

impl Judge {
    /// Of a proposal over `base`, given all changes of the policies before the replay was asked for, in log order.
    pub fn new(base: Base, mut proposal: Proposal, at: Timestamp, changes: Vec<PolicyChange>) -> Self {
        let added = proposal.add.iter_mut().map(|added| &mut added.bindings);
        added.chain(proposal.replace.iter_mut().filter_map(|replaced| replaced.bindings.as_mut())).for_each(bound_once);
        let mut epochs = epochs(changes);
        if base == Base::Current {
            epochs = epochs.pop().into_iter().collect();
        }
        Self {
            base,
            laid: RwLock::default(),
            touched: proposal.touched().map(ToString::to_string).collect(),
            proposal,
            at,
            epochs,
        }
    }

    /// Whether a decision can come out otherwise: most need not be looked at further.
    pub fn concerns(&self, recorded: &Recorded<'_>) -> bool {
        match (self.base, recorded) {
            (_, Recorded::ByRole) => false,
            (Base::Current, Recorded::ByRule { .. } | Recorded::Denied) => true,
            (Base::Recorded, Recorded::ByRule { policy, .. }) => self.touched.contains(*policy),
            // Policies that are taken away allow nothing.
            (Base::Recorded, Recorded::Denied) => !(self.proposal.add.is_empty() && self.proposal.replace.is_empty()),
        }
    }

    /// How a decision recorded at `position` would have come out, if otherwise.
    pub fn judge(&self, position: u64, recorded: &Recorded<'_>, case: &Case) -> Option<After> {
        if !self.concerns(recorded) {
            return None;
        }
        let laid = self.laid(self.epoch(position, recorded, case)?)?;
        match (self.base, recorded) {
            (Base::Recorded, Recorded::Denied) => {
                self.allowed(permitting(&candidates(&laid.proposed, case), &case.asked())?)
            }
            (Base::Current, Recorded::Denied) => self.allowed(permitting(&candidates(&laid.all, case), &case.asked())?),
            (_, Recorded::ByRule { .. } | Recorded::ByRole) => {
                let candidates = candidates(&laid.all, case);
                match permitting(&candidates, &case.asked()) {
                    Some(_) => None,
                    None => {
                        let failed_condition = explain(&candidates, &case.asked()).failed_condition();
                        Some(After::Denied { failed_condition })
                    }
                }
            }
        }
    }

    fn allowed(&self, granted: Granted) -> Option<After> {
        let Granted { policy, rule_index } = granted;
        let revision = (!self.proposal.has_rules_of(&policy.id)).then_some(policy.revision);
        Some(After::Allowed { policy: policy.id.clone(), revision, rule_index: u32::try_from(rule_index).ok()? })
    }

    /// The policies as they stood at a decision: the latest by its place in which the rule that permitted could.
    fn epoch(&self, position: u64, recorded: &Recorded<'_>, case: &Case) -> Option<usize> {
        if self.base == Base::Current {
            return Some(0);
        }
        let before = self.epochs.partition_point(|epoch| epoch.since < position);
        let by_place = before.checked_sub(1);
        let Recorded::ByRule { policy, revision, .. } = recorded else { return by_place };
        let id = PolicyId::parse(policy)?;
        let stood = |epoch: &Epoch| {
            let counts = |end: Option<Timestamp>| end.is_none_or(|end| case.asked().at < end);
            let is_it = epoch.policy(&id).is_some_and(|held| held.policy.revision == *revision);
            is_it
                && epoch.sets.iter().any(|set| {
                    let bound = case.identities.iter().filter_map(|identity| set.binding(&id, identity));
                    bound.into_iter().any(|held| counts(held.binding.expires_at))
                })
        };
        let earlier = self.epochs.get(..before)?.iter().enumerate().rev().take(LOOKED_BACK);
        earlier.filter(|(_, epoch)| stood(epoch)).map(|(index, _)| index).next().or(by_place)
    }

    /// An epoch with the proposal.
    fn laid(&self, index: usize) -> Option<Arc<Laid>> {
        if let Some(laid) = self.laid.read().get(&index) {
            return Some(laid.clone());
        }
        let mut all = self.laid.write();
        // Another part may have made it meanwhile.
        if let Some(laid) = all.get(&index) {
            return Some(laid.clone());
        }
        let laid = Arc::new(Laid::of(&self.epochs.get(index)?.sets, &self.proposal, self.at));
        all.insert(index, laid.clone());
        if all.len() > LAID {
            all.pop_first();
        }
        Some(laid)
    }
}

/// Bound again, an identity has the later end.
fn bound_once(bindings: &mut Vec<ProposedBinding>) {
    let mut seen = HashSet::new();
    let mut kept: Vec<_> = bindings.drain(..).rev().filter(|binding| seen.insert(binding.identity.clone())).collect();
    kept.reverse();
    *bindings = kept;
}

fn candidates(sets: &Sets, case: &Case) -> Candidates {
    PolicySet::candidates(sets.iter(), case.identities.iter())
}
