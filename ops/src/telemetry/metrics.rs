//! The metrics of the process: which there are, how they are kept, and how they are shown. Labels never hold secret
//! paths, secret values or tokens.

mod catalogue;
mod open_metrics;

use std::time::Duration;

use ::metrics::gauge;
use http::HeaderMap;
use http::header::ACCEPT;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use metrics_process::Collector;

/// Content type of the text format.
const TEXT: &str = "text/plain; version=0.0.4";
/// How often observations are moved into their buckets when nobody asks for metrics.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Bucket limits of durations, in seconds: from an append in memory to the longest request.
const SECONDS_BUCKETS: &[f64] =
    &[0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Bucket limits of numbers of records.
const BATCH_BUCKETS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0];

/// Access to everything that has been recorded.
pub(crate) struct Metrics {
    handle: PrometheusHandle,
    process: Collector,
}

/// Why metrics cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum MetricsError {
    /// The buckets are unusable.
    #[error("the buckets of the metrics are unusable")]
    Buckets(#[source] BuildError),
    /// There is a recorder already.
    #[error("metrics are being recorded already")]
    AlreadyInstalled,
}

/// Starts recording; once per process. `version` and `commit` are those of the build.
pub(crate) fn install(version: &'static str, commit: &'static str) -> Result<Metrics, MetricsError> {
    let recorder = recorder()?;
    let handle = recorder.handle();
    ::metrics::set_global_recorder(recorder).map_err(|_| MetricsError::AlreadyInstalled)?;
    Ok(Metrics::started(handle, version, commit))
}

fn recorder() -> Result<PrometheusRecorder, MetricsError> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS_BUCKETS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_batch_size".to_owned()), BATCH_BUCKETS))
        .map_err(MetricsError::Buckets)?;
    Ok(builder.build_recorder())
}

// === impl Metrics ===

impl Metrics {
    fn started(handle: PrometheusHandle, version: &'static str, commit: &'static str) -> Self {
        let process = Collector::default();
        catalogue::describe();
        process.describe();
        gauge!("scaivault_build_info", "version" => version, "commit" => commit).set(1.0);
        Self { handle, process }
    }

    /// Metrics that nothing is recorded in.
    #[cfg(test)]
    pub(crate) fn detached() -> Self {
        Self { handle: PrometheusBuilder::new().build_recorder().handle(), process: Collector::default() }
    }

    /// All metrics in the text format 0.0.4.
    pub(crate) fn render(&self) -> String {
        self.process.collect();
        self.handle.run_upkeep();
        self.handle.render()
    }

    /// Content type and text of the answer to a request with these headers: OpenMetrics where `Accept` names it.
    pub(crate) fn answer(&self, headers: &HeaderMap) -> (&'static str, String) {
        let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let text = self.render();
        if accepted.into_iter().any(|value| value.to_ascii_lowercase().contains(open_metrics::MEDIA_TYPE)) {
            (open_metrics::CONTENT_TYPE, open_metrics::from_text(&text))
        } else {
            (TEXT, text)
        }
    }

    /// Keeps the memory of observations small while nobody asks for metrics; never ends.
    pub(crate) async fn upkeep(&self) {
        let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            self.handle.run_upkeep();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ::metrics::{counter, histogram, with_local_recorder};

    use super::*;

    #[test]
    fn metrics_have_help_types_and_buckets() {
        let recorder = recorder().unwrap();
        let metrics = with_local_recorder(&recorder, || {
            let metrics = Metrics::started(recorder.handle(), "1.0.0", "3f9c1d2");
            counter!("scaivault_secret_writes_total", "tenant" => "tnt_a").increment(3);
            histogram!("scaivault_log_append_seconds").record(0.003);
            histogram!("scaivault_log_batch_size").record(3.0);
            metrics
        });
        let text = with_local_recorder(&recorder, || metrics.render());
        for line in [
            "scaivault_build_info{version=\"1.0.0\",commit=\"3f9c1d2\"} 1",
            "# TYPE scaivault_secret_writes_total counter",
            "scaivault_secret_writes_total{tenant=\"tnt_a\"} 3",
            "# TYPE scaivault_log_append_seconds histogram",
            "scaivault_log_append_seconds_bucket{le=\"0.0025\"} 0",
            "scaivault_log_append_seconds_bucket{le=\"0.005\"} 1",
            "scaivault_log_batch_size_bucket{le=\"4\"} 1",
            "scaivault_log_batch_size_count 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(text.contains("# HELP scaivault_log_batch_size "), "{text}");
        assert!(text.contains("process_cpu_seconds_total"), "{text}");
        let mut headers = HeaderMap::new();
        assert_eq!(with_local_recorder(&recorder, || metrics.answer(&headers)).0, TEXT);
        headers.insert(ACCEPT, "application/openmetrics-text; version=1.0.0, text/plain;q=0.5".parse().unwrap());
        let (content_type, text) = with_local_recorder(&recorder, || metrics.answer(&headers));
        assert!(content_type.starts_with("application/openmetrics-text") && text.ends_with("# EOF\n"));
    }
}
