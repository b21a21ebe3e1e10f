//! Time as a port.

use std::sync::atomic::{AtomicI64, Ordering};

use scaivault_domain::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// A clock that can be moved forward, to try schedules, expiry and grace.
pub struct MovableClock<C> {
    real: C,
    offset_micros: AtomicI64,
}

impl<C: Clock> MovableClock<C> {
    /// Runs with the real one until it is moved.
    pub fn new(real: C) -> Self {
        Self { real, offset_micros: AtomicI64::new(0) }
    }

    /// How far it runs ahead, in microseconds.
    pub fn offset_micros(&self) -> i64 {
        self.offset_micros.load(Ordering::Acquire)
    }

    /// Sets how far it runs ahead. Never moves it back.
    pub fn set_offset_micros(&self, offset: i64) {
        self.offset_micros.fetch_max(offset, Ordering::AcqRel);
    }
}

impl<C: Clock> Clock for MovableClock<C> {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.real.now().as_micros().saturating_add(self.offset_micros()))
    }
}
