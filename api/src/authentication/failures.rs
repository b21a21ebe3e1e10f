//! Floods of rejected tokens, folded into few audit entries.

use std::collections::HashMap;
use std::net::IpAddr;

use parking_lot::Mutex;
use scaivault_domain::Timestamp;

/// Rejected tokens of one address and one second beyond the tenth share an entry.
#[derive(Default)]
pub struct FailureFold {
    seconds: Mutex<HashMap<(IpAddr, &'static str, i64), u64>>,
}

/// Failures of an address and second that are recorded one by one.
const RECORDED_SINGLY: u64 = 10;

impl FailureFold {
    /// Whether this failure is recorded by itself. Those that are not come out of [`Self::folded`].
    pub fn admit(&self, address: IpAddr, code: &'static str, now: Timestamp) -> bool {
        let mut seconds = self.seconds.lock();
        let count = seconds.entry((address, code, now.as_seconds())).or_default();
        *count += 1;
        *count <= RECORDED_SINGLY
    }

    /// Takes failures back that could not be recorded: they come out again with those of this second.
    pub fn put_back(&self, address: IpAddr, code: &'static str, count: u64, now: Timestamp) {
        let mut seconds = self.seconds.lock();
        let held = seconds.entry((address, code, now.as_seconds())).or_insert(RECORDED_SINGLY);
        *held += count;
    }

    /// Seconds that are over, with the failures in them that were not recorded yet.
    pub fn folded(&self, now: Timestamp) -> Vec<(IpAddr, &'static str, u64)> {
        let mut over = Vec::new();
        self.seconds.lock().retain(|(address, code, second), count| {
            let is_over = *second < now.as_seconds();
            if is_over && *count > RECORDED_SINGLY {
                over.push((*address, *code, *count - RECORDED_SINGLY));
            }
            !is_over
        });
        over
    }
}
