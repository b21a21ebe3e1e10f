//! `audit`: the audit log, and whether it is what was recorded.

mod checkpoint;
mod keys;
mod rebuilding;
mod verify;

use clap::Subcommand;

use super::error::{Exit, Failure};
use super::session::Session;

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Print a signed checkpoint of the log: keep it, to verify against it later
    Checkpoint,
    /// Verify that nobody has altered the log
    Verify(verify::VerifyArguments),
}

/// Runs a command of the group.
pub(crate) async fn run(session: &Session, command: AuditCommand) -> Result<Exit, Failure> {
    match command {
        AuditCommand::Checkpoint => checkpoint::run(session).await,
        AuditCommand::Verify(arguments) => verify::run(session, arguments).await,
    }
}
