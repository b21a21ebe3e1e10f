//! Floods of rejected tokens, folded into few audit entries.

use std::collections::HashMap;
use std::net::IpAddr;

use parking_lot::Mutex;
use scaivault_domain::{IdentityId, Owner, Timestamp};

/// What makes failures identical.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuthFailure {
    /// Whence.
    pub address: IpAddr,
    /// Code of the error.
    pub code: &'static str,
    /// Whose log they belong into.
    pub owner: Owner,
    /// Whose tokens, if that is known.
    pub identity: Option<IdentityId>,
}

/// Identical failures of one second beyond the tenth share an entry.
#[derive(Default)]
pub struct FailureFold {
    seconds: Mutex<HashMap<(AuthFailure, i64), u64>>,
}

/// Failures of a kind and second that are recorded one by one.
const RECORDED_SINGLY: u64 = 10;

impl FailureFold {
    /// Whether this failure is recorded by itself. Those that are not come out of [`Self::folded`].
    pub fn admit(&self, failure: AuthFailure, now: Timestamp) -> bool {
        let mut seconds = self.seconds.lock();
        let count = seconds.entry((failure, now.as_seconds())).or_default();
        *count += 1;
        *count <= RECORDED_SINGLY
    }

    /// Takes failures back that could not be recorded: they come out again with those of this second.
    pub fn put_back(&self, failure: AuthFailure, count: u64, now: Timestamp) {
        let mut seconds = self.seconds.lock();
        let held = seconds.entry((failure, now.as_seconds())).or_insert(RECORDED_SINGLY);
        *held += count;
    }

    /// Failures of the seconds before `end` that were not recorded yet.
    pub fn folded(&self, end: Timestamp) -> Vec<(AuthFailure, u64)> {
        let mut over = Vec::new();
        self.seconds.lock().retain(|(failure, second), count| {
            let is_over = *second < end.as_seconds();
            if is_over && *count > RECORDED_SINGLY {
                over.push((failure.clone(), *count - RECORDED_SINGLY));
            }
            !is_over
        });
        over
    }
}
