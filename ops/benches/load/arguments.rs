//! What can be chosen on the command line.

use std::fmt;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Starts the server, fills it with secrets, and measures it over HTTP beside a bare axum route.
#[derive(Debug, Parser)]
#[command(name = "cargo bench -p scaivault --bench load --", bin_name = "cargo bench -p scaivault --bench load --")]
pub(crate) struct Arguments {
    /// Secrets in the store.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    pub(crate) secrets: u64,
    /// Stores to measure, one after the other.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Kind::Sqlite, Kind::Postgres, Kind::PostgresNats])]
    pub(crate) backends: Vec<Kind>,
    /// Length of each phase.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) seconds: u64,
    /// Load before each phase that is not measured.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=60))]
    pub(crate) warm_up_seconds: u64,
    /// Connections, each with one request at a time.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub(crate) connections: u16,
    /// Connections that fill the store.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub(crate) seed_connections: u16,
    /// Parts to run; all of them unless named.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Part>,
    /// Only compare reads and writes with another executable of the server, in turns.
    #[arg(long, value_name = "EXECUTABLE")]
    pub(crate) against: Option<PathBuf>,
    /// Serve the bare route with a body of this many bytes: how the benchmark starts it.
    #[arg(long, hide = true, value_name = "BYTES")]
    pub(crate) bare_route: Option<usize>,
    /// Given by cargo to every benchmark.
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
}

/// Where the server keeps its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The embedded log.
    Sqlite,
    /// A private PostgreSQL server with durable commits.
    Postgres,
    /// The same, and a NATS server with `JetStream`.
    #[value(name = "postgres+nats")]
    PostgresNats,
}

/// A part of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Audited reads of one value.
    Reads,
    /// New versions of existing secrets.
    Writes,
    /// Lists of 50 rows by prefix.
    Lists,
    /// Lists of 200 rows by prefix and tag.
    Pages,
    /// Batch reads of 20 values.
    Batch,
    /// Restart and replay.
    Restart,
}

// === impl Arguments ===

impl Arguments {
    /// Whether this part is to run.
    pub(crate) fn includes(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

// === impl Kind ===

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::PostgresNats => "PostgreSQL + NATS",
        })
    }
}
