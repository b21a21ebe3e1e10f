//! How much is run: little by default, all of it by `ops/scripts/faults`.

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// Numbers of rounds, and where the decisions come from.
#[derive(Clone, Copy)]
pub struct Size {
    /// `FAULT_KILLS`: for each of SQLite, PostgreSQL and one of two nodes.
    pub kills: u64,
    /// `FAULT_FAULTS`: of PostgreSQL, and as many of NATS.
    pub faults: u64,
    /// `FAULT_HISTORIES`: under random faults of all kinds.
    pub histories: u64,
    /// `FAULT_DELIVERIES`: of servers and receivers, while events are delivered.
    pub deliveries: u64,
    /// `FAULT_JUMPS`: of the clock, forward and back.
    pub jumps: u64,
    /// `FAULT_SEED`.
    pub seed: u64,
}

impl Size {
    /// From the environment.
    pub fn of_process() -> Self {
        let any = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
        Self {
            kills: variable("FAULT_KILLS").unwrap_or(5),
            faults: variable("FAULT_FAULTS").unwrap_or(3),
            histories: variable("FAULT_HISTORIES").unwrap_or(6),
            deliveries: variable("FAULT_DELIVERIES").unwrap_or(12),
            jumps: variable("FAULT_JUMPS").unwrap_or(2),
            seed: variable("FAULT_SEED").unwrap_or(u64::try_from(any % 1_000_000_007).unwrap()),
        }
    }
}

fn variable<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}
