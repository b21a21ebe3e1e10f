//! `subscriptions`: feeds of chosen paths, polled here or pushed to a URL.

mod content;
mod poll;

use clap::Subcommand;
use http::Method;

use self::content::{ChangeArguments, CreateArguments};
use self::poll::PollArguments;
use super::client::Call;
use super::client::address::Address;
use super::error::{Exit, Failure};
use super::json::{Json, object};
use super::list::{self, ListArguments};
use super::session::Session;
use super::table::{self, Table, cell};

const ROUTE: &str = "/v1/subscriptions";

/// Shown below the commands: how one begins.
pub(super) const FIRST_STEPS: &str = "\
First steps:
  scaivault subscriptions create --name shop --paths 'shop/**' --events 'secret.*,rotation.*'
  scaivault subscriptions poll sub_… --follow

You are told of what you may list or read. What is not acknowledged comes again.";

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum SubscriptionsCommand {
    /// List your subscriptions; administrators see those of everybody
    List {
        #[command(flatten)]
        list: ListArguments,
    },
    /// Show a subscription, and how many events wait
    Get {
        /// Id of the subscription (sub_…)
        id: String,
    },
    /// Make a subscription; it sees events from that moment on
    Create(CreateArguments),
    /// Change a subscription; what is not given stays, and so do events that wait
    Update {
        /// Id of the subscription (sub_…)
        id: String,
        #[command(flatten)]
        change: ChangeArguments,
    },
    /// Delete a subscription, and the events that wait for it
    Delete {
        /// Id of the subscription (sub_…)
        id: String,
    },
    /// Print events that wait, oldest first
    Poll(PollArguments),
    /// Acknowledge events, which do not come again
    Ack {
        /// Id of the subscription (sub_…)
        id: String,
        /// Ids of the events (evt_…)
        #[arg(required = true, value_name = "EVENT_ID")]
        event_ids: Vec<String>,
    },
}

/// Runs a command of the group.
pub(crate) async fn run(session: &Session, command: SubscriptionsCommand) -> Result<Exit, Failure> {
    match command {
        SubscriptionsCommand::List { list } => subscriptions(session, &list).await?,
        SubscriptionsCommand::Get { id } => lines(session, Call::fetch(subscription(&id))).await?,
        SubscriptionsCommand::Create(arguments) => {
            let body = arguments.into_body().await?;
            lines(session, Call::new(Method::POST, Address::new(ROUTE)).with_body(&body)).await?;
        }
        SubscriptionsCommand::Update { id, change } => {
            let body = change.into_body().await?;
            if body.members().is_empty() {
                return Err(Failure::usage(
                    "Nothing to change: give a flag, see scaivault subscriptions update --help",
                ));
            }
            lines(session, Call::new(Method::PATCH, subscription(&id)).with_body(&body)).await?;
        }
        SubscriptionsCommand::Delete { id } => {
            session.output.confirm(&format!("Delete subscription {id} and the events that wait for it?")).await?;
            session.send(Call::new(Method::DELETE, subscription(&id))).await?;
            session.output.done(&format!("Deleted {id}"))?;
        }
        SubscriptionsCommand::Poll(arguments) => poll::run(session, arguments).await?,
        SubscriptionsCommand::Ack { id, event_ids } => {
            let answer = session.send(acknowledging(&id, event_ids)).await?;
            let told = |answer: &Json| format!("Acknowledged {}", cell(answer.member("acknowledged")));
            session.output.answer(&answer, told)?;
        }
    }
    Ok(Exit::SUCCESS)
}

async fn subscriptions(session: &Session, arguments: &ListArguments) -> Result<(), Failure> {
    let table = |rows: &[Json]| {
        let mut table = Table::new(&["ID", "NAME", "PATHS", "EVENTS", "DELIVERY", "STATUS"]);
        for row in rows {
            let delivery = row.member("delivery").and_then(|delivery| delivery.member("type"));
            let cells = ["id", "name", "paths", "events"].map(|name| cell(row.member(name)));
            table.push(cells.into_iter().chain([cell(delivery), cell(row.member("status"))]).collect());
        }
        table
    };
    let none = "No subscription yet: scaivault subscriptions create --name shop --paths 'shop/**' --events 'secret.*'";
    list::show_or(session, Address::new(ROUTE), arguments, "subscriptions", table, none).await
}

async fn lines(session: &Session, call: Call) -> Result<(), Failure> {
    let answer = session.send(call).await?;
    session.output.answer(&answer, table::lines)
}

fn subscription(id: &str) -> Address {
    Address::new(ROUTE).id(id)
}

fn acknowledging(id: &str, event_ids: Vec<String>) -> Call {
    let body = object([("event_ids", Some(Json::texts(event_ids)))]);
    Call::new(Method::POST, subscription(id).then("ack")).with_body(&body)
}
