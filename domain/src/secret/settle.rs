//! What the clock alone brings about: ends of recovery windows, grace periods and expiry.
//!
//! The same function serves the sweeper, which appends what is due, and every decision and read,
//! which first take what is due as done. So ends hold to the second, whatever background work does.

use super::event::DestroyReason;
use super::{Secret, SecretEvent, VersionState};
use crate::Timestamp;

impl Secret {
    /// Events that are due at `now`, in order. Empty most of the time.
    pub fn due(&self, now: Timestamp) -> Vec<SecretEvent> {
        let mut events = self.destructions_due(now);
        let destroyed = events.iter().any(|event| matches!(event, SecretEvent::Destroyed { .. }));
        if !destroyed && self.deleted.is_none() {
            events.extend(self.notices_due(now));
        }
        events
    }

    /// When something is due next; `None` if nothing ever is. Exact: at that moment [`Self::due`]
    /// has something, so that nobody is woken for nothing again and again.
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let overdue = (!self.destructions_due(now).is_empty()).then_some(now);
        let windows = self.versions.iter().filter_map(|version| match version.state {
            VersionState::Deleted { recoverable_until, .. } => Some(recoverable_until),
            VersionState::Live | VersionState::Destroyed => None,
        });
        let ends = self.valued().filter_map(|version| version.grace_ends_at);
        let grace = ends.filter(|end| now < *end && !self.destructions_due(*end).is_empty());
        let deletion = self.deleted.map(|deletion| deletion.recoverable_until);
        let expiry = self.expiry.as_ref().filter(|_| self.deleted.is_none());
        let end = expiry.filter(|expiry| !expiry.told).map(|expiry| expiry.at);
        let notices = expiry.into_iter().flat_map(|expiry| {
            self.notices().filter_map(|notice| expiry.notice_moment(notice)).filter(|_| !expiry.told)
        });
        windows.chain(overdue).chain(grace).chain(deletion).chain(end).chain(notices).min()
    }

    /// Values that go: whole secret, single versions, versions kept only for their grace period.
    pub fn destructions_due(&self, now: Timestamp) -> Vec<SecretEvent> {
        let version_count = || u32::try_from(self.valued().count()).unwrap_or(u32::MAX);
        if self.deleted.is_some_and(|deletion| deletion.recoverable_until <= now) {
            return vec![SecretEvent::Destroyed {
                reason: DestroyReason::RecoveryEnded,
                version_count: version_count(),
            }];
        }
        let over = |state: VersionState| matches!(state, VersionState::Deleted { recoverable_until, .. } if recoverable_until <= now);
        let mut gone: Vec<(u32, DestroyReason)> = self
            .versions
            .iter()
            .filter(|version| over(version.state))
            .map(|version| (version.number, DestroyReason::RecoveryEnded))
            .collect();
        let left = self.valued().filter(|version| !over(version.state)).count();
        if left == 0 && !gone.is_empty() {
            return vec![SecretEvent::Destroyed {
                reason: DestroyReason::RecoveryEnded,
                version_count: version_count(),
            }];
        }
        if self.deleted.is_none() {
            let kept = |number: u32| !gone.iter().any(|(other, _)| *other == number);
            let aged: Vec<_> = self.aged_out(now, kept).map(|number| (number, DestroyReason::AgedOut)).collect();
            gone.extend(aged);
        }
        gone.into_iter().map(|(version, reason)| SecretEvent::VersionDestroyed { version, reason }).collect()
    }

    /// Versions beyond `max_versions`, oldest first. One in its grace period is kept besides, also
    /// when it is deleted or current again; one above the current version is deleted and goes when
    /// its recovery window ends, as announced.
    pub(super) fn aged_out(&self, now: Timestamp, kept: impl Fn(u32) -> bool) -> impl Iterator<Item = u32> {
        let current = self.current_number();
        let counted: Vec<u32> = self
            .valued()
            .filter(|version| kept(version.number))
            .filter(|version| !version.in_grace(now))
            .map(|version| version.number)
            .collect();
        let allowed = usize::try_from(self.options.max_versions).unwrap_or(usize::MAX);
        let excess = counted.len().saturating_sub(allowed);
        counted.into_iter().take_while(move |number| Some(*number) < current).take(excess)
    }

    fn notices(&self) -> impl Iterator<Item = &crate::DurationText> {
        self.options.notify_before.iter().flat_map(|notices| notices.times())
    }

    fn notices_due(&self, now: Timestamp) -> Vec<SecretEvent> {
        let Some(expiry) = self.expiry.as_ref().filter(|expiry| !expiry.told) else { return Vec::new() };
        let mut due: Vec<_> = self
            .notices()
            .filter_map(|notice| expiry.notice_moment(notice).map(|moment| (moment, notice)))
            .filter(|(moment, _)| *moment <= now)
            .collect();
        // By text within a moment, so that one that is listed twice is given once.
        due.sort_by_key(|(moment, notice)| (*moment, notice.as_str()));
        due.dedup_by(|a, b| a.1 == b.1);
        let mut events: Vec<SecretEvent> = due
            .into_iter()
            .map(|(_, notice)| SecretEvent::ExpiryAnnounced {
                threshold: notice.clone(),
                expires_at: expiry.at,
                days_remaining: days_remaining(expiry.at, now),
            })
            .collect();
        if expiry.at <= now {
            events.push(SecretEvent::Expired { expires_at: expiry.at });
        }
        events
    }
}

impl super::Expiry {
    /// When a notice has to be given; `None` if it was given, or lay before the end was set.
    fn notice_moment(&self, notice: &crate::DurationText) -> Option<Timestamp> {
        let moment = self.at.plus_seconds(-notice.seconds());
        (moment > self.set_at && !self.announced.contains(notice)).then_some(moment)
    }
}

/// Remaining time in days, rounded up; 0 when the end has passed.
pub fn days_remaining(end: Timestamp, now: Timestamp) -> i64 {
    let micros = (end.as_micros() - now.as_micros()).max(0);
    let day = 86_400_000_000;
    micros / day + i64::from(micros % day != 0)
}
