//! Latencies, kept in buckets of at most 1.6 % of their value.

use std::time::Duration;

/// Buckets of one power of two, as a power of two.
const PRECISION: u32 = 6;
/// Buckets of one power of two.
const STEPS: u64 = 1 << PRECISION;

/// How often each latency occurred.
#[derive(Clone)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    longest: Duration,
}

// === impl Histogram ===

impl Histogram {
    /// Without any.
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; bucket(u64::MAX) + 1], total: 0, longest: Duration::ZERO }
    }

    /// Adds one.
    pub(crate) fn record(&mut self, latency: Duration) {
        if let Some(count) = self.counts.get_mut(bucket(nanoseconds(latency))) {
            *count += 1;
        }
        self.total += 1;
        self.longest = self.longest.max(latency);
    }

    /// Adds all of another one.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.longest = self.longest.max(other.longest);
    }

    /// How many there are.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The longest, exact.
    pub(crate) fn longest(&self) -> Duration {
        self.longest
    }

    /// The latency that `share` (0–1) of all do not exceed, rounded up to the end of its bucket.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let wanted = (share * self.total as f64).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return Duration::from_nanos(bucket_end(index)).min(self.longest);
            }
        }
        self.longest
    }
}

fn nanoseconds(latency: Duration) -> u64 {
    u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX)
}

/// Values below twice `STEPS` have a bucket each; above, each power of two has `STEPS` of them.
fn bucket(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(PRECISION + 1);
    (u64::from(shift) * STEPS + (value >> shift)) as usize
}

/// The largest value of a bucket.
fn bucket_end(index: usize) -> u64 {
    let index = index as u64;
    let shift = (index / STEPS).saturating_sub(1);
    let first = (index - shift * STEPS) << shift;
    first + ((1 << shift) - 1)
}
