//! The benchmark of events: the real server, and receivers on the same host.
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
#[path = "events/pushing.rs"]
mod pushing;
#[path = "events/sink.rs"]
mod sink;

use place::Place;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!("| what | figure | target |\n| --- | --- | --- |");
    let place = Place::start().await;
    pushing::latency(&place).await;
    pushing::throughput(&place).await;
    place.stop();
}

/// A line of the table.
fn row(what: &str, figure: &str, target: &str) {
    println!("| {what} | {figure} | {target} |");
}
