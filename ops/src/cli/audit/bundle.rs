//! `audit bundle`: entries with everything that proves them, in a file.

use std::path::PathBuf;

use clap::Args;

use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::{Exit, Failure};
use crate::cli::json::{Json, object};
use crate::cli::private_file;
use crate::cli::session::Session;
use crate::cli::table;

/// Flags of `audit bundle`.
#[derive(Args)]
pub(crate) struct BundleArguments {
    /// One entry (log_…)
    #[arg(required_unless_present_all = ["start", "end"], conflicts_with_all = ["start", "end", "action", "identity", "path_prefix"])]
    id: Option<String>,
    /// Entries from this time on
    #[arg(long, value_name = "TIME", requires = "end")]
    start: Option<String>,
    /// Entries before this time
    #[arg(long, value_name = "TIME", requires = "start")]
    end: Option<String>,
    /// Only these actions, comma-separated
    #[arg(long, value_name = "ACTION,…")]
    action: Option<String>,
    /// Only of this identity
    #[arg(long, value_name = "ID")]
    identity: Option<String>,
    /// Only about secrets whose paths begin so
    #[arg(long, value_name = "TEXT")]
    path_prefix: Option<String>,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Fetches a bundle and writes it.
pub(super) async fn run(session: &Session, arguments: BundleArguments) -> Result<Exit, Failure> {
    let address = Address::new("/v1/audit/bundle")
        .query("entry_id", arguments.id)
        .query("from", arguments.start)
        .query("to", arguments.end)
        .query("action", arguments.action)
        .query("identity_id", arguments.identity)
        .query("path_prefix", arguments.path_prefix);
    let answer = session.send(Call::fetch(address)).await?;
    let bundle = answer.json()?;
    let path = &arguments.out;
    private_file::write(path, answer.text().as_bytes())
        .map_err(|error| Failure::general(format!("{} cannot be written: {error}", path.display())))?;
    let records = bundle.member("records").map(Json::items).unwrap_or_default();
    let entries: usize =
        records.iter().map(|record| record.member("entries").map(Json::items).unwrap_or_default().len()).sum();
    let told = object([
        ("file", Some(Json::text(path.display().to_string()))),
        ("entries", Some(Json::whole(entries as u64))),
        ("records", Some(Json::whole(records.len() as u64))),
        ("tree_size", bundle.member("tree_size").cloned()),
        ("origin", bundle.member("origin").cloned()),
    ]);
    match session.output.json {
        true => session.output.document(&told)?,
        false => session.output.print(&table::lines(&told))?,
    }
    Ok(Exit::SUCCESS)
}
