//! Due dates: spread, moved into windows and away from others.

use scaivault_domain::Timestamp;
use scaivault_domain::rotation::{Basis, MinDistance, RotationPolicy, Warnings};

use crate::sample::{DAY, HOUR, at, duration, path, policy, window};

fn due(policy: &RotationPolicy, since: Timestamp, paired: Option<Timestamp>) -> i64 {
    let basis = Basis { since, attached_at: at(0), paired };
    policy.schedule(&path("app/db"), basis).due_at.as_seconds() - at(0).as_seconds()
}

/// The first 8 bytes of SHA-256 of `rot_quarterly/app/db` are `sha256sum`'s.
const FRACTION: f64 = 0xe074_8953_405e_d43e_u64 as f64 / 18_446_744_073_709_551_616.0;

#[test]
fn due_dates_are_spread_over_a_hundredth_of_the_interval_and_an_hour_at_most() {
    for interval in [10, 99, 1_000, 3_600, DAY, 4 * DAY, 5 * DAY, 90 * DAY, 3_650 * DAY] {
        let widest = (interval as f64 / 100.0).min(3_600.0);
        let offset = (FRACTION * widest).floor() as i64;
        assert_eq!(due(&policy(interval), at(100), None), 100 + interval - offset, "{interval}");
    }
    let moments: std::collections::BTreeSet<_> = (0..1_000)
        .map(|number| {
            let basis = Basis { since: at(0), attached_at: at(0), paired: None };
            policy(90 * DAY).schedule(&path(&format!("app/{number}")), basis).due_at
        })
        .collect();
    assert!(moments.len() > 800, "a thousand secrets share {} moments", moments.len());
}

#[test]
fn a_value_that_is_older_than_the_interval_is_due_after_the_offset() {
    let basis = Basis { since: at(-100 * DAY), attached_at: at(0), paired: None };
    let offset = (FRACTION * 3_600.0).floor() as i64;
    assert_eq!(policy(90 * DAY).schedule(&path("app/db"), basis).due_at, at(offset));
    // A younger one is due when it would have been.
    let basis = Basis { since: at(-89 * DAY), attached_at: at(0), paired: None };
    assert_eq!(policy(90 * DAY).schedule(&path("app/db"), basis).due_at, at(DAY - offset));
}

#[test]
fn a_due_date_outside_the_window_is_soon_after_it_opens() {
    let mut policy = policy(DAY);
    let jitter = |width: i64| (FRACTION * width.min(HOUR) as f64).floor() as i64;
    // Due on Friday: at once if the window is open, and else on Sunday.
    policy.content.window = Some(window(&["sun"], "02:00", "04:00", "UTC"));
    assert_eq!(due(&policy, at(0), None), 3 * DAY + 2 * HOUR + jitter(2 * HOUR));
    policy.content.window = Some(window(&["sun"], "02:00", "02:10", "UTC"));
    assert_eq!(due(&policy, at(0), None), 3 * DAY + 2 * HOUR + jitter(600));
    let offset = (FRACTION * 864.0).floor() as i64;
    policy.content.window = Some(window(&["thu"], "23:00", "01:00", "UTC"));
    assert_eq!(due(&policy, at(0), None), DAY - offset, "it belongs to the day it starts on");
    // In Auckland, 13 hours ahead, Sunday begins on Saturday at 11:00.
    policy.content.window = Some(window(&["sun"], "00:00", "06:00", "Pacific/Auckland"));
    assert_eq!(due(&policy, at(0), None), 2 * DAY + 11 * HOUR + jitter(HOUR));
    // 2026-03-29 has no 02:30 in Amsterdam: it opens when the clock has leapt, at 01:00 UTC.
    let (friday, leap) = (85 * DAY, 87 * DAY + HOUR);
    policy.content.window = Some(window(&["sun"], "02:30", "04:00", "Europe/Amsterdam"));
    assert_eq!(due(&policy, at(friday), None), leap + jitter(HOUR));
    // Leapt over as a whole, it opens a week later; in part, the rest of it is all there is.
    policy.content.window = Some(window(&["sun"], "02:00", "03:00", "Europe/Amsterdam"));
    assert_eq!(due(&policy, at(friday), None), leap + 7 * DAY - HOUR + jitter(HOUR));
    policy.content.window = Some(window(&["sun"], "01:30", "02:30", "Europe/Amsterdam"));
    assert_eq!(due(&policy, at(friday), None), leap - HOUR / 2, "there is no room to spread");
}

#[test]
fn a_distance_moves_a_due_date_and_a_window_moves_it_on() {
    let mut policy = policy(2 * DAY);
    policy.content.min_distance = Some(MinDistance { path: path("app/green"), duration: duration(DAY) });
    let offset = (FRACTION * 1_728.0).floor() as i64;
    assert_eq!(due(&policy, at(0), Some(at(0))), 2 * DAY - offset, "far enough");
    assert_eq!(due(&policy, at(0), Some(at(2 * DAY))), 3 * DAY);
    let basis = Basis { since: at(0), attached_at: at(0), paired: Some(at(2 * DAY)) };
    assert_eq!(policy.schedule(&path("app/db"), basis).since, at(2 * DAY), "warnings count from the move");
    policy.content.window = Some(window(&["mon"], "10:00", "11:00", "UTC"));
    let due_at = due(&policy, at(0), Some(at(2 * DAY)));
    assert!((4 * DAY + 10 * HOUR..4 * DAY + 11 * HOUR).contains(&due_at), "{due_at}");
}

#[test]
fn warnings_are_told_longest_first() {
    assert_eq!(Warnings::parse("1d, 7d,12h").unwrap().text(), "7d,1d,12h");
    assert_eq!(Warnings::parse(" ").unwrap().text(), "");
    for refused in ["1d,24h", "1d,,2d", "1x", "1d,2d,3d,4d,5d,6d,7d,8d,9d,10d,11d"] {
        assert!(Warnings::parse(refused).is_err(), "{refused}");
    }
}
