//! `audit summary`.

use clap::Args;

use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::Failure;
use crate::cli::json::Json;
use crate::cli::session::Session;
use crate::cli::table::{Table, cell, chosen_lines};

/// Lines above the table.
const LINES: [(&str, &str); 7] = [
    ("from", "from"),
    ("to", "to"),
    ("total_events", "total_events"),
    ("successful_events", "successful_events"),
    ("failed_events", "failed_events"),
    ("unique_identities", "unique_identities"),
    ("unique_secrets", "unique_secrets"),
];

/// Flags of `audit summary`.
#[derive(Args)]
pub(crate) struct SummaryArguments {
    /// Start of the period [default: 30 days before its end]
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// End of the period [default: now]
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
    /// Entries of no tenant
    #[arg(long)]
    platform: bool,
}

/// Counts.
pub(super) async fn run(session: &Session, arguments: SummaryArguments) -> Result<(), Failure> {
    let address = Address::new("/v1/audit/summary")
        .query("from", arguments.start)
        .query("to", arguments.end)
        .flag("platform", arguments.platform);
    let answer = session.send(Call::fetch(address)).await?;
    session.output.answer(&answer, human)
}

fn human(summary: &Json) -> String {
    let mut table = Table::new(&["ACTION", "COUNT"]);
    for (action, count) in summary.member("by_action").map(Json::members).unwrap_or_default() {
        table.push(vec![action.clone(), cell(Some(count))]);
    }
    format!("{}\n\n{}", chosen_lines(summary, &LINES), table.render())
}
