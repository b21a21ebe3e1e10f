//! Every metric of the server with its kind and its help text.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// What a metric is.
#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

const CATALOGUE: &[(&str, Kind, &str)] = &[
    ("scaivault_build_info", Kind::Gauge, "Version and commit of this build; always 1."),
    ("scaivault_requests_total", Kind::Counter, "Requests answered."),
    ("scaivault_request_duration_seconds", Kind::Histogram, "Time from a request to its answer."),
    ("scaivault_active_requests", Kind::Gauge, "Requests in progress."),
    ("scaivault_auth_failures_total", Kind::Counter, "Requests refused because of their token, by error code."),
    ("scaivault_access_denied_total", Kind::Counter, "Requests refused by scope, policy or condition, by reason."),
    ("scaivault_rate_limit_hits_total", Kind::Counter, "Requests refused because a bucket was empty."),
    ("scaivault_rate_limit_bucket_fill", Kind::Gauge, "How full a bucket is, from 0 to 1; the most used ones."),
    ("scaivault_secrets_total", Kind::Gauge, "Secrets."),
    ("scaivault_secret_reads_total", Kind::Counter, "Secret values served."),
    ("scaivault_secret_writes_total", Kind::Counter, "Secret versions written."),
    ("scaivault_secret_rotations_total", Kind::Counter, "Rotations, by outcome."),
    ("scaivault_rotation_queue_depth", Kind::Gauge, "Secrets whose rotation is due or overdue."),
    ("scaivault_certificates_active", Kind::Gauge, "Certificates that are valid."),
    ("scaivault_certificates_expiring_soon", Kind::Gauge, "Certificates that expire within so many days."),
    ("scaivault_acme_orders_total", Kind::Counter, "ACME orders, by outcome."),
    ("scaivault_leases_active", Kind::Gauge, "Leases that are active."),
    ("scaivault_leases_generated_total", Kind::Counter, "Credentials generated."),
    ("scaivault_engine_health", Kind::Gauge, "Whether the target of an engine answers."),
    ("scaivault_webhook_queue_depth", Kind::Gauge, "Deliveries that are pending."),
    ("scaivault_webhook_deliveries_total", Kind::Counter, "Attempts to deliver, by outcome."),
    ("scaivault_webhook_delivery_duration_seconds", Kind::Histogram, "Time one attempt to deliver took."),
    ("scaivault_federation_sync_total", Kind::Counter, "Synchronisations with backends, by outcome."),
    ("scaivault_log_position", Kind::Gauge, "Last position of the log."),
    ("scaivault_log_append_seconds", Kind::Histogram, "Time from queueing a record to its commit."),
    ("scaivault_log_batch_size", Kind::Histogram, "Records written in one commit."),
    ("scaivault_audit_append_seconds", Kind::Histogram, "Time from an access to the commit of its record."),
    ("scaivault_audit_entries_total", Kind::Counter, "Audit entries written."),
    ("scaivault_projection_lag_events", Kind::Gauge, "Events a read model has not applied yet."),
    ("scaivault_bus_latency_seconds", Kind::Histogram, "Time from a commit to its arrival by the bus."),
    ("scaivault_db_latency_seconds", Kind::Histogram, "Time a statement of the store took."),
    ("scaivault_db_pool_size", Kind::Gauge, "Connections of the pool."),
    ("scaivault_db_pool_available", Kind::Gauge, "Connections of the pool that are idle."),
    ("scaivault_kms_latency_seconds", Kind::Histogram, "Time an operation with the root key took."),
    ("scaivault_sealed", Kind::Gauge, "Whether this node is sealed."),
];

/// Tells the recorder about every metric. It shows only those that have a value.
pub(super) fn describe() {
    for &(name, kind, help) in CATALOGUE {
        match kind {
            Kind::Counter => describe_counter!(name, help),
            Kind::Gauge => describe_gauge!(name, help),
            Kind::Histogram => describe_histogram!(name, help),
        }
    }
}
