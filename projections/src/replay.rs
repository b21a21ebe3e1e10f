//! Past decisions judged again under a proposed set of policies.
//!
//! What a decision was about, and how it came out, is in its audit entry and in what is kept beside it ([`decided`]); the
//! policies as they stood are a fold of two streams ([`epochs`]). A decision that the proposal cannot concern is as it
//! was recorded, without judging: so an empty proposal over the policies as they stood changes nothing, whatever raced
//! with whatever.

pub mod decided;
pub mod epochs;
pub mod judge;
mod run;

use scaivault_domain::policy::replay::{Difference, MAX_KEPT};

use serde::{Deserialize, Serialize};

pub use run::{Question, run};

/// How far a replay has come, in positions of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// Where it began.
    pub from: u64,
    /// The last record that it has gone over.
    pub reached: u64,
    /// Where it ends.
    pub to: u64,
}

impl Way {
    /// How many decisions there will be in the end, by those on the way so far: exact at the end.
    pub fn expected(&self, evaluated: u64) -> u64 {
        let (gone, all) = (self.reached.saturating_sub(self.from), self.to.saturating_sub(self.from));
        match u128::from(gone) {
            0 => evaluated,
            gone => u64::try_from(u128::from(evaluated) * u128::from(all) / gone).unwrap_or(u64::MAX).max(evaluated),
        }
    }
}

/// What a replay has found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// How far it has come.
    pub way: Way,
    /// Decisions judged again.
    pub evaluated: u64,
    /// Of these, allowed and would be denied.
    pub allowed_to_denied: u64,
    /// Denied and would be allowed.
    pub denied_to_allowed: u64,
    /// The first of both, in log order.
    pub differences: Vec<Difference>,
}

impl Found {
    /// Counts a decision, with its difference if there is one.
    fn count(&mut self, difference: Option<Difference>) {
        self.evaluated += 1;
        let Some(difference) = difference else { return };
        match difference.after.is_allowed() {
            true => self.denied_to_allowed += 1,
            false => self.allowed_to_denied += 1,
        }
        if self.differences.len() < MAX_KEPT {
            self.differences.push(difference);
        }
    }

    /// Adds what was found further on in the log, up to a record.
    fn append(&mut self, later: Self, reached: u64) {
        self.way.reached = reached;
        self.evaluated += later.evaluated;
        self.allowed_to_denied += later.allowed_to_denied;
        self.denied_to_allowed += later.denied_to_allowed;
        let room = MAX_KEPT.saturating_sub(self.differences.len());
        self.differences.extend(later.differences.into_iter().take(room));
    }
}
