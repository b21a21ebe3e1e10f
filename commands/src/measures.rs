//! Metrics that are counted for every request. Finding one by its labels costs more than counting, so what was found is
//! kept. Whoever installs a recorder does so before anything is counted.

use std::collections::BTreeMap;
use std::time::Duration;

use metrics::{Counter, Histogram};
use parking_lot::RwLock;
use scaivault_domain::audit::Action;
use scaivault_domain::delivery::{Attempt, Outcome};
use scaivault_domain::{Owner, TenantId};

/// Metrics of one name by their labels.
pub struct Kept<K, M>(RwLock<BTreeMap<K, M>>);

/// What commands count.
pub(crate) struct Measures {
    recorded: Histogram,
    writes: Kept<Option<TenantId>, Counter>,
}

/// Audit entries, which are made without an engine at hand.
static ENTRIES: Kept<(&'static str, bool), Counter> = Kept::new();

// === impl Kept ===

impl<K: Ord, M> Kept<K, M> {
    /// None yet.
    pub const fn new() -> Self {
        Self(RwLock::new(BTreeMap::new()))
    }

    /// Acts on the metric with these labels, which is found by `find` the first time.
    pub fn with(&self, labels: K, find: impl FnOnce(&K) -> M, act: impl FnOnce(&M)) {
        if let Some(metric) = self.0.read().get(&labels) {
            return act(metric);
        }
        let metric = find(&labels);
        act(&metric);
        self.0.write().insert(labels, metric);
    }
}

impl<K: Ord, M> Default for Kept<K, M> {
    fn default() -> Self {
        Self::new()
    }
}

// === impl Measures ===

impl Measures {
    pub(crate) fn new() -> Self {
        Self { recorded: metrics::histogram!("scaivault_audit_append_seconds"), writes: Kept::new() }
    }

    /// Audit entries became durable by themselves.
    pub(crate) fn recorded(&self, took: Duration) {
        self.recorded.record(took);
    }

    /// A secret was written.
    pub(crate) fn wrote(&self, owner: &Owner) {
        self.writes.with(
            owner.tenant().cloned(),
            |tenant| {
                let tenant = tenant.as_ref().map_or("", TenantId::as_str).to_owned();
                metrics::counter!("scaivault_secret_writes_total", "tenant" => tenant)
            },
            |counter| counter.increment(1),
        );
    }
}

/// A secret was rotated, or no value could be made for it.
pub(crate) fn rotated(success: bool) {
    let status = if success { "success" } else { "failed" };
    metrics::counter!("scaivault_secret_rotations_total", "status" => status).increment(1);
}

/// An audit entry was made.
pub(crate) fn entry_made(action: Action, success: bool) {
    ENTRIES.with(
        (action.as_str(), success),
        |(action, success)| {
            let success = if *success { "true" } else { "false" };
            metrics::counter!("scaivault_audit_entries_total", "action" => *action, "success" => success)
        },
        |counter| counter.increment(1),
    );
}

/// An attempt to deliver an event was noted.
pub(crate) fn delivered(attempt: &Attempt) {
    let has_arrived = matches!(attempt.outcome, Outcome::Success {});
    let status = if has_arrived { "success" } else { "failed" };
    metrics::counter!("scaivault_webhook_deliveries_total", "status" => status).increment(1);
    if let Some(millis) = attempt.duration_ms {
        metrics::histogram!("scaivault_webhook_delivery_duration_seconds").record(Duration::from_millis(millis));
    }
}
