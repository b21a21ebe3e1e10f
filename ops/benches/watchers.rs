//! Many watchers at once: how long a change takes to all of them, and what one costs that waits.
//!
//! `cargo bench -p scaivault --bench watchers -- --help` says what can be chosen. The server runs with an embedded log
//! in a directory of its own; every change concerns every watcher, which is the worst there is.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

#[path = "load/process.rs"]
#[allow(dead_code, reason = "of use to the load benchmark")]
mod process;
#[path = "watchers/server.rs"]
mod server;
#[path = "watchers/wire.rs"]
mod wire;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use server::Server;
use wire::{Failure, Wire};

/// Streams that one subscription may have.
const TOGETHER: usize = 5;
/// How long watchers are left alone before their memory is looked at.
const SETTLING: Duration = Duration::from_secs(3);
/// Longest wait for a change to reach everybody.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens watchers, changes secrets, and says when each watcher knew.
#[derive(Debug, Parser)]
#[command(
    name = "cargo bench -p scaivault --bench watchers --",
    bin_name = "cargo bench -p scaivault --bench watchers --"
)]
struct Arguments {
    /// How many watch.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u16).range(1..=5_000))]
    watchers: u16,
    /// How many changes are made, one after the other.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    changes: u16,
    /// How they watch, one way after the other.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Way::Stream, Way::Poll])]
    ways: Vec<Way>,
    /// Given by cargo to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// How to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Way {
    /// Server-Sent Events.
    Stream,
    /// Long polls.
    Poll,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    println!("| way | watchers | changes | p50 ms | p99 ms | longest ms | kB each, waiting |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for way in &arguments.ways {
        match measure(*way, &arguments).await {
            Ok(line) => println!("{line}"),
            Err(failure) => {
                eprintln!("{way:?}: not measured: {failure}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

async fn measure(way: Way, arguments: &Arguments) -> Result<String, Failure> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let server = Server::start()?;
    let count = usize::from(arguments.watchers);
    let mut subscriptions = Vec::new();
    for number in 0..count.div_ceil(TOGETHER) {
        subscriptions.push(server.subscribe(number).await?);
    }
    let before = process::resident_bytes(server.id())?;
    let (told, mut tellings) = mpsc::channel(count * 2);
    // They end before the server does.
    let mut watchers = JoinSet::new();
    for number in 0..count {
        let id = subscriptions.get(number / TOGETHER).cloned().unwrap_or_default();
        let wire = Wire::open(server.address).await?;
        let told = told.clone();
        watchers.spawn(async move {
            let ended = match way {
                Way::Stream => wire.stream(&id, &told).await,
                Way::Poll => wire.poll(&id, &told).await,
            };
            if let Err(failure) = ended {
                eprintln!("a watcher has ended: {failure}");
            }
        });
    }
    tokio::time::sleep(SETTLING).await;
    let each = process::resident_bytes(server.id())?.saturating_sub(before) / count as u64;
    let mut latencies = Vec::new();
    for change in 0..usize::from(arguments.changes) {
        let begun = Instant::now();
        server.write(change).await?;
        for _ in 0..count {
            let heard = tokio::time::timeout(PATIENCE, tellings.recv()).await.map_err(|_| "somebody was not told")?;
            let (number, at): (usize, Instant) = heard.ok_or("nobody watches")?;
            if number != change {
                return Err("somebody was told twice".into());
            }
            latencies.push(at.saturating_duration_since(begun));
        }
        eprintln!("  {way:?}: change {change} has reached everybody after {:?}", begun.elapsed());
    }
    latencies.sort_unstable();
    let quantile = |part: f64| {
        let at = (latencies.len() as f64 * part) as usize;
        latencies.get(at.min(latencies.len().saturating_sub(1))).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
    };
    Ok(format!(
        "| {way:?} | {count} | {} | {:.1} | {:.1} | {:.1} | {:.1} |",
        arguments.changes,
        quantile(0.5),
        quantile(0.99),
        quantile(1.0),
        each as f64 / 1e3,
    ))
}
