//! `rotation trigger`, `history` and `due`: rotations that are made, were made, and will be.

use clap::Args;
use http::Method;

use super::policy;
use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::completion;
use crate::cli::error::{Exit, Failure};
use crate::cli::json::{Json, object};
use crate::cli::list::{self, ListArguments};
use crate::cli::session::Session;
use crate::cli::table::{Table, cell};

/// Arguments of `rotation trigger`.
#[derive(Args)]
#[command(
    after_help = "With --auto-generate the values are replaced at once. Otherwise the secrets are due from now on, \
and pending until their values are written.\n\nExit status 1 if a secret could not be rotated."
)]
pub(crate) struct TriggerArguments {
    /// Id of the policy (rot_…)
    #[arg(add = completion::rotation_policies())]
    id: String,
    /// Only this secret of the policy (repeatable) [default: all that you may rotate]
    #[arg(long = "secret", value_name = "PATH", add = completion::paths())]
    secrets: Vec<String>,
}

/// Arguments of `rotation history`.
#[derive(Args)]
pub(crate) struct HistoryArguments {
    /// Id of the policy (rot_…)
    #[arg(add = completion::rotation_policies())]
    id: String,
    /// Only those that came out so
    #[arg(long, value_parser = ["success", "failed", "pending"])]
    status: Option<String>,
    /// Only of this secret
    #[arg(long, value_name = "PATH", add = completion::paths())]
    secret: Option<String>,
    /// Only those from this time on
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Only those before this time
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
    #[command(flatten)]
    list: ListArguments,
}

/// Arguments of `rotation due`.
#[derive(Args)]
pub(crate) struct DueArguments {
    /// Due within so many hours, 1 to 8760 [default: 24]
    #[arg(long, value_name = "N")]
    within_hours: Option<u64>,
    /// Without those that are overdue
    #[arg(long)]
    no_overdue: bool,
    /// Only under this policy (rot_…)
    #[arg(long, value_name = "ID", add = completion::rotation_policies())]
    policy: Option<String>,
    #[command(flatten)]
    list: ListArguments,
}

/// Rotates now. Fails if any of the secrets could not be rotated.
pub(super) async fn trigger(session: &Session, arguments: TriggerArguments) -> Result<Exit, Failure> {
    let TriggerArguments { id, secrets } = arguments;
    let body = object([("secret_paths", (!secrets.is_empty()).then(|| Json::texts(secrets)))]);
    let answer = session.send(Call::new(Method::POST, policy(&id).then("rotate")).with_body(&body)).await?;
    session.output.answer(&answer, |items| triggered(items.items()).render())?;
    let items = answer.json()?;
    let stands = |item: &Json, status: &str| item.member_text("status") == Some(status);
    let waits = |item: &Json| stands(item, "pending") && !item.member("auto_generated").is_some_and(Json::is_true);
    if items.items().is_empty() {
        session.output.notice(&format!("No secret is attached: scaivault rotation assign {id} PATH"));
    }
    if items.items().iter().any(waits) {
        session.output.notice("Pending secrets wait for their values: scaivault secrets rotate PATH KEY=VALUE");
    }
    let has_failed = items.items().iter().any(|item| stands(item, "failed"));
    Ok(if has_failed { Exit::GENERAL } else { Exit::SUCCESS })
}

/// Lists what became of rotations.
pub(super) async fn history(session: &Session, arguments: &HistoryArguments) -> Result<(), Failure> {
    let HistoryArguments { id, status, secret, start, end, list } = arguments;
    let address = policy(id)
        .then("history")
        .query("status", status.as_deref())
        .query("secret_path", secret.as_deref())
        .query("from", start.as_deref())
        .query("to", end.as_deref());
    let is_narrowed = status.is_some() || secret.is_some() || start.is_some() || end.is_some();
    let none = if is_narrowed { "No such rotation" } else { "Nothing has been rotated under this policy yet" };
    list::show_or(session, address, list, "history", rows, none).await
}

/// Lists what is due.
pub(super) async fn due(session: &Session, arguments: &DueArguments) -> Result<(), Failure> {
    let DueArguments { within_hours, no_overdue, policy, list } = arguments;
    let address = Address::new("/v1/rotation/due")
        .query("within_hours", *within_hours)
        .query("include_overdue", no_overdue.then_some("false"))
        .query("policy_id", policy.as_deref());
    let columns = [
        ("PATH", "path"),
        ("POLICY", "rotation_policy_id"),
        ("DUE", "due_at"),
        ("STATUS", "status"),
        ("AUTO", "auto_generate"),
    ];
    let none = match within_hours {
        Some(hours) => format!("Nothing is due within {hours} hours"),
        None => "Nothing is due within 24 hours; look further ahead with --within-hours".to_owned(),
    };
    list::show_or(session, address, list, "secrets", |rows| Table::of(rows, &columns), &none).await
}

fn triggered(items: &[Json]) -> Table {
    let mut table = Table::new(&["PATH", "STATUS", "OLD", "NEW", "ERROR"]);
    for item in items {
        let of = |name: &str| cell(item.member(name));
        table.push(vec![of("secret_path"), of("status"), of("old_version"), of("new_version"), error(item)]);
    }
    table
}

fn rows(items: &[Json]) -> Table {
    let mut table = Table::new(&["STARTED", "PATH", "STATUS", "TRIGGER", "OLD", "NEW", "BY", "ERROR"]);
    for item in items {
        let columns = ["started_at", "secret_path", "status", "trigger", "old_version", "new_version", "initiated_by"];
        let mut row: Vec<String> = columns.iter().map(|name| cell(item.member(name))).collect();
        row.push(error(item));
        table.push(row);
    }
    table
}

/// The code and what it means: a code alone would send the reader elsewhere.
fn error(item: &Json) -> String {
    match item.member("error") {
        Some(error @ Json::Object(_)) => format!("{}: {}", cell(error.member("code")), cell(error.member("message"))),
        other => cell(other),
    }
}
