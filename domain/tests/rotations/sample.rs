//! A policy, and moments.

use scaivault_domain::policy::TimeWindow;
use scaivault_domain::policy::window::WindowText;
use scaivault_domain::rotation::{Content, RotationPolicy, RotationPolicyId, Warnings};
use scaivault_domain::secret_policy::PolicyUid;
use scaivault_domain::{DurationText, SecretPath, Timestamp};

pub const DAY: i64 = 86_400;
pub const HOUR: i64 = 3_600;

/// Seconds after 2026-01-01T00:00:00Z, a Thursday.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_767_225_600 + seconds) * 1_000_000)
}

pub fn path(text: &str) -> SecretPath {
    SecretPath::parse(text).unwrap()
}

pub fn duration(seconds: i64) -> DurationText {
    DurationText::parse(&format!("{seconds}s")).unwrap()
}

pub fn window(days: &[&str], start: &str, end: &str, zone: &str) -> TimeWindow {
    let days = (!days.is_empty()).then(|| days.iter().map(|day| (*day).to_owned()).collect());
    TimeWindow::parse(WindowText { days, start: start.into(), end: end.into(), timezone: Some(zone.into()) }).unwrap()
}

/// A policy that was made at the start.
pub fn policy(interval: i64) -> RotationPolicy {
    RotationPolicy {
        id: RotationPolicyId::parse("rot_quarterly").unwrap(),
        uid: PolicyUid(ulid::Ulid::from_parts(1, 1)),
        content: Content {
            name: "quarterly".into(),
            description: "".into(),
            interval: duration(interval),
            grace_period: duration(2 * DAY),
            warn_before: Warnings::default(),
            auto_generate: false,
            secret_policy: None,
            window: None,
            min_distance: None,
            finish_when_moved: false,
            webhook_ids: Vec::new(),
        },
        is_active: true,
        created_at: at(0),
        updated_at: at(0),
        scheduled_since: at(0),
    }
}
