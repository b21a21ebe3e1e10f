//! When a request is sent again: the rules of the contract, without any I/O.

use std::time::Duration;

const BUSY_LIMIT: u32 = 4;
const SERVER_LIMIT: u32 = 1;
const CONNECTION_LIMIT: u32 = 3;
/// All repetitions together may take this many times the time of one request.
const BUDGET_FACTOR: u32 = 4;

/// What went wrong with one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// 429 or 503, with the server's `Retry-After`.
    Busy(Option<Duration>),
    /// 500 or 502.
    Server,
    /// No connection, or one that broke.
    Connection,
}

/// The repetitions of one request.
pub(crate) struct Repetition {
    budget: Duration,
    busy: u32,
    server: u32,
    connection: u32,
}

// === impl Trouble ===

impl Trouble {
    /// The trouble an HTTP status stands for, if the request may be repeated at all.
    pub(crate) fn of_status(status: u16, retry_after: Option<&str>) -> Option<Self> {
        match status {
            429 | 503 => {
                let seconds = retry_after.and_then(|text| text.trim().parse().ok());
                Some(Self::Busy(seconds.map(Duration::from_secs)))
            }
            500 | 502 => Some(Self::Server),
            _ => None,
        }
    }
}

// === impl Repetition ===

impl Repetition {
    /// Repetitions of a request that may take `timeout` each time.
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { budget: timeout.saturating_mul(BUDGET_FACTOR), busy: 0, server: 0, connection: 0 }
    }

    /// How long to wait before the next attempt; `None` to give up. `elapsed` counts from the first attempt.
    pub(crate) fn pause(&mut self, trouble: Trouble, elapsed: Duration) -> Option<Duration> {
        let (count, limit, first) = match trouble {
            Trouble::Busy(_) => (&mut self.busy, BUSY_LIMIT, Duration::from_millis(500)),
            Trouble::Server => (&mut self.server, SERVER_LIMIT, Duration::from_millis(250)),
            Trouble::Connection => (&mut self.connection, CONNECTION_LIMIT, Duration::from_millis(200)),
        };
        if *count >= limit {
            return None;
        }
        let back_off = first.saturating_mul(1 << *count);
        *count += 1;
        let pause = if let Trouble::Busy(Some(wanted)) = trouble { wanted } else { back_off };
        (elapsed.saturating_add(pause) < self.budget).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Duration = Duration::ZERO;

    #[test]
    fn each_trouble_has_its_own_limit() {
        let mut repetition = Repetition::new(Duration::from_secs(30));
        for (trouble, limit) in [(Trouble::Busy(None), 4), (Trouble::Server, 1), (Trouble::Connection, 3)] {
            let allowed = (0..10).filter(|_| repetition.pause(trouble, NONE).is_some()).count();
            assert_eq!(allowed, limit, "{trouble:?}");
        }
    }

    #[test]
    fn retry_after_is_honoured_within_the_budget() {
        let mut repetition = Repetition::new(Duration::from_secs(1));
        let wanted = |seconds| Trouble::Busy(Some(Duration::from_secs(seconds)));
        assert_eq!(repetition.pause(wanted(3), NONE), Some(Duration::from_secs(3)));
        assert_eq!(repetition.pause(wanted(1), Duration::from_secs(3)), None);
        assert_eq!(repetition.pause(wanted(60), NONE), None);
    }

    #[test]
    fn statuses_are_told_apart() {
        assert_eq!(Trouble::of_status(429, Some("7")), Some(Trouble::Busy(Some(Duration::from_secs(7)))));
        assert_eq!(Trouble::of_status(503, Some("soon")), Some(Trouble::Busy(None)));
        assert_eq!(Trouble::of_status(500, None), Some(Trouble::Server));
        for status in [200, 400, 401, 404, 409, 504] {
            assert_eq!(Trouble::of_status(status, None), None, "{status}");
        }
    }
}
