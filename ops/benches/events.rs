//! The benchmark of events: the real server, with receivers and watchers on the same host.
//!
//! `cargo bench -p scaivault --bench events`; docs/performance.md says what the figures mean. A table goes to standard
//! output, progress to standard error. Targets are those of the table; whether they are met depends on the machine.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "it ends at what goes wrong")]
#![allow(clippy::disallowed_methods, reason = "it has its own environment, clock and tasks")]

#[allow(dead_code, reason = "it is shared with the load benchmark")]
#[path = "load/histogram.rs"]
mod histogram;
#[path = "events/place.rs"]
mod place;
#[path = "load/process.rs"]
#[allow(dead_code, reason = "it is shared with the load benchmark")]
mod process;
#[path = "events/pushing.rs"]
mod pushing;
#[path = "events/sink.rs"]
mod sink;
#[path = "events/watching.rs"]
mod watching;
#[path = "events/wire.rs"]
mod wire;

use clap::Parser;
use place::Place;
use watching::Way;

/// Pushes events to a receiver, and lets many watch.
#[derive(Parser)]
#[command(name = "cargo bench -p scaivault --bench events --", bin_name = "cargo bench -p scaivault --bench events --")]
struct Arguments {
    /// How many watch.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u16).range(1..=5_000))]
    watchers: u16,
    /// How many changes they are told of, one after the other.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    changes: u16,
    /// Given by cargo to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments = Arguments::parse();
    println!("| what | figure | target |\n| --- | --- | --- |");
    let place = Place::start().await;
    pushing::latency(&place).await;
    pushing::throughput(&place).await;
    place.stop();
    for way in [Way::Stream, Way::Poll] {
        let place = Place::start().await;
        watching::measure(&place, way, arguments.watchers.into(), arguments.changes.into()).await;
        place.stop();
    }
}

/// A line of the table.
fn row(what: &str, figure: &str, target: &str) {
    println!("| {what} | {figure} | {target} |");
}
