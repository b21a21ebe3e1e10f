//! `audit export` and `audit exports`: entries written to files, looked at, and fetched.

mod create;
mod download;

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::{Exit, Failure};
use crate::cli::json::Json;
use crate::cli::list::{self, ListArguments};
use crate::cli::session::Session;
use crate::cli::table::{Table, cell};

pub(super) use create::{ExportArguments, run as create};

const EXPORTS: &str = "/v1/audit/exports";

/// Commands of `audit exports`.
#[derive(Subcommand)]
pub(crate) enum ExportsCommand {
    /// List exports, newest first
    List {
        /// Those of entries of no tenant
        #[arg(long)]
        platform: bool,
        #[command(flatten)]
        list: ListArguments,
    },
    /// Show an export, how far it has come, and its files
    Get {
        /// Id of the export (exp_…)
        id: String,
        /// It is one of entries of no tenant
        #[arg(long)]
        platform: bool,
    },
    /// Fetch the files of an export that lie on the server, and check their digests
    Download {
        /// Id of the export (exp_…)
        id: String,
        /// Directory to write them to; made if there is none
        #[arg(long, value_name = "DIR")]
        out_dir: PathBuf,
        /// It is one of entries of no tenant
        #[arg(long)]
        platform: bool,
    },
}

/// Runs a command of the group.
pub(super) async fn run(session: &Session, command: ExportsCommand) -> Result<Exit, Failure> {
    match command {
        ExportsCommand::List { platform, list } => {
            let address = Address::new(EXPORTS).flag("platform", platform);
            list::show(session, address, &list, "exports", rows).await?;
        }
        ExportsCommand::Get { id, platform } => {
            let answer = session.send(Call::fetch(address(&id, platform))).await?;
            session.output.answer(&answer, shown)?;
        }
        ExportsCommand::Download { id, out_dir, platform } => {
            let answer = session.send(Call::fetch(address(&id, platform))).await?;
            download::run(session, &answer.json()?, &out_dir, platform).await?;
            session.output.answer(&answer, shown)?;
        }
    }
    Ok(Exit::SUCCESS)
}

fn address(id: &str, platform: bool) -> Address {
    Address::new(EXPORTS).id(id).flag("platform", platform)
}

/// An export with its files, or with why it failed.
fn shown(export: &Json) -> String {
    let row = rows(std::slice::from_ref(export)).render();
    match export.member("error") {
        Some(error @ Json::Object(_)) => {
            format!("{row}\n\nerror: {} [{}]", cell(error.member("message")), cell(error.member("code")))
        }
        _ => match files(export) {
            [] => row,
            files => format!("{row}\n\n{}", file_rows(files).render()),
        },
    }
}

fn rows(exports: &[Json]) -> Table {
    let columns =
        [("ID", "id"), ("STATUS", "status"), ("FORMAT", "format"), ("ENTRIES", "entries"), ("CREATED", "created_at")];
    Table::of(exports, &columns)
}

/// The files of a completed export.
fn files(export: &Json) -> &[Json] {
    export.member("manifest").map(Json::items).unwrap_or_default()
}

fn file_rows(files: &[Json]) -> Table {
    Table::of(files, &[("FILE", "name"), ("BYTES", "bytes"), ("ENTRIES", "entries"), ("SHA256", "sha256")])
}
