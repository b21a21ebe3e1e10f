//! `audit trail` and `audit identity`.

use clap::Args;

use super::entries;
use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::Failure;
use crate::cli::json::Json;
use crate::cli::list::{self, ListArguments};
use crate::cli::session::Session;
use crate::cli::table;

/// Flags of `audit trail`.
#[derive(Args)]
pub(crate) struct TrailArguments {
    /// Path of the secret
    path: String,
    /// Accesses to the partner's secret of that path
    #[arg(long)]
    partner_scope: bool,
    #[command(flatten)]
    period: PeriodArguments,
}

/// Flags of `audit identity`.
#[derive(Args)]
pub(crate) struct IdentityArguments {
    /// The identity, such as user:alice@acme.example or sa:reporting
    id: String,
    #[command(flatten)]
    period: PeriodArguments,
}

#[derive(Args)]
struct PeriodArguments {
    /// Only from this time on
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Only before this time; a date leaves that day out
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
    /// Only these actions, comma-separated
    #[arg(long, value_name = "ACTION,…")]
    action: Option<String>,
    #[command(flatten)]
    list: ListArguments,
}

/// The trail of a secret.
pub(super) async fn secret(session: &Session, arguments: TrailArguments) -> Result<(), Failure> {
    let address = Address::new("/v1/audit/secrets").secret(&arguments.path);
    let address = address.query("secret_scope", arguments.partner_scope.then_some("partner"));
    show(session, address, arguments.period).await
}

/// The trail of an identity.
pub(super) async fn identity(session: &Session, arguments: IdentityArguments) -> Result<(), Failure> {
    show(session, Address::new("/v1/audit/identities").id(&arguments.id), arguments.period).await
}

async fn show(session: &Session, address: Address, arguments: PeriodArguments) -> Result<(), Failure> {
    let PeriodArguments { start, end, action, list } = arguments;
    let address = address.query("from", start).query("to", end).query("action", action);
    if list.all() {
        let merged = list::all(session, &address, list.limit(), list.cursor(), "logs").await?;
        return match session.output.json {
            true => session.output.document(&merged),
            false => session.output.print(&human(&merged)),
        };
    }
    let address = address.query("limit", list.limit()).query("cursor", list.cursor());
    let answer = session.send(Call::fetch(address)).await?;
    session.output.answer(&answer, human)?;
    list::more(session, &answer.json()?);
    Ok(())
}

/// The summary line by line, then the entries.
fn human(trail: &Json) -> String {
    let summary = trail.member("summary").map(table::lines).unwrap_or_default();
    let rows = trail.member("logs").map(Json::items).unwrap_or_default();
    format!("{summary}\n\n{}", entries(rows).render())
}
