//! One decision judged again: pure, and of one answer however often it is asked.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use parking_lot::RwLock;
use scaivault_domain::policy::replay::{After, Base, Proposal, ProposedBinding};
use scaivault_domain::policy::{Candidates, Granted, explain, permitting};
use scaivault_domain::{PolicyId, Timestamp};
use scaivault_eventstore::StoreError;

use super::decided::{Case, Recorded};
use super::epochs::{Changes, Epoch, Epochs, Laid, Sets};
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
    epochs: RwLock<Epochs>,
    /// With the proposal: of the epochs that were needed last, by their beginning.
    laid: RwLock<BTreeMap<u64, Arc<Laid>>>,
}

impl Judge {
    /// Of a proposal over `base`, asked for at `at`. It is to be told the policies before it is asked.
    pub fn new(base: Base, mut proposal: Proposal, at: Timestamp) -> Self {
        let added = proposal.add.iter_mut().map(|added| &mut added.bindings);
        added.chain(proposal.replace.iter_mut().filter_map(|replaced| replaced.bindings.as_mut())).for_each(bound_once);
        Self {
            base,
            laid: RwLock::default(),
            touched: proposal.touched().map(ToString::to_string).collect(),
            proposal,
            at,
            epochs: RwLock::default(),
        }
    }

    /// Learns of the changes up to the record at `last`, of which there are no more before `first` that it was not told.
    /// Decisions from `first` to `last` can be judged then.
    pub async fn advance(&self, changes: &mut Changes<'_>, first: u64, last: u64) -> Result<(), StoreError> {
        while let Some(change) = changes.next(last).await? {
            let mut epochs = self.epochs.write();
            epochs.fold(change);
            match self.base {
                Base::Recorded => epochs.forget_before(first, LOOKED_BACK),
                Base::Current => epochs.forget_before(u64::MAX, 1),
            }
        }
        Ok(())
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
        let epoch = self.epoch(position, recorded, case)?;
        let laid = self.laid(&epoch);
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
    fn epoch(&self, position: u64, recorded: &Recorded<'_>, case: &Case) -> Option<Arc<Epoch>> {
        let epochs = self.epochs.read();
        if self.base == Base::Current {
            return epochs.latest().cloned();
        }
        let by_place = || epochs.before(position).next().cloned();
        let Recorded::ByRule { policy, revision, .. } = recorded else { return by_place() };
        let id = PolicyId::parse(policy)?;
        let stood = |epoch: &&Arc<Epoch>| {
            let counts = |end: Option<Timestamp>| end.is_none_or(|end| case.asked().at < end);
            let is_it = epoch.policy(&id).is_some_and(|held| held.policy.revision == *revision);
            is_it
                && epoch.sets.iter().any(|set| {
                    let bound = case.identities.iter().filter_map(|identity| set.binding(&id, identity));
                    bound.into_iter().any(|held| counts(held.binding.expires_at))
                })
        };
        epochs.before(position).take(LOOKED_BACK).find(stood).cloned().or_else(by_place)
    }

    /// An epoch with the proposal.
    fn laid(&self, epoch: &Epoch) -> Arc<Laid> {
        if let Some(laid) = self.laid.read().get(&epoch.since) {
            return laid.clone();
        }
        let mut all = self.laid.write();
        // Another part may have made it meanwhile.
        if let Some(laid) = all.get(&epoch.since) {
            return laid.clone();
        }
        let laid = Arc::new(Laid::of(&epoch.sets, &self.proposal, self.at));
        all.insert(epoch.since, laid.clone());
        if all.len() > LAID {
            all.pop_first();
        }
        laid
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
