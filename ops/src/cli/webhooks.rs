//! `webhooks`: events that are pushed to a URL, and what became of them.

pub(super) mod content;
mod deliveries;
pub(super) mod own_url;
mod verify;

use clap::Subcommand;
use http::Method;

use self::content::{ChangeArguments, CreateArguments};
use self::deliveries::{DeliveriesArguments, ReplayArguments};
use self::verify::VerifyArguments;
use super::client::Call;
use super::client::address::Address;
use super::completion;
use super::error::{Exit, Failure};
use super::json::Json;
use super::list::{self, ListArguments};
use super::session::Session;
use super::table::{Table, lines};

const ROUTE: &str = "/v1/webhooks";

/// Shown below the commands: how one begins.
pub(super) const FIRST_STEPS: &str = "\
First steps:
  scaivault webhooks create --name deploy --url https://hooks.example.com/in --events secret.rotated
  scaivault webhooks test ID
  scaivault webhooks deliveries ID

The secret that deliveries are signed with is shown once, when the webhook is made.";

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum WebhooksCommand {
    /// List webhooks, newest first
    List(ListArguments),
    /// Show a webhook, and how it is doing
    Get {
        /// Id of the webhook (wh_…)
        #[arg(add = completion::webhooks())]
        id: String,
    },
    /// Make a webhook
    Create(CreateArguments),
    /// Change a webhook; what is not given stays
    Update {
        /// Id of the webhook (wh_…)
        #[arg(add = completion::webhooks())]
        id: String,
        #[command(flatten)]
        change: ChangeArguments,
    },
    /// Delete a webhook, and drop what is on its way to it
    Delete {
        /// Id of the webhook (wh_…)
        #[arg(add = completion::webhooks())]
        id: String,
    },
    /// Send a test event now; exit status 1 if it did not arrive
    Test {
        /// Id of the webhook (wh_…)
        #[arg(add = completion::webhooks())]
        id: String,
    },
    /// List what became of deliveries, newest first, or show one
    Deliveries(DeliveriesArguments),
    /// Send the event of a delivery again
    Redeliver {
        /// Id of the webhook (wh_…)
        #[arg(add = completion::webhooks())]
        id: String,
        /// Id of the delivery (del_…)
        delivery_id: String,
    },
    /// Send the events of a time span again
    Replay(ReplayArguments),
    /// Check the signature of a delivery, without a server; its body is read from standard input
    Verify(VerifyArguments),
}

/// Runs a command of the group.
pub(crate) async fn run(session: &Session, command: WebhooksCommand) -> Result<Exit, Failure> {
    match command {
        WebhooksCommand::List(list) => webhooks(session, &list).await?,
        WebhooksCommand::Get { id } => shown(session, Call::fetch(webhook(&id))).await?,
        WebhooksCommand::Create(arguments) => content::create(session, arguments).await?,
        WebhooksCommand::Update { id, change } => {
            let body = change.into_body().await?;
            if body.members().is_empty() {
                return Err(Failure::usage("Nothing to change: give a flag, see scaivault webhooks update --help"));
            }
            shown(session, Call::new(Method::PATCH, webhook(&id)).with_body(&body)).await?;
        }
        WebhooksCommand::Delete { id } => {
            session.output.confirm(&format!("Delete webhook {id} and drop what is on its way to it?")).await?;
            session.send(Call::new(Method::DELETE, webhook(&id))).await?;
            session.output.done(&format!("Deleted {id}"))?;
        }
        WebhooksCommand::Test { id } => {
            let answer = session.send(Call::new(Method::POST, webhook(&id).then("test"))).await?;
            session.output.answer(&answer, lines)?;
            let arrived = answer.json()?.member_text("status") == Some("success");
            return Ok(if arrived { Exit::SUCCESS } else { Exit::GENERAL });
        }
        WebhooksCommand::Deliveries(arguments) => deliveries::show(session, &arguments).await?,
        WebhooksCommand::Redeliver { id, delivery_id } => {
            let address = webhook(&id).then("deliveries").id(&delivery_id).then("redeliver");
            shown(session, Call::new(Method::POST, address)).await?;
        }
        WebhooksCommand::Replay(arguments) => deliveries::replay(session, &arguments).await?,
        WebhooksCommand::Verify(arguments) => return verify::run(session, &arguments).await,
    }
    Ok(Exit::SUCCESS)
}

async fn webhooks(session: &Session, arguments: &ListArguments) -> Result<(), Failure> {
    let columns = [
        ("ID", "id"),
        ("NAME", "name"),
        ("URL", "url"),
        ("EVENTS", "events"),
        ("STATUS", "status"),
        ("ENABLED", "enabled"),
    ];
    let none = "No webhook yet: scaivault webhooks create --name NAME --url URL --events secret.rotated";
    list::show_or(session, Address::new(ROUTE), arguments, "webhooks", |rows| Table::of(rows, &columns), none).await
}

/// Sends a request and prints what it answers as lines.
async fn shown(session: &Session, call: Call) -> Result<(), Failure> {
    let answer = session.send(call).await?;
    session.output.answer(&answer, |object: &Json| lines(object))
}

fn webhook(id: &str) -> Address {
    Address::new(ROUTE).id(id)
}
