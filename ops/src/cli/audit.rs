//! `audit`: the trail, searched, summed up, followed, and verified.

mod blast_radius;
mod bundle;
mod checkpoint;
mod exports;
mod follow;
mod keys;
mod offline;
mod query;
mod rebuilding;
mod reindex;
mod replay;
mod summary;
mod trail;
mod verify;

use clap::Subcommand;

use super::client::Call;
use super::client::address::Address;
use super::error::{Exit, Failure};
use super::json::Json;
use super::session::Session;
use super::table::{self, Table};

const LOGS: &str = "/v1/audit/logs";

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Search the trail
    Query(query::QueryArguments),
    /// Show one entry
    Get {
        /// Id of the entry (log_…)
        id: String,
    },
    /// Show who did what to a secret
    Trail(trail::TrailArguments),
    /// Show what an identity did
    Identity(trail::IdentityArguments),
    /// Count what happened
    Summary(summary::SummaryArguments),
    /// Show what a leaked credential or a compromised identity could have taken along
    BlastRadius(blast_radius::BlastRadiusArguments),
    /// Write entries to files, on the server or in an object store
    Export(exports::ExportArguments),
    /// Look at exports, and fetch their files
    #[command(subcommand)]
    Exports(exports::ExportsCommand),
    /// Make the searchable index anew while it serves
    Reindex(reindex::ReindexArguments),
    /// Print a signed checkpoint of the log: keep it, to verify against it later
    Checkpoint,
    /// Write a proof of single entries that can be verified without the server
    Bundle(bundle::BundleArguments),
    /// Verify that nobody has altered the log
    Verify(verify::VerifyArguments),
    /// Show policies, secrets or who had access as of a past moment
    Replay(replay::ReplayArguments),
}

/// Runs a command of the group.
pub(crate) async fn run(session: &Session, command: AuditCommand) -> Result<Exit, Failure> {
    match command {
        AuditCommand::Query(arguments) => query::run(session, arguments).await?,
        AuditCommand::Get { id } => {
            let answer = session.send(Call::fetch(Address::new(LOGS).id(&id))).await?;
            session.output.answer(&answer, table::lines)?;
        }
        AuditCommand::Trail(arguments) => trail::secret(session, arguments).await?,
        AuditCommand::Identity(arguments) => trail::identity(session, arguments).await?,
        AuditCommand::Summary(arguments) => summary::run(session, arguments).await?,
        AuditCommand::BlastRadius(arguments) => blast_radius::run(session, arguments).await?,
        AuditCommand::Export(arguments) => return exports::create(session, arguments).await,
        AuditCommand::Exports(command) => return exports::run(session, command).await,
        AuditCommand::Reindex(arguments) => reindex::run(session, &arguments).await?,
        AuditCommand::Checkpoint => return checkpoint::run(session).await,
        AuditCommand::Bundle(arguments) => return bundle::run(session, arguments).await,
        AuditCommand::Verify(arguments) => return verify::run(session, arguments).await,
        AuditCommand::Replay(arguments) => replay::run(session, arguments).await?,
    }
    Ok(Exit::SUCCESS)
}

/// Columns of entries.
const COLUMNS: [(&str, &str); 8] = [
    ("TIME", "timestamp"),
    ("ACTION", "action"),
    ("IDENTITY", "identity_id"),
    ("PATH", "secret_path"),
    ("VERSION", "secret_version"),
    ("OK", "success"),
    ("ERROR", "error_code"),
    ("IP", "source_ip"),
];

/// Entries as a table.
fn entries(rows: &[Json]) -> Table {
    Table::of(rows, &COLUMNS)
}
