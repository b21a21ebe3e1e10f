//! `scaikey`: the registration with the identity provider, and synchronisation.

use std::time::Duration;

use clap::{Args, Subcommand};
use http::Method;

use super::client::Call;
use super::client::address::Address;
use super::error::{Exit, Failure};
use super::input;
use super::json::{Json, object};
use super::list::{ListArguments, pages};
use super::service_accounts::lines;
use super::session::Session;
use super::table::{Table, cell};

const REGISTRATION: &str = "/v1/identity/scaikey";
const SYNC: &str = "/v1/identity/sync";
/// Between looks at whether a synchronisation has ended.
const PAUSE: Duration = Duration::from_secs(1);

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum ScaikeyCommand {
    /// Register this installation with ScaiKey
    Register(RegisterArguments),
    /// Show the registration
    Status,
    /// Take identities over now (--tenant and --partner narrow it)
    Sync {
        /// Wait until it has ended
        #[arg(long)]
        wait: bool,
    },
    /// Show a synchronisation, or the last one
    SyncStatus {
        /// Id of the synchronisation
        sync_id: Option<String>,
        /// List all of them
        #[arg(long, conflicts_with = "sync_id")]
        history: bool,
        #[command(flatten)]
        list: ListArguments,
    },
}

/// Flags of `scaikey register`.
#[derive(Args)]
pub(crate) struct RegisterArguments {
    /// tenant, partner or platform
    #[arg(long)]
    scope: String,
    /// Slug of the tenant
    #[arg(long)]
    tenant_slug: Option<String>,
    /// Slug of the partner
    #[arg(long)]
    partner_slug: Option<String>,
    /// Whom ScaiKey's operators write to
    #[arg(long)]
    email: String,
    /// File with a webhook secret agreed on by hand (- for standard input)
    #[arg(long, value_name = "FILE")]
    webhook_secret_file: Option<String>,
}

/// Runs a command of the group.
pub(crate) async fn run(session: &Session, command: ScaikeyCommand) -> Result<Exit, Failure> {
    match command {
        ScaikeyCommand::Register(arguments) => register(session, arguments).await?,
        ScaikeyCommand::Status => lines(session, Call::fetch(Address::new(REGISTRATION))).await?,
        ScaikeyCommand::Sync { wait } => return synchronise(session, wait).await,
        ScaikeyCommand::SyncStatus { sync_id: Some(id), .. } => show(session, &id).await?,
        ScaikeyCommand::SyncStatus { sync_id: None, history, list } => {
            let history = history || list.is_given();
            if history {
                pages::show(session, Address::new(SYNC).then("history"), &list, "syncs", syncs).await?;
            } else {
                let last = Address::new(SYNC).then("history").query("page_size", Some(1));
                let answer = session.send(Call::fetch(last)).await?.json()?;
                let newest = answer.member("syncs").map(Json::items).unwrap_or_default().first();
                let id = newest.and_then(|sync| sync.member_text("sync_id"));
                let id = id.ok_or_else(|| Failure::local(Exit::MISSING, "There was no synchronisation yet"))?;
                show(session, id).await?;
            }
        }
    }
    Ok(Exit::SUCCESS)
}

async fn register(session: &Session, arguments: RegisterArguments) -> Result<(), Failure> {
    let secret = match &arguments.webhook_secret_file {
        Some(file) => Some(input::text(file).await?),
        None => None,
    };
    let body = object([
        ("scope", Some(Json::text(arguments.scope))),
        ("tenant_slug", arguments.tenant_slug.map(Json::text)),
        ("partner_slug", arguments.partner_slug.map(Json::text)),
        ("email", Some(Json::text(arguments.email))),
        ("webhook_secret", secret.map(|secret| Json::text(secret.trim()))),
    ]);
    lines(session, Call::new(Method::POST, Address::new(REGISTRATION)).with_body(&body)).await
}

async fn synchronise(session: &Session, wait: bool) -> Result<Exit, Failure> {
    let globals = session.settings.globals();
    let address = Address::new(SYNC)
        .query("partner_id", globals.partner.as_deref())
        .query("tenant_id", globals.tenant.as_deref());
    let answer = session.send(Call::new(Method::POST, address)).await?;
    if !wait {
        session.output.answer(&answer, super::table::lines)?;
        return Ok(Exit::SUCCESS);
    }
    let started = answer.json()?;
    let id = started.member_text("sync_id").unwrap_or_default().to_owned();
    loop {
        let answer = session.send(Call::fetch(Address::new(SYNC).id(&id))).await?;
        let sync = answer.json()?;
        match sync.member_text("status") {
            Some("running") => tokio::time::sleep(PAUSE).await,
            status => {
                session.output.answer(&answer, row)?;
                return if status == Some("completed") {
                    Ok(Exit::SUCCESS)
                } else {
                    Err(Failure::general("The synchronisation failed"))
                };
            }
        }
    }
}

async fn show(session: &Session, id: &str) -> Result<(), Failure> {
    let answer = session.send(Call::fetch(Address::new(SYNC).id(id))).await?;
    session.output.answer(&answer, row)
}

/// A synchronisation as one row.
fn row(sync: &Json) -> String {
    syncs(std::slice::from_ref(sync)).render()
}

fn syncs(rows: &[Json]) -> Table {
    let mut table = Table::new(&["SYNC", "STATUS", "STARTED", "FINISHED", "CHANGES"]);
    for sync in rows {
        let field = |name: &str| cell(sync.member(name));
        let changes = ["created", "updated", "deleted"].map(|name| format!("{} {name}", field(name))).join(", ");
        table.push(vec![field("sync_id"), field("status"), field("started_at"), field("completed_at"), changes]);
    }
    table
}
