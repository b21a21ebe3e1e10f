//! The system's clock.

use scaivault_api::app::DevClock;
use scaivault_commands::Clock;
use scaivault_commands::clock::MovableClock;
use scaivault_domain::Timestamp;

/// Real time.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }
}

/// The server's clock; moved in development mode only.
pub(crate) struct ServerClock(pub(crate) MovableClock<SystemClock>);

impl Default for ServerClock {
    fn default() -> Self {
        Self(MovableClock::new(SystemClock))
    }
}

impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl DevClock for ServerClock {
    fn offset_micros(&self) -> i64 {
        self.0.offset_micros()
    }

    fn set_offset_micros(&self, offset: i64) {
        self.0.set_offset_micros(offset);
    }
}
