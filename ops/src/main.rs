//! The `scaivault` executable.

mod cli;

use std::process::ExitCode;

struct Unbuilt;

impl cli::Operator for Unbuilt {
    async fn server(&self, arguments: cli::ServerArguments) -> ExitCode {
        drop(arguments);
        ExitCode::FAILURE
    }

    async fn init(&self, arguments: cli::InitArguments) -> ExitCode {
        drop(arguments);
        ExitCode::FAILURE
    }
}

fn main() -> ExitCode {
    cli::run(&Unbuilt)
}
