//! When a failed attempt is followed by another.

use crate::Timestamp;

/// Attempts at one delivery.
pub const ATTEMPTS: u32 = 10;
/// Nominal pauses after the first, second… attempt, in seconds: together 22 h 43 min.
const PAUSES: [i64; 9] = [5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200];
/// Most that a receiver may ask for, in seconds.
const MAX_RETRY_AFTER: i64 = 86_400;
/// For how long every attempt must have failed for an endpoint to be given up, in seconds.
pub const PATIENCE: i64 = 3 * 86_400;

/// When the attempt after number `attempt` is made: between half and one and a half times the nominal pause after
/// `ended`, as `spread` (of 2^32) says, or later if the receiver asked for it. `None` after the last.
pub fn next_attempt_at(
    attempt: u32,
    ended: Timestamp,
    spread: u32,
    retry_after_seconds: Option<i64>,
) -> Option<Timestamp> {
    let index = usize::try_from(attempt.checked_sub(1)?).ok()?;
    let nominal = PAUSES.get(index)? * 1_000_000;
    let pause = nominal / 2 + i64::try_from((i128::from(nominal) * i128::from(spread)) >> 32).unwrap_or(nominal);
    let asked = retry_after_seconds.unwrap_or(0).clamp(0, MAX_RETRY_AFTER) * 1_000_000;
    Some(Timestamp::from_micros(ended.as_micros() + pause.max(asked)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pauses_grow_to_a_day() {
        let ended = Timestamp::from_micros(0);
        let pause = |attempt, spread| next_attempt_at(attempt, ended, spread, None).unwrap().as_micros();
        assert_eq!((1..ATTEMPTS).map(|attempt| pause(attempt, 1 << 31)).sum::<i64>(), 81_755 * 1_000_000);
        assert_eq!(pause(1, 0), 2_500_000);
        assert!((7_499_000..7_500_000).contains(&pause(1, u32::MAX)));
        assert_eq!(next_attempt_at(ATTEMPTS, ended, 0, None), None);
    }

    #[test]
    fn a_receiver_may_ask_for_up_to_a_day() {
        let ended = Timestamp::from_micros(0);
        let next = |asked| next_attempt_at(1, ended, 0, Some(asked)).unwrap().as_micros();
        assert_eq!((next(1), next(60), next(i64::MAX), next(-5)), (2_500_000, 60_000_000, 86_400_000_000, 2_500_000));
    }
}
