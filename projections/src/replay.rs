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

pub use run::{Question, run};

/// What a replay has found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
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

    /// Adds what was found further on in the log.
    fn append(&mut self, later: Self) {
        self.evaluated += later.evaluated;
        self.allowed_to_denied += later.allowed_to_denied;
        self.denied_to_allowed += later.denied_to_allowed;
        let room = MAX_KEPT.saturating_sub(self.differences.len());
        self.differences.extend(later.differences.into_iter().take(room));
    }
}
