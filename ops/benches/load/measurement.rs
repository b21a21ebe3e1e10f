//! What the server's own metrics say of a phase: how many units it committed at a time.

use std::net::SocketAddr;

use crate::exchange;
use crate::failure::Failure;

/// Sum and number of the observations of `scaivault_log_batch_size` so far.
#[derive(Clone, Copy)]
pub(crate) struct Commits {
    units: f64,
    commits: f64,
}

// === impl Commits ===

impl Commits {
    /// As of now.
    pub(crate) fn read(metrics: SocketAddr) -> Result<Self, Failure> {
        let answer = exchange::get(metrics, "/metrics")?;
        if answer.status != 200 {
            return Err(Failure::Unusable(format!("the metrics answer {}", answer.status)));
        }
        let value = |name: &str| {
            let line = answer.body.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
            // Before the first commit of the process there is no line.
            line.unwrap_or(0.0)
        };
        Ok(Self { units: value("scaivault_log_batch_size_sum "), commits: value("scaivault_log_batch_size_count ") })
    }

    /// Mean number of units in the commits since `earlier`; `None` if there was none.
    pub(crate) fn mean_since(self, earlier: Self) -> Option<f64> {
        let commits = self.commits - earlier.commits;
        (commits > 0.0).then(|| (self.units - earlier.units) / commits)
    }
}
