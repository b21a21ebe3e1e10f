//! Gauges that are looked up when metrics are asked for.

use std::time::Instant;

use crate::App;
use crate::category::Category;

/// Buckets shown by fill.
const BUCKETS: usize = 100;

/// Sets them.
#[allow(clippy::cast_precision_loss, reason = "gauges are floating-point numbers")]
pub fn set(app: &App) {
    let view = app.engine.projections().view();
    for (owner, catalogue) in view.catalogues() {
        if let Some(tenant) = owner.tenant() {
            metrics::gauge!("scaivault_secrets_total", "tenant" => tenant.as_str().to_owned())
                .set(catalogue.len() as f64);
        }
    }
    metrics::gauge!("scaivault_projection_lag_events", "projection" => "view").set(app.engine.lag() as f64);
    metrics::gauge!("scaivault_rotation_queue_depth").set(view.rotations.queue(app.engine.now()) as f64);
    let waiting =
        app.engine.projections().outboxes(|all| all.all().map(|(_, outbox)| outbox.waiting.len()).sum::<usize>());
    metrics::gauge!("scaivault_webhook_queue_depth").set(waiting as f64);
    metrics::gauge!("scaivault_sealed").set(0.0);
    metrics::gauge!("scaivault_build_info", "version" => app.settings.version, "commit" => app.settings.commit)
        .set(1.0);
    let buckets = app.rate_limits.fullest_used(BUCKETS, Instant::now());
    // Buckets of addresses are left out: anybody could make any number of them.
    for (who, category, fill) in buckets.into_iter().filter(|(_, category, _)| *category != Category::Public) {
        let identity = who.split(' ').next_back().unwrap_or_default().to_owned();
        metrics::gauge!("scaivault_rate_limit_bucket_fill", "category" => category.as_str(), "identity" => identity)
            .set(fill);
    }
}
