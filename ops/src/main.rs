//! The `scaivault` executable: client, server and operator commands.

mod cli;
mod clock;
mod configuration;
mod init;
mod listener;
mod node;
mod objects;
mod outbound;
mod past;
mod scaikey;
mod server;
mod signals;
mod snapshots;
mod telemetry;

use std::process::ExitCode;

/// Requests make many short-lived allocations on every thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Version of the product.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Commit it was built from.
const COMMIT: &str = env!("SCAIVAULT_COMMIT");
/// Date of that commit.
const BUILD_DATE: &str = env!("SCAIVAULT_BUILD_DATE");

/// Runs the commands that work on this host.
struct Host;

impl cli::Operator for Host {
    async fn server(&self, arguments: cli::ServerArguments) -> ExitCode {
        server::run(arguments).await
    }

    async fn init(&self, arguments: cli::InitArguments) -> ExitCode {
        init::run(arguments).await
    }
}

fn main() -> ExitCode {
    let code = cli::run(&Host);
    telemetry::flush();
    code
}
