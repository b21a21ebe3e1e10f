//! `secrets`: the group's commands and the route they share.

mod attributes;
mod batch;
mod data;
mod inspect;
mod list;
mod read;
mod remove;
mod rotate;
mod update;
pub(super) mod write;

use clap::{Args, Subcommand};

pub(crate) use self::read::wanted;
use super::client::address::Address;
use super::error::{Exit, Failure};
use super::session::Session;

/// The group with the flag all its commands know.
#[derive(Args)]
pub(crate) struct SecretsArguments {
    /// Address the partner's secrets instead of the tenant's
    #[arg(long, global = true)]
    partner_scope: bool,
    #[command(subcommand)]
    command: SecretsCommand,
}

/// Commands of the group.
#[derive(Subcommand)]
enum SecretsCommand {
    /// Read a secret
    #[command(visible_alias = "get")]
    Read(read::ReadArguments),
    /// Write a value: a new secret, or a new version of one
    Write(write::WriteArguments),
    /// Change metadata and options, without a new version
    Update(update::UpdateArguments),
    /// List secrets
    List(list::ListSecretsArguments),
    /// Show metadata and options
    Metadata(inspect::MetadataArguments),
    /// List versions
    Versions(inspect::VersionsArguments),
    /// Show who reads a secret
    Consumers(inspect::ConsumersArguments),
    /// Delete a secret or one version, recoverable unless --hard
    Delete(remove::DeleteArguments),
    /// Restore a deleted secret or version
    Restore(remove::RestoreArguments),
    /// Replace the value; the old version stays readable for a grace period
    Rotate(rotate::RotateArguments),
    /// List secrets that expire soon
    Expiring(list::ExpiringArguments),
    /// Read many secrets at once; values are shown with --json only
    Batch(batch::BatchArguments),
}

/// Where the secrets are: the tenant's or the partner's.
#[derive(Clone, Copy)]
struct Place {
    route: &'static str,
}

// === impl Place ===

impl Place {
    fn collection(self) -> Address {
        Address::new(self.route)
    }

    fn secret(self, path: &str) -> Address {
        self.collection().secret(path)
    }
}

/// Runs a command of the group.
pub(crate) async fn run(session: &Session, arguments: SecretsArguments) -> Result<Exit, Failure> {
    let route = if arguments.partner_scope { "/v1/partner/secrets" } else { "/v1/secrets" };
    let place = Place { route };
    match arguments.command {
        SecretsCommand::Read(arguments) => read::run(session, place, arguments).await?,
        SecretsCommand::Write(arguments) => write::run(session, place, arguments).await?,
        SecretsCommand::Update(arguments) => update::run(session, place, arguments).await?,
        SecretsCommand::List(arguments) => list::run(session, place, arguments).await?,
        SecretsCommand::Metadata(arguments) => inspect::metadata(session, place, arguments).await?,
        SecretsCommand::Versions(arguments) => inspect::versions(session, place, arguments).await?,
        SecretsCommand::Consumers(arguments) => inspect::consumers(session, place, arguments).await?,
        SecretsCommand::Delete(arguments) => remove::delete(session, place, arguments).await?,
        SecretsCommand::Restore(arguments) => remove::restore(session, place, arguments).await?,
        SecretsCommand::Rotate(arguments) => rotate::run(session, place, arguments).await?,
        SecretsCommand::Expiring(arguments) => list::expiring(session, place, arguments).await?,
        SecretsCommand::Batch(arguments) => return batch::run(session, place, arguments).await,
    }
    Ok(Exit::SUCCESS)
}
