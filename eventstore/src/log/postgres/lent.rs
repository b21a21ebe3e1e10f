//! A connection on loan from the pool, and how it goes back.
//!
//! A network that carries nothing any more says nothing either: a query is never answered, and the
//! pool itself waits for ever when it tries a connection that is returned. So each wait has a
//! deadline here, and one silence is enough to distrust every connection that is older than it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, Postgres};
use tokio::runtime::Handle;
use tokio::time::{error::Elapsed, timeout};

use crate::StoreError;
use crate::log::row;

/// How long a connection that is tried, or that goes back, may be silent.
pub(super) const TRIAL: Duration = Duration::from_secs(2);

/// When the server was last found silent.
#[derive(Debug, Default)]
pub(super) struct Silence(Mutex<Option<Instant>>);

impl Silence {
    /// Whether a connection that has been idle for so long was heard of after the last silence.
    pub(super) fn is_over_for(&self, idle_for: Duration) -> bool {
        self.0.lock().is_none_or(|found| found.elapsed() > idle_for)
    }

    /// Notes that an answer is overdue.
    pub(super) fn found(&self) {
        *self.0.lock() = Some(Instant::now());
    }
}

/// A connection of the pool; goes back when dropped, unless an answer is still due.
pub(super) struct Lent {
    /// Gone once it is on its way back.
    connection: Option<PoolConnection<Postgres>>,
    silence: Arc<Silence>,
    /// Something was sent and its answer not read to the end.
    waiting: bool,
}

impl Lent {
    pub(super) fn new(connection: PoolConnection<Postgres>, silence: Arc<Silence>) -> Self {
        Self { connection: Some(connection), silence, waiting: false }
    }

    /// The connection, for something whose end [`Lent::heard`] notes.
    pub(super) fn ask(&mut self) -> Result<&mut PgConnection, StoreError> {
        self.waiting = true;
        self.connection.as_deref_mut().ok_or(StoreError::Unavailable(None))
    }

    /// Notes what came of what was asked.
    pub(super) fn heard<T>(&mut self, answer: Result<Result<T, sqlx::Error>, Elapsed>) -> Result<T, StoreError> {
        match answer {
            Ok(answer) => {
                self.waiting = false;
                answer.map_err(row::failed)
            }
            Err(elapsed) => {
                self.silence.found();
                Err(StoreError::unavailable(elapsed))
            }
        }
    }

    /// Whether an answer is still due.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// It is not used again.
    pub(super) fn give_up(&mut self) {
        self.waiting = true;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        match Handle::try_current() {
            Ok(runtime) if !self.waiting => {
                let silence = Arc::clone(&self.silence);
                runtime.spawn(async move {
                    // The pool tries it first, without a limit of its own. Cut short, it is closed.
                    if timeout(TRIAL, connection.return_to_pool()).await.is_err() {
                        silence.found();
                    }
                });
            }
            // The server rolls back when the connection ends.
            _ => connection.close_on_drop(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_silence_is_enough_to_distrust_what_is_older() {
        let silence = Silence::default();
        assert!(silence.is_over_for(Duration::from_secs(3_600)));
        silence.found();
        assert!(!silence.is_over_for(Duration::from_secs(3_600)));
        std::thread::sleep(Duration::from_millis(2));
        assert!(silence.is_over_for(Duration::ZERO), "used since");
    }
}
