//! The load benchmark: the real server under load over HTTP, beside a bare axum route in the same minutes.
//!
//! `cargo bench -p scaivault --bench load -- --help` says what can be chosen; docs/performance.md says what the figures
//! mean. Tables go to standard output, progress to standard error.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

#[path = "load/against.rs"]
mod against;
#[path = "load/arguments.rs"]
mod arguments;
#[path = "load/backend.rs"]
mod backend;
#[path = "load/bare.rs"]
mod bare;
#[path = "load/broker.rs"]
mod broker;
#[path = "../../eventstore/tests/support/cluster.rs"]
mod cluster;
#[path = "load/dataset.rs"]
mod dataset;
#[path = "load/exchange.rs"]
mod exchange;
#[path = "load/failure.rs"]
mod failure;
#[path = "load/generator.rs"]
mod generator;
#[path = "load/histogram.rs"]
mod histogram;
#[path = "load/measurement.rs"]
mod measurement;
#[path = "load/person.rs"]
mod person;
#[path = "load/phase.rs"]
mod phase;
#[path = "load/process.rs"]
mod process;
#[path = "load/report.rs"]
mod report;
#[path = "load/requests.rs"]
mod requests;
#[path = "load/restart.rs"]
mod restart;
#[path = "load/run.rs"]
mod run;
#[path = "load/seed.rs"]
mod seed;
#[path = "load/server.rs"]
mod server;
#[path = "load/target.rs"]
mod target;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;
use failure::Failure;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(body_bytes) = arguments.bare_route {
        return bare::serve(body_bytes);
    }
    if let Err(error) = failure::watch_interrupts() {
        eprintln!("cannot listen for signals: {error}");
        return ExitCode::FAILURE;
    }
    println!("{}", report::heading(&arguments));
    if let Some(other) = &arguments.against {
        return compare(other, &arguments);
    }
    let mut sound = true;
    let (mut results, mut unmeasured) = (Vec::new(), Vec::new());
    for &kind in &arguments.backends {
        match run::backend(kind, &arguments) {
            Ok(result) => {
                println!("{}", report::backend(&result));
                sound &= result.rows.iter().all(|row| row.outcome.is_valid());
                results.push(result);
            }
            Err(Failure::Interrupted) => {
                eprintln!("interrupted; everything is stopped and removed");
                return ExitCode::from(130);
            }
            Err(error) => {
                println!("### {kind}\n\nNot measured: {error}\n");
                unmeasured.push(kind);
            }
        }
    }
    println!("{}", report::targets(&results, &unmeasured));
    if sound && unmeasured.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn compare(other: &Path, arguments: &Arguments) -> ExitCode {
    if !against::is_asked_for(arguments) {
        eprintln!("only reads and writes are compared");
        return ExitCode::FAILURE;
    }
    for &kind in &arguments.backends {
        match against::compare(kind, other, arguments) {
            Ok(text) => println!("{text}"),
            Err(error) => {
                eprintln!("{kind}: not measured: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
