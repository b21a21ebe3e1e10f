//! Metrics of requests.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};
use scaivault_commands::measures::Kept;
use scaivault_domain::{Owner, TenantId};

use crate::operation::Operation;

/// What the API counts.
#[derive(Default)]
pub struct Measures {
    active: Kept<&'static str, Gauge>,
    /// By method, category and status.
    requests: Kept<(&'static str, &'static str, u16), Counter>,
    /// By method and category.
    durations: Kept<(&'static str, &'static str), Histogram>,
    /// By tenant and type of secret.
    reads: Kept<(Option<TenantId>, &'static str), Counter>,
}

/// Counts a request as active until it is dropped.
pub(crate) struct Active(Gauge);

// === impl Measures ===

impl Measures {
    /// A request has begun.
    pub(crate) fn begin(&self, operation: &'static Operation) -> Active {
        let mut active = None;
        self.active.with(
            operation.category.as_str(),
            |category| metrics::gauge!("scaivault_active_requests", "path_category" => *category),
            |gauge| active = Some(gauge.clone()),
        );
        let active = Active(active.unwrap_or_else(Gauge::noop));
        active.0.increment(1.0);
        active
    }

    /// A request has its answer; `None` if it was for no operation.
    pub(crate) fn answered(&self, operation: Option<&'static Operation>, status: u16, took: Duration) {
        let category = operation.map_or("public", |operation| operation.category.as_str());
        // Any text can be sent as a verb; those without a route must not become labels.
        let method = operation.map_or("other", |operation| operation.method.as_str());
        self.requests.with(
            (method, category, status),
            |(method, category, status)| {
                let status = status.to_string();
                metrics::counter!("scaivault_requests_total", "method" => *method, "path_category" => *category, "status" => status)
            },
            |counter| counter.increment(1),
        );
        self.durations.with(
            (method, category),
            |(method, category)| {
                metrics::histogram!("scaivault_request_duration_seconds", "method" => *method, "path_category" => *category)
            },
            |histogram| histogram.record(took),
        );
    }

    /// A value was served.
    pub(crate) fn read(&self, owner: &Owner, secret_type: &'static str) {
        self.reads.with(
            (owner.tenant().cloned(), secret_type),
            |(tenant, secret_type)| {
                let tenant = tenant.as_ref().map_or("", TenantId::as_str).to_owned();
                metrics::counter!("scaivault_secret_reads_total", "tenant" => tenant, "secret_type" => *secret_type)
            },
            |counter| counter.increment(1),
        );
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
