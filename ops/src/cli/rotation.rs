//! `rotation`: how often values are replaced, which secrets that concerns, and what became of it.

mod assignments;
mod content;
mod outcomes;

use clap::Subcommand;
use http::Method;

use self::assignments::{AssignmentArguments, SecretsArguments};
use self::content::{ChangeArguments, CreateArguments};
use self::outcomes::{DueArguments, HistoryArguments, TriggerArguments};
use super::client::Call;
use super::client::address::Address;
use super::completion;
use super::error::{Exit, Failure};
use super::list::{self, ListArguments};
use super::session::Session;
use super::table::Table;

const ROUTE: &str = "/v1/rotation/policies";

/// Shown below the commands: how one begins.
pub(super) const FIRST_STEPS: &str = "\
First steps:
  scaivault rotation create --name quarterly --interval 90d --warn-before 7d,1d
  scaivault rotation assign rot_quarterly shop/oauth
  scaivault rotation due --within-hours 2400

A secret that is due waits for its value, by `secrets write` or `secrets rotate`, unless
the policy has --auto-generate. The replaced version stays readable for the grace period.";

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum RotationCommand {
    /// List rotation policies by name
    List {
        /// Without those that are disabled
        #[arg(long)]
        active_only: bool,
        #[command(flatten)]
        list: ListArguments,
    },
    /// Show a rotation policy
    Get {
        /// Id of the policy (rot_…)
        #[arg(add = completion::rotation_policies())]
        id: String,
    },
    /// Make a rotation policy; secrets are attached to it with assign
    Create(CreateArguments),
    /// Change a rotation policy; what is not given stays
    Update {
        /// Id of the policy (rot_…)
        #[arg(add = completion::rotation_policies())]
        id: String,
        #[command(flatten)]
        change: ChangeArguments,
    },
    /// Delete a rotation policy; its secrets keep their values
    Delete {
        /// Id of the policy (rot_…)
        #[arg(add = completion::rotation_policies())]
        id: String,
    },
    /// Let a disabled policy go on: what fell due meanwhile is done at once
    Enable {
        /// Id of the policy (rot_…)
        #[arg(add = completion::rotation_policies())]
        id: String,
    },
    /// Pause a policy: no warnings, no rotations, nothing overdue
    Disable {
        /// Id of the policy (rot_…)
        #[arg(add = completion::rotation_policies())]
        id: String,
    },
    /// Attach a secret to a policy, or move it there from another one
    Assign(AssignmentArguments),
    /// Detach a secret from a policy
    Unassign(AssignmentArguments),
    /// List the secrets of a policy, and when they are due
    Secrets(SecretsArguments),
    /// Rotate the secrets of a policy now
    Trigger(TriggerArguments),
    /// List what became of the rotations under a policy, newest first
    History(HistoryArguments),
    /// List the secrets that are due soon, or already
    Due(DueArguments),
}

/// Runs a command of the group.
pub(crate) async fn run(session: &Session, command: RotationCommand) -> Result<Exit, Failure> {
    match command {
        RotationCommand::List { active_only, list } => policies(session, active_only, &list).await?,
        RotationCommand::Get { id } => content::lines(session, Call::fetch(policy(&id))).await?,
        RotationCommand::Create(arguments) => {
            let body = arguments.into_body()?;
            content::lines(session, Call::new(Method::POST, Address::new(ROUTE)).with_body(&body)).await?;
        }
        RotationCommand::Update { id, change } => {
            let body = change.into_body()?;
            if body.members().is_empty() {
                return Err(Failure::usage("Nothing to change: give a flag, see scaivault rotation update --help"));
            }
            content::lines(session, Call::new(Method::PATCH, policy(&id)).with_body(&body)).await?;
        }
        RotationCommand::Delete { id } => {
            session.output.confirm(&format!("Delete rotation policy {id} and detach its secrets?")).await?;
            session.send(Call::new(Method::DELETE, policy(&id))).await?;
            session.output.done(&format!("Deleted {id}"))?;
        }
        RotationCommand::Enable { id } => switch(session, &id, "enable").await?,
        RotationCommand::Disable { id } => switch(session, &id, "disable").await?,
        RotationCommand::Assign(arguments) => assignments::assign(session, &arguments).await?,
        RotationCommand::Unassign(arguments) => assignments::unassign(session, &arguments).await?,
        RotationCommand::Secrets(arguments) => assignments::list(session, &arguments).await?,
        RotationCommand::Trigger(arguments) => return outcomes::trigger(session, arguments).await,
        RotationCommand::History(arguments) => outcomes::history(session, &arguments).await?,
        RotationCommand::Due(arguments) => outcomes::due(session, &arguments).await?,
    }
    Ok(Exit::SUCCESS)
}

async fn policies(session: &Session, active_only: bool, arguments: &ListArguments) -> Result<(), Failure> {
    let columns = [
        ("ID", "id"),
        ("NAME", "name"),
        ("INTERVAL", "interval"),
        ("GRACE", "grace_period"),
        ("AUTO", "auto_generate"),
        ("SECRETS", "secrets_count"),
        ("ACTIVE", "is_active"),
    ];
    let address = Address::new(ROUTE).flag("active_only", active_only);
    let none = "No rotation policy yet: scaivault rotation create --name quarterly --interval 90d";
    let none = if active_only { "No active rotation policy" } else { none };
    list::show_or(session, address, arguments, "data", |rows| Table::of(rows, &columns), none).await
}

async fn switch(session: &Session, id: &str, verb: &str) -> Result<(), Failure> {
    content::lines(session, Call::new(Method::POST, policy(id).then(verb))).await
}

fn policy(id: &str) -> Address {
    Address::new(ROUTE).id(id)
}
