//! `policies replay` and `policies replay-status`.

use std::time::Duration;

use clap::Args;
use http::Method;

use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::{Exit, Failure};
use crate::cli::input;
use crate::cli::json::{Json, object};
use crate::cli::list::{self, ListArguments};
use crate::cli::session::Session;
use crate::cli::table::{self, Table, cell};

/// Between two looks at how it is doing.
const PAUSE: Duration = Duration::from_millis(500);
/// Rows shown at the end of a replay.
const ROWS: u64 = 200;

/// Flags of `policies replay`.
#[derive(Args)]
pub(crate) struct ReplayArguments {
    /// Decisions from this time on
    #[arg(long, value_name = "TIME")]
    start: String,
    /// Decisions before this time; a date leaves that day out
    #[arg(long, value_name = "TIME")]
    end: String,
    /// The proposal: a JSON object with add, replace, remove; - for standard input
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// A policy to do without (repeatable)
    #[arg(long, value_name = "ID")]
    remove: Vec<String>,
    /// What the proposal is laid over [default: recorded]
    #[arg(long, value_parser = ["recorded", "current"])]
    base: Option<String>,
    /// Only decisions on this identity
    #[arg(long, value_name = "IDENTITY")]
    identity: Option<String>,
    /// Only decisions on paths that start so
    #[arg(long, value_name = "PREFIX")]
    path_prefix: Option<String>,
    /// Only decisions on this permission
    #[arg(long, value_name = "PERMISSION")]
    permission: Option<String>,
    /// Do not wait for its end
    #[arg(long)]
    no_wait: bool,
    /// Exit with 1 if some decision changes
    #[arg(long, conflicts_with = "no_wait")]
    exit_code: bool,
}

/// Flags of `policies replay-status`.
#[derive(Args)]
pub(crate) struct StatusArguments {
    /// Id of the replay
    replay_id: String,
    /// Only decisions that change so
    #[arg(long, value_parser = ["allowed_to_denied", "denied_to_allowed"])]
    change: Option<String>,
    #[command(flatten)]
    list: ListArguments,
}

/// Runs `policies replay`.
pub(super) async fn run(session: &Session, arguments: ReplayArguments) -> Result<Exit, Failure> {
    let (no_wait, exit_code) = (arguments.no_wait, arguments.exit_code);
    let body = arguments.into_body().await?;
    let answer = session.send(Call::new(Method::POST, address()).with_body(&body)).await?;
    if no_wait {
        session.output.answer(&answer, table::lines)?;
        return Ok(Exit::SUCCESS);
    }
    let accepted = answer.json()?;
    let id = accepted.member_text("id").unwrap_or_default();
    let answer = loop {
        let answer = session.send(Call::fetch(address().id(id).query("limit", Some(ROWS)))).await?;
        let replay = answer.json()?;
        match replay.member_text("status") {
            Some("pending" | "running") => {
                let count = cell(replay.member("decisions_evaluated"));
                session.output.notice(&format!("{}: {count} decisions", cell(replay.member("status"))));
                tokio::time::sleep(PAUSE).await;
            }
            Some("failed") => {
                let reason = replay.member("error").and_then(|error| error.member_text("message"));
                return Err(Failure::general(format!("The replay failed: {}", reason.unwrap_or("no reason is known"))));
            }
            Some(_) | None => break answer,
        }
    };
    session.output.answer(&answer, shown)?;
    let replay = answer.json()?;
    if replay.member("has_more").is_some_and(Json::is_true) {
        session.output.notice(&format!("More changes: scaivault policies replay-status {id} --all"));
    }
    let count =
        |name: &str| replay.member("changed").and_then(|changed| changed.member_whole(name)).unwrap_or_default();
    let is_changed = count("allowed_to_denied") + count("denied_to_allowed") > 0;
    Ok(if exit_code && is_changed { Exit::GENERAL } else { Exit::SUCCESS })
}

/// Runs `policies replay-status`.
pub(super) async fn status(session: &Session, arguments: StatusArguments) -> Result<(), Failure> {
    let StatusArguments { replay_id, change, list } = arguments;
    let address = address().id(&replay_id).query("change", change);
    if list.all() {
        let merged = list::all(session, &address, list.limit(), list.cursor(), "changes").await?;
        return if session.output.json {
            session.output.document(&merged)
        } else {
            session.output.print(&shown(&merged))
        };
    }
    let address = address.query("limit", list.limit()).query("cursor", list.cursor());
    let answer = session.send(Call::fetch(address)).await?;
    session.output.answer(&answer, shown)?;
    list::more(session, &answer.json()?);
    Ok(())
}

fn address() -> Address {
    Address::new(super::ROUTE).then("replay")
}

// === impl ReplayArguments ===

impl ReplayArguments {
    async fn into_body(self) -> Result<Json, Failure> {
        let mut proposal = match &self.file {
            Some(file) => input::json_object(file).await?,
            None => object([]),
        };
        if !self.remove.is_empty() {
            let mut remove = proposal.member("remove").map(Json::items).unwrap_or_default().to_vec();
            remove.extend(self.remove.into_iter().map(Json::text));
            proposal.set("remove", Json::List(remove));
        }
        let filters = object([
            ("identity_id", self.identity.map(Json::text)),
            ("path_prefix", self.path_prefix.map(Json::text)),
            ("permission", self.permission.map(Json::text)),
        ]);
        Ok(object([
            ("policies", Some(proposal)),
            ("base", self.base.map(Json::text)),
            ("from", Some(Json::text(self.start))),
            ("to", Some(Json::text(self.end))),
            ("filters", Some(filters)),
        ]))
    }
}

/// Counts, then what changes.
fn shown(replay: &Json) -> String {
    let fields = ["id", "status", "base", "from", "to", "decisions_total", "decisions_evaluated"];
    let mut lines = table::chosen_lines(replay, &fields.map(|name| (name, name)));
    if let Some(changed) = replay.member("changed") {
        lines = format!("{lines}\n{}", table::lines(changed));
    }
    let mut changes = Table::new(&["TIME", "IDENTITY", "PERMISSION", "PATH", "BEFORE", "AFTER"]);
    for change in replay.member("changes").map(Json::items).unwrap_or_default() {
        let told = |name: &str| cell(change.member(name));
        changes.push(vec![
            told("timestamp"),
            told("identity_id"),
            told("permission"),
            told("path"),
            outcome(change.member("before")),
            outcome(change.member("after")),
        ]);
    }
    format!("{lines}\n\n{}", changes.render())
}

/// The verdict, and the code of a denial.
fn outcome(outcome: Option<&Json>) -> String {
    let member = |name: &str| outcome.and_then(|outcome| outcome.member_text(name));
    let verdict = member("verdict").unwrap_or("-");
    member("code").map_or_else(|| verdict.to_owned(), |code| format!("{verdict} ({code})"))
}
