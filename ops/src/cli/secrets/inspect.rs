//! `secrets metadata`, `versions` and `consumers`: what is known about a secret besides its value.

use clap::Args;

use super::Place;
use crate::cli::client::Call;
use crate::cli::error::Failure;
use crate::cli::list::{self, ListArguments};
use crate::cli::session::Session;
use crate::cli::table::{self, Table};

/// Flags of `secrets metadata`.
#[derive(Args)]
pub(super) struct MetadataArguments {
    /// Path of the secret
    #[arg(add = crate::cli::completion::paths())]
    path: String,
}

/// Flags of `secrets versions`.
#[derive(Args)]
pub(super) struct VersionsArguments {
    /// Path of the secret
    #[arg(add = crate::cli::completion::paths())]
    path: String,
    /// Also versions whose value is gone
    #[arg(long)]
    include_destroyed: bool,
    #[command(flatten)]
    list: ListArguments,
}

/// Flags of `secrets consumers`.
#[derive(Args)]
#[command(disable_version_flag = true)]
pub(super) struct ConsumersArguments {
    /// Path of the secret
    #[arg(add = crate::cli::completion::paths())]
    path: String,
    /// Only readers of this version
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    /// Reads from this time on [default: 30 days ago]
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Reads before this time [default: now]
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
    #[command(flatten)]
    list: ListArguments,
}

/// Shows metadata and options.
pub(super) async fn metadata(session: &Session, place: Place, arguments: MetadataArguments) -> Result<(), Failure> {
    let address = place.collection().then("metadata").secret(&arguments.path);
    let answer = session.send(Call::fetch(address)).await?;
    session.output.answer(&answer, table::lines)
}

/// Lists versions.
pub(super) async fn versions(session: &Session, place: Place, arguments: VersionsArguments) -> Result<(), Failure> {
    let address = place.secret(&arguments.path).then("versions").flag("include_destroyed", arguments.include_destroyed);
    let columns = [
        ("VERSION", "version"),
        ("STATE", "state"),
        ("CREATED", "created_at"),
        ("CREATED_BY", "created_by"),
        ("GRACE_ENDS", "grace_ends_at"),
    ];
    list::show(session, address, &arguments.list, "versions", |rows| Table::of(rows, &columns)).await
}

/// Lists who reads the secret.
pub(super) async fn consumers(session: &Session, place: Place, arguments: ConsumersArguments) -> Result<(), Failure> {
    let address = place
        .secret(&arguments.path)
        .then("consumers")
        .query("version", arguments.version)
        .query("from", arguments.start.as_deref())
        .query("to", arguments.end.as_deref());
    let columns = [
        ("IDENTITY", "identity_id"),
        ("LAST_VERSION", "last_version"),
        ("LAST_READ", "last_read_at"),
        ("READS", "read_count"),
        ("MOVED", "moved"),
    ];
    list::show(session, address, &arguments.list, "consumers", |rows| Table::of(rows, &columns)).await
}
