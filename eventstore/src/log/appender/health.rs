//! What the appender says about itself.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::StoreError;

/// How appending goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppenderHealth {
    /// Since the last commit; since the start if there was none.
    pub since_success: Duration,
    /// Kind of the failure that stands: `None` once a commit has succeeded again.
    pub last_error: Option<&'static str>,
    /// Since the last failure, if one stands.
    pub since_failure: Option<Duration>,
    /// Whether the outcome of a commit is unknown, so that nothing else is appended.
    pub resolving: bool,
    /// Whether the task runs; if not though nobody closed it, it has panicked.
    pub running: bool,
}

#[derive(Debug)]
pub(super) struct Health {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    last_success: Instant,
    last_error: Option<&'static str>,
    last_failure: Option<Instant>,
    resolving: bool,
}

impl Default for Health {
    fn default() -> Self {
        let state = State { last_success: Instant::now(), last_error: None, last_failure: None, resolving: false };
        Self { state: Mutex::new(state) }
    }
}

impl Health {
    pub(super) fn report(&self, running: bool) -> AppenderHealth {
        let state = self.state.lock();
        AppenderHealth {
            since_success: state.last_success.elapsed(),
            last_error: state.last_error,
            since_failure: state.last_failure.map(|at| at.elapsed()),
            resolving: state.resolving,
            running,
        }
    }

    pub(super) fn succeeded(&self) {
        *self.state.lock() =
            State { last_success: Instant::now(), last_error: None, last_failure: None, resolving: false };
    }

    /// Notes a failure; `true` if none stood before, so that it is worth a line in the log.
    pub(super) fn failed(&self, error: &StoreError) -> bool {
        let mut state = self.state.lock();
        state.resolving = false;
        state.last_failure = Some(Instant::now());
        state.last_error.replace(kind(error)).is_none()
    }

    pub(super) fn resolving(&self) {
        self.state.lock().resolving = true;
    }
}

fn kind(error: &StoreError) -> &'static str {
    match error {
        StoreError::Conflict { .. } => "conflict",
        StoreError::Duplicate(_) => "duplicate",
        StoreError::Undecided => "undecided",
        StoreError::Unavailable(_) => "unavailable",
        StoreError::Damaged { .. } => "damaged",
        StoreError::Key { .. } => "key",
        StoreError::Sealed => "sealed",
        StoreError::Setup(_) => "setup",
    }
}
