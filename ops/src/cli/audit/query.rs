//! `audit query`.

use clap::Args;

use super::{LOGS, entries, follow};
use crate::cli::client::address::Address;
use crate::cli::error::Failure;
use crate::cli::list::{self, ListArguments};
use crate::cli::session::Session;

/// Flags of `audit query`.
#[derive(Args)]
pub(crate) struct QueryArguments {
    /// Only these actions, comma-separated
    #[arg(long, value_name = "ACTION,…")]
    action: Option<String>,
    /// Only of this identity, such as user:alice@acme.example or sa:reporting
    #[arg(long, value_name = "ID")]
    identity: Option<String>,
    /// Only of such identities: user, service_account, group, system
    #[arg(long, value_name = "TYPE")]
    identity_type: Option<String>,
    /// Only about secrets whose paths begin so
    #[arg(long, value_name = "TEXT")]
    path_prefix: Option<String>,
    /// Only successes (true) or failures (false)
    #[arg(long, value_name = "BOOL")]
    success: Option<bool>,
    /// Only from this address
    #[arg(long, value_name = "IP")]
    source_ip: Option<String>,
    /// Only of this request
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Only with this error
    #[arg(long, value_name = "CODE")]
    error_code: Option<String>,
    /// Only about this resource, such as policies or audit/logs
    #[arg(long)]
    resource: Option<String>,
    /// Only from this time on
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Only before this time; a date leaves that day out
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
    /// asc or desc [default: desc]
    #[arg(long)]
    order: Option<String>,
    /// Accesses to the partner's secrets
    #[arg(long)]
    partner_scope: bool,
    /// Entries of no tenant
    #[arg(long)]
    platform: bool,
    /// Go on printing entries as they are recorded
    #[arg(long, conflicts_with_all = ["order", "end", "limit", "cursor", "all"])]
    follow: bool,
    #[command(flatten)]
    list: ListArguments,
}

/// Searches.
pub(super) async fn run(session: &Session, arguments: QueryArguments) -> Result<(), Failure> {
    let address = Address::new(LOGS)
        .query("action", arguments.action)
        .query("identity_id", arguments.identity)
        .query("identity_type", arguments.identity_type)
        .query("path_prefix", arguments.path_prefix)
        .query("success", arguments.success)
        .query("source_ip", arguments.source_ip)
        .query("request_id", arguments.request_id)
        .query("error_code", arguments.error_code)
        .query("resource", arguments.resource)
        .query("to", arguments.end)
        .query("secret_scope", arguments.partner_scope.then_some("partner"))
        .flag("platform", arguments.platform);
    if arguments.follow {
        return follow::run(session, &address, arguments.start).await;
    }
    let address = address.query("from", arguments.start).query("order", arguments.order);
    list::show(session, address, &arguments.list, "logs", entries).await
}
