//! `secrets list` and `secrets expiring`.

use clap::Args;

use super::Place;
use crate::cli::error::Failure;
use crate::cli::list::{self, ListArguments};
use crate::cli::session::Session;
use crate::cli::table::Table;

/// Flags of `secrets list`.
#[derive(Args)]
pub(super) struct ListSecretsArguments {
    /// Only paths that begin with this text
    #[arg(long)]
    prefix: Option<String>,
    /// Only with this tag (repeatable: with all of them)
    #[arg(long = "tag", value_name = "T")]
    tags: Vec<String>,
    /// Only of this type
    #[arg(long = "type", value_name = "TYPE")]
    secret_type: Option<String>,
    /// Only those that expire before this time
    #[arg(long, value_name = "TIME")]
    expires_before: Option<String>,
    /// Only those changed after this time
    #[arg(long, value_name = "TIME")]
    updated_after: Option<String>,
    /// Also expired ones
    #[arg(long)]
    include_expired: bool,
    /// Also deleted ones that can be restored
    #[arg(long)]
    include_deleted: bool,
    /// Add metadata to each row of the answer (shown with --json)
    #[arg(long)]
    include_metadata: bool,
    #[command(flatten)]
    list: ListArguments,
}

/// Flags of `secrets expiring`.
#[derive(Args)]
pub(super) struct ExpiringArguments {
    /// Within this many days
    #[arg(long, value_name = "N", default_value_t = 30)]
    days: u64,
    /// Only paths that begin with this text
    #[arg(long)]
    prefix: Option<String>,
    #[command(flatten)]
    list: ListArguments,
}

/// Lists secrets.
pub(super) async fn run(session: &Session, place: Place, arguments: ListSecretsArguments) -> Result<(), Failure> {
    let mut address = place.collection().query("prefix", arguments.prefix.as_deref());
    for tag in &arguments.tags {
        address = address.query("tag", Some(tag));
    }
    let address = address
        .query("secret_type", arguments.secret_type.as_deref())
        .query("expires_before", arguments.expires_before.as_deref())
        .query("updated_after", arguments.updated_after.as_deref())
        .flag("include_expired", arguments.include_expired)
        .flag("include_deleted", arguments.include_deleted)
        .flag("include_metadata", arguments.include_metadata);
    let columns = [
        ("PATH", "path"),
        ("TYPE", "secret_type"),
        ("VERSION", "version"),
        ("UPDATED", "updated_at"),
        ("EXPIRES", "expires_at"),
        ("TAGS", "tags"),
    ];
    list::show(session, address, &arguments.list, "secrets", |rows| Table::of(rows, &columns)).await
}

/// Lists secrets that expire soon.
pub(super) async fn expiring(session: &Session, place: Place, arguments: ExpiringArguments) -> Result<(), Failure> {
    let address = place
        .collection()
        .then("expiring")
        .query("days", Some(arguments.days))
        .query("prefix", arguments.prefix.as_deref());
    let columns = [("PATH", "path"), ("EXPIRES", "expires_at"), ("DAYS", "days_remaining")];
    list::show(session, address, &arguments.list, "secrets", |rows| Table::of(rows, &columns)).await
}
