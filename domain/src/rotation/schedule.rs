//! When a secret is due: its last rotation and the interval, spread, moved into the window and away from others.

use sha2::{Digest as _, Sha256};

use super::RotationPolicy;
use crate::policy::TimeWindow;
use crate::{SecretPath, Timestamp};

/// Longest time over which due dates are spread, in seconds.
const WIDEST: i64 = 3_600;
/// The part of an interval over which due dates are spread: one in so many.
const PART: u128 = 100;

/// What a due date rests on besides the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// The last rotation, or the creation of the version that was current at the attachment.
    pub since: Timestamp,
    /// The attachment.
    pub attached_at: Timestamp,
    /// The last rotation to keep away from.
    pub paired: Option<Timestamp>,
}

/// When a secret is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// When.
    pub due_at: Timestamp,
    /// Since when that is its due date: what was to be told before is not told any more.
    pub since: Timestamp,
}

impl RotationPolicy {
    /// When the secret at `path` is due.
    pub fn schedule(&self, path: &SecretPath, basis: Basis) -> Schedule {
        let fraction = self.fraction(path);
        let Basis { since, attached_at, paired } = basis;
        let interval = self.content.interval.seconds();
        let is_stale = since.plus_seconds(interval) <= attached_at;
        let offset = offset(fraction, interval);
        let regular = if is_stale { attached_at.plus_seconds(offset) } else { since.plus_seconds(interval - offset) };
        let free = self.content.min_distance.as_ref().zip(paired);
        let free = free.map(|(distance, last)| last.plus_seconds(distance.duration.seconds()));
        let moved = free.filter(|free| regular < *free);
        let wanted = moved.unwrap_or(regular);
        let due_at = self.content.window.as_ref().map_or(wanted, |window| within(window, wanted, fraction));
        let changed = [Some(since), Some(attached_at), Some(self.scheduled_since), moved.and(paired)];
        Schedule { due_at, since: changed.into_iter().flatten().max().unwrap_or(since) }
    }

    /// Where between 0 and 1 a secret stands among those of the policy, times 2⁶⁴. Fixed, whatever happens to it.
    fn fraction(&self, path: &SecretPath) -> u64 {
        let digest =
            Sha256::new().chain_update(self.id.as_str()).chain_update("/").chain_update(path.as_str()).finalize();
        digest.iter().take(8).fold(0, |fraction, byte| (fraction << 8) | u64::from(*byte))
    }
}

/// By how much a due date is earlier, in whole seconds: up to a hundredth of the interval, and an hour.
fn offset(fraction: u64, interval: i64) -> i64 {
    let interval = u128::try_from(interval).unwrap_or_default().min(u128::try_from(WIDEST).unwrap_or_default() * PART);
    i64::try_from((u128::from(fraction) * interval / PART) >> 64).unwrap_or_default()
}

/// The moment itself if the window is open then; else one soon after it opens next. A window that never opens moves
/// nothing.
fn within(window: &TimeWindow, at: Timestamp, fraction: u64) -> Timestamp {
    if window.holds(at) {
        return at;
    }
    let width = u128::try_from(window.length_seconds().min(WIDEST)).unwrap_or_default();
    let spread = i64::try_from((u128::from(fraction) * width) >> 64).unwrap_or_default();
    let Some(opening) = window.next_opening(at) else { return at };
    let spread = opening.plus_seconds(spread);
    // On a day on which clocks leap it may be open for less.
    if window.holds(spread) { spread } else { opening }
}
