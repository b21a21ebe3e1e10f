//! `service-accounts`: identities of programs, and their keys.

use clap::{Args, Subcommand};
use http::Method;

use super::client::Call;
use super::client::address::Address;
use super::error::{Exit, Failure};
use super::json::{Json, object};
use super::list::{ListArguments, pages};
use super::session::Session;
use super::table::{self, Table};

const ROUTE: &str = "/v1/identity/service-accounts";
const IS_ACTIVE: &str = "is_active";

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum ServiceAccountsCommand {
    /// List service accounts
    List {
        /// Only those whose name holds this text
        #[arg(long)]
        query: Option<String>,
        #[command(flatten)]
        list: ListArguments,
    },
    /// Show a service account
    Get {
        /// Id (sva_…) or identity (sa:…)
        id: String,
    },
    /// Make a service account
    Create(AttributesArguments),
    /// Change a service account
    Update {
        /// Id (sva_…) or identity (sa:…)
        id: String,
        #[command(flatten)]
        attributes: AttributesArguments,
    },
    /// Delete a service account; its keys end
    Delete {
        /// Id (sva_…) or identity (sa:…)
        id: String,
    },
    /// Make a key; its value is shown only now
    CreateKey(KeyArguments),
    /// List the keys of a service account
    ListKeys {
        /// Id (sva_…) or identity (sa:…)
        id: String,
        #[command(flatten)]
        list: ListArguments,
    },
    /// Revoke a key
    DeleteKey {
        /// Id (sva_…) or identity (sa:…)
        id: String,
        /// Id of the key
        key_id: String,
    },
}

/// What a service account is made of.
#[derive(Args)]
pub(crate) struct AttributesArguments {
    /// Name; fixed once made
    #[arg(long)]
    name: Option<String>,
    /// Description; empty for none
    #[arg(long)]
    description: Option<String>,
    /// Roles, comma-separated; empty for none
    #[arg(long, value_name = "ROLE,…")]
    roles: Option<String>,
    /// Scopes, comma-separated [default: those of the roles]
    #[arg(long, value_name = "SCOPE,…")]
    scopes: Option<String>,
    /// Whether its keys are let through
    #[arg(long, value_name = "BOOL")]
    active: Option<bool>,
}

/// Flags of `service-accounts create-key`.
#[derive(Args)]
pub(crate) struct KeyArguments {
    /// Id (sva_…) or identity (sa:…)
    id: String,
    /// Name of the key
    #[arg(long)]
    name: String,
    /// Life of the key, such as 30d, or none for no end [default: 365d]
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<String>,
    /// Have the server write {"api_key":…} to this secret and print no value
    #[arg(long, value_name = "PATH")]
    store_in: Option<String>,
}

/// Runs a command of the group.
pub(crate) async fn run(session: &Session, command: ServiceAccountsCommand) -> Result<Exit, Failure> {
    match command {
        ServiceAccountsCommand::List { query, list } => {
            let columns = [
                ("ID", "id"),
                ("NAME", "name"),
                ("IDENTITY", "identity_id"),
                ("ROLES", "roles"),
                ("ACTIVE", "is_active"),
            ];
            let address = Address::new(ROUTE).query("q", query);
            pages::show(session, address, &list, "service_accounts", |rows| Table::of(rows, &columns)).await?;
        }
        ServiceAccountsCommand::Get { id } => lines(session, Call::fetch(account(&id))).await?,
        ServiceAccountsCommand::Create(attributes) => {
            create(session, attributes).await?;
        }
        ServiceAccountsCommand::Update { id, attributes } => {
            lines(session, Call::new(Method::PATCH, account(&id)).with_body(&attributes.body())).await?;
        }
        ServiceAccountsCommand::Delete { id } => {
            session.output.confirm(&format!("Delete service account {id} with its keys?")).await?;
            session.send(Call::new(Method::DELETE, account(&id))).await?;
            session.output.done(&format!("Deleted {id}"))?;
        }
        ServiceAccountsCommand::CreateKey(arguments) => {
            let body = arguments.body();
            let call = Call::new(Method::POST, account(&arguments.id).then("keys")).with_body(&body);
            lines(session, call).await?;
        }
        ServiceAccountsCommand::ListKeys { id, list } => {
            let columns = [
                ("KEY", "id"),
                ("NAME", "name"),
                ("PREFIX", "prefix"),
                ("EXPIRES", "expires_at"),
                ("LAST_USED", "last_used_at"),
            ];
            pages::show(session, account(&id).then("keys"), &list, "keys", |rows| Table::of(rows, &columns)).await?;
        }
        ServiceAccountsCommand::DeleteKey { id, key_id } => {
            session.output.confirm(&format!("Revoke key {key_id}?")).await?;
            session.send(Call::new(Method::DELETE, account(&id).then("keys").id(&key_id))).await?;
            session.output.done(&format!("Deleted {key_id}"))?;
        }
    }
    Ok(Exit::SUCCESS)
}

/// The API makes active accounts only; one that is not to be is switched off before it has a key.
async fn create(session: &Session, attributes: AttributesArguments) -> Result<(), Failure> {
    let is_active = attributes.active.unwrap_or(true);
    let mut body = attributes.body();
    body.remove(IS_ACTIVE);
    let mut answer = session.send(Call::new(Method::POST, Address::new(ROUTE)).with_body(&body)).await?;
    if !is_active {
        let made = answer.json()?;
        let id = made.member_text("id").unwrap_or_default();
        let off = object([(IS_ACTIVE, Some(Json::Bool(false)))]);
        answer = session.send(Call::new(Method::PATCH, account(id)).with_body(&off)).await?;
    }
    session.output.answer(&answer, table::lines)
}

fn account(id: &str) -> Address {
    Address::new(ROUTE).id(id)
}

/// Sends a request and prints its answer as lines.
pub(super) async fn lines(session: &Session, call: Call) -> Result<(), Failure> {
    let answer = session.send(call).await?;
    session.output.answer(&answer, table::lines)
}

/// A comma-separated list; an empty text is an empty list.
pub(super) fn words(text: &str) -> Json {
    Json::texts(text.split(',').map(str::trim).filter(|word| !word.is_empty()))
}

// === impl AttributesArguments ===

impl AttributesArguments {
    fn body(&self) -> Json {
        object([
            ("name", self.name.clone().map(Json::text)),
            ("description", self.description.as_deref().map(text_or_null)),
            ("roles", self.roles.as_deref().map(words)),
            ("scopes", self.scopes.as_deref().map(words)),
            (IS_ACTIVE, self.active.map(Json::Bool)),
        ])
    }
}

// === impl KeyArguments ===

impl KeyArguments {
    fn body(&self) -> Json {
        let life = self.expires_in.as_deref().map(|life| if life == "none" { Json::Null } else { Json::text(life) });
        object([
            ("name", Some(Json::text(self.name.as_str()))),
            ("expires_in", life),
            ("store_in", self.store_in.as_deref().map(Json::text)),
        ])
    }
}

fn text_or_null(text: &str) -> Json {
    if text.is_empty() { Json::Null } else { Json::text(text) }
}
