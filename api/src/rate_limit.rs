//! Token buckets per caller and category: one minute's limit as capacity, refilled continuously.

use std::collections::HashMap;
use std::time::Instant;

use parking_lot::Mutex;

use crate::category::Category;

const SHARDS: usize = 16;
/// A shard drops full buckets when it has grown to this.
const SWEEP_AT: usize = 4_096;

/// Limit of one category.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Requests a minute, and capacity of a bucket.
    pub per_minute: u32,
    /// Whether an empty bucket refuses.
    pub enforced: bool,
}

/// What a bucket says, for headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Capacity.
    pub limit: u32,
    /// Whole units left.
    pub remaining: u32,
    /// Seconds until it is full again.
    pub full_in_seconds: u64,
}

/// An empty bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// Which category.
    pub category: Category,
    /// Seconds until the request can pass, at least 1.
    pub retry_after: u64,
    /// The bucket.
    pub level: Level,
}

#[derive(Clone, Copy)]
struct Bucket {
    units: f64,
    at: Instant,
}

/// By caller: few categories each, so looked through.
type Shard = Mutex<HashMap<Box<str>, Vec<(Category, Bucket)>>>;

/// All buckets of this process.
pub struct RateLimits {
    limits: HashMap<Category, Limit>,
    shards: Vec<Shard>,
}

impl RateLimits {
    /// With these limits; a category without one is not limited.
    pub fn new(limits: HashMap<Category, Limit>) -> Self {
        Self { limits, shards: (0..SHARDS).map(|_| Shard::default()).collect() }
    }

    /// Takes `units` from the bucket of `who`, all or none.
    pub fn take(&self, who: &str, category: Category, units: u32, now: Instant) -> Result<Level, Exhausted> {
        self.with_bucket(who, category, now, |bucket, limit| {
            let wanted = f64::from(units);
            if bucket.units >= wanted {
                bucket.units -= wanted;
                return Ok(level(*bucket, limit));
            }
            if !limit.enforced {
                bucket.units = 0.0;
                return Ok(level(*bucket, limit));
            }
            let missing = wanted.min(f64::from(limit.per_minute)) - bucket.units;
            Err(Exhausted { category, retry_after: whole_seconds(missing, limit).max(1), level: level(*bucket, limit) })
        })
    }

    /// Whether the bucket of `who` holds a unit, without taking it.
    pub fn check(&self, who: &str, category: Category, now: Instant) -> Result<(), Exhausted> {
        self.with_bucket(who, category, now, |bucket, limit| {
            if bucket.units >= 1.0 || !limit.enforced {
                return Ok(());
            }
            let retry_after = whole_seconds(1.0 - bucket.units, limit).max(1);
            Err(Exhausted { category, retry_after, level: level(*bucket, limit) })
        })
    }

    /// What the bucket of `who` says, without taking from it.
    pub fn level(&self, who: &str, category: Category, now: Instant) -> Level {
        self.with_bucket(who, category, now, |bucket, limit| level(*bucket, limit))
    }

    /// The buckets that are used most: caller, category and fill between 0 and 1.
    pub fn fullest_used(&self, most: usize, now: Instant) -> Vec<(String, Category, f64)> {
        let mut rows = Vec::new();
        for shard in &self.shards {
            for (who, buckets) in shard.lock().iter() {
                for (category, bucket) in buckets {
                    let Some(limit) = self.limits.get(category) else { continue };
                    let fill = refilled(*bucket, *limit, now).units / f64::from(limit.per_minute);
                    rows.push((who.to_string(), *category, fill));
                }
            }
        }
        rows.sort_by(|a, b| a.2.total_cmp(&b.2));
        rows.truncate(most);
        rows
    }

    fn with_bucket<T>(
        &self,
        who: &str,
        category: Category,
        now: Instant,
        act: impl FnOnce(&mut Bucket, Limit) -> T,
    ) -> T {
        let unlimited = Limit { per_minute: u32::MAX, enforced: false };
        let limit = self.limits.get(&category).copied().unwrap_or(unlimited);
        let full = Bucket { units: f64::from(limit.per_minute), at: now };
        let Some(shard) = self.shards.get(shard_of(who)) else { return act(&mut full.clone(), limit) };
        let mut callers = shard.lock();
        if callers.len() >= SWEEP_AT {
            let is_used = |(category, bucket): &(Category, Bucket)| {
                self.limits
                    .get(category)
                    .is_some_and(|limit| refilled(*bucket, *limit, now).units < f64::from(limit.per_minute))
            };
            callers.retain(|_, buckets| buckets.iter().any(is_used));
        }
        let buckets = match callers.get_mut(who) {
            Some(buckets) => buckets,
            None => callers.entry(who.into()).or_default(),
        };
        if let Some((_, bucket)) = buckets.iter_mut().find(|(of, _)| *of == category) {
            *bucket = refilled(*bucket, limit, now);
            return act(bucket, limit);
        }
        let mut bucket = full;
        let done = act(&mut bucket, limit);
        buckets.push((category, bucket));
        done
    }
}

fn shard_of(who: &str) -> usize {
    let hash = who.bytes().fold(0_usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(usize::from(byte)));
    hash % SHARDS
}

fn refilled(bucket: Bucket, limit: Limit, now: Instant) -> Bucket {
    let capacity = f64::from(limit.per_minute);
    let elapsed = now.saturating_duration_since(bucket.at).as_secs_f64();
    Bucket { units: (bucket.units + elapsed * capacity / 60.0).min(capacity), at: now.max(bucket.at) }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bucket levels lie between 0 and u32::MAX")]
fn level(bucket: Bucket, limit: Limit) -> Level {
    let missing = f64::from(limit.per_minute) - bucket.units;
    Level { limit: limit.per_minute, remaining: bucket.units as u32, full_in_seconds: whole_seconds(missing, limit) }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a minute's worth of units")]
fn whole_seconds(units: f64, limit: Limit) -> u64 {
    (units * 60.0 / f64::from(limit.per_minute)).ceil() as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_empties_refuses_and_refills() {
        let limit = Limit { per_minute: 60, enforced: true };
        let limits = RateLimits::new(HashMap::from([(Category::Auth, limit)]));
        let start = Instant::now();
        for left in (0..60).rev() {
            assert_eq!(limits.take("user:a", Category::Auth, 1, start).unwrap().remaining, left);
        }
        let empty = limits.take("user:a", Category::Auth, 1, start).unwrap_err();
        assert_eq!((empty.retry_after, empty.level.full_in_seconds), (1, 60));
        assert_eq!(limits.take("user:a", Category::Auth, 5, start).unwrap_err().retry_after, 5);
        assert_eq!(limits.check("user:a", Category::Auth, start).unwrap_err().retry_after, 1);
        assert!(limits.check("user:b", Category::Auth, start).is_ok());
        assert!(limits.take("user:b", Category::Auth, 1, start).is_ok());
        assert!(limits.take("user:a", Category::Auth, 2, start + Duration::from_secs(2)).is_ok());
        assert!(limits.take("user:a", Category::Auth, 1, start + Duration::from_secs(2)).is_err());
        assert_eq!(limits.level("user:a", Category::Auth, start + Duration::from_secs(120)).remaining, 60);
    }
}
