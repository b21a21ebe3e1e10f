//! How the parts beneath are doing, as a port: the server knows databases and pools, the API does not.

use std::time::Duration;

/// One check's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// All is well.
    Ok,
    /// Works, but not as it should.
    Degraded(String),
    /// Does not work.
    Error(String),
}

impl Status {
    /// As in answers.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded(_) => "degraded",
            Self::Error(_) => "error",
        }
    }
}

/// What is known about the log's database.
#[derive(Clone, Debug)]
pub struct Database {
    /// Result.
    pub status: Status,
    /// `sqlite`, `postgres` or `memory`.
    pub kind: &'static str,
    /// Of the check itself.
    pub latency: Duration,
    /// Connections.
    pub pool: (u32, u32),
    /// End of the log.
    pub log_position: u64,
}

/// What is known about the keys.
#[derive(Clone, Debug)]
pub struct Encryption {
    /// Result.
    pub status: Status,
    /// Provider of the root key.
    pub provider: &'static str,
}

/// What is known about the bus between nodes.
#[derive(Clone, Debug)]
pub struct Bus {
    /// Result. A lost bus is not an error: the log is polled instead.
    pub status: Status,
    /// `nats`, or `memory` for the one inside this process.
    pub kind: &'static str,
    /// Of the last question to it.
    pub latency: Duration,
}

/// Looks at the parts beneath.
#[async_trait::async_trait]
pub trait Checks: Send + Sync {
    /// The log's database.
    async fn database(&self) -> Database;
    /// The bus between nodes.
    fn bus(&self) -> Bus;
    /// The keys.
    fn encryption(&self) -> Encryption;
    /// Since when the process runs.
    fn uptime(&self) -> Duration;
}
