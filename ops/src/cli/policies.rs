//! `policies`: access policies, whom they are bound to, and what they say.

mod content;
mod replay;
mod verdict;

use clap::Subcommand;
use http::Method;

use self::content::{ChangeArguments, ContentArguments};
use self::verdict::TestArguments;
use super::client::Call;
use super::client::address::Address;
use super::error::{Exit, Failure};
use super::json::{Json, object};
use super::list::{self, ListArguments};
use super::session::Session;
use super::table::{self, Table};

const ROUTE: &str = "/v1/policies";

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum PoliciesCommand {
    /// List the policies that count in the tenant
    List {
        /// Only the tenant's own, or only its partner's
        #[arg(long, value_parser = ["tenant", "partner"])]
        scope: Option<String>,
        /// Also inactive ones
        #[arg(long)]
        include_inactive: bool,
        #[command(flatten)]
        list: ListArguments,
    },
    /// Show a policy with its rules and bindings
    Get {
        /// Id of the policy
        id: String,
    },
    /// Make a policy; it grants nothing until it is bound
    Create {
        #[command(flatten)]
        content: ContentArguments,
        /// For the tenant, or for all tenants of the partner
        #[arg(long, value_parser = ["tenant", "partner"])]
        scope: Option<String>,
    },
    /// Change a policy; what is not given stays
    Update {
        /// Id of the policy
        id: String,
        #[command(flatten)]
        change: ChangeArguments,
    },
    /// Delete a policy
    Delete {
        /// Id of the policy
        id: String,
        /// Also remove its bindings
        #[arg(long)]
        force: bool,
    },
    /// Bind a policy to an identity or group
    Bind {
        /// Id of the policy
        id: String,
        /// Kind of identity
        #[arg(long, value_parser = ["user", "service_account", "group", "system"])]
        identity_type: String,
        /// Identity, such as user:alice@acme.example
        #[arg(long, value_name = "IDENTITY")]
        identity_id: String,
        /// When the binding ends (RFC 3339 or a date)
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
    },
    /// List the bindings of a policy
    Bindings {
        /// Id of the policy
        id: String,
        #[command(flatten)]
        list: ListArguments,
    },
    /// Remove a binding
    Unbind {
        /// Id of the policy
        id: String,
        /// Id of the binding
        binding_id: String,
    },
    /// Ask what policies would say, without doing anything
    Test(TestArguments),
    /// Judge past decisions again under other policies, which are not made
    Replay(replay::ReplayArguments),
    /// Show how a replay is doing, and what it has found
    ReplayStatus(replay::StatusArguments),
    /// Tell why a past request was allowed or denied
    Explain {
        /// The request's id: `X-Request-ID`, or what an error message ends with
        request_id: String,
        /// One path of a batch
        #[arg(long, value_name = "PATH")]
        path: Option<String>,
    },
}

/// Runs a command of the group.
pub(crate) async fn run(session: &Session, command: PoliciesCommand) -> Result<Exit, Failure> {
    match command {
        PoliciesCommand::List { scope, include_inactive, list } => {
            let address =
                Address::new(ROUTE).query("scope", scope.as_deref()).flag("include_inactive", include_inactive);
            let columns = [
                ("ID", "id"),
                ("NAME", "name"),
                ("RULES", "rule_count"),
                ("BINDINGS", "binding_count"),
                ("ACTIVE", "is_active"),
                ("UPDATED", "updated_at"),
            ];
            list::show(session, address, &list, "policies", |rows| Table::of(rows, &columns)).await?;
        }
        PoliciesCommand::Get { id } => {
            let answer = session.send(Call::fetch(Address::new(ROUTE).id(&id))).await?;
            session.output.answer(&answer, content::shown)?;
        }
        PoliciesCommand::Create { content, scope } => {
            let mut body = content.into_body().await?;
            if let Some(scope) = scope {
                body.set("scope", Json::text(scope));
            }
            let answer = session.send(Call::new(Method::POST, Address::new(ROUTE)).with_body(&body)).await?;
            session.output.answer(&answer, table::lines)?;
        }
        PoliciesCommand::Update { id, change } => {
            let body = change.into_body().await?;
            let answer = session.send(Call::new(Method::PATCH, Address::new(ROUTE).id(&id)).with_body(&body)).await?;
            session.output.answer(&answer, table::lines)?;
        }
        PoliciesCommand::Delete { id, force } => {
            session.output.confirm(&format!("Delete policy {id}?")).await?;
            session.send(Call::new(Method::DELETE, Address::new(ROUTE).id(&id).flag("force", force))).await?;
            session.output.done(&format!("Deleted {id}"))?;
        }
        PoliciesCommand::Bind { id, identity_type, identity_id, expires_at } => {
            let body = object([
                ("identity_type", Some(Json::text(identity_type))),
                ("identity_id", Some(Json::text(identity_id))),
                ("expires_at", expires_at.map(Json::text)),
            ]);
            let call = Call::new(Method::POST, Address::new(ROUTE).id(&id).then("bindings")).with_body(&body);
            let answer = session.send(call).await?;
            session.output.answer(&answer, table::lines)?;
        }
        PoliciesCommand::Bindings { id, list } => {
            let address = Address::new(ROUTE).id(&id).then("bindings");
            list::show(session, address, &list, "bindings", bindings).await?;
        }
        PoliciesCommand::Unbind { id, binding_id } => {
            session.output.confirm(&format!("Remove binding {binding_id}?")).await?;
            let address = Address::new(ROUTE).id(&id).then("bindings").id(&binding_id);
            session.send(Call::new(Method::DELETE, address)).await?;
            session.output.done(&format!("Deleted {binding_id}"))?;
        }
        PoliciesCommand::Test(arguments) => return verdict::test(session, arguments).await,
        PoliciesCommand::Replay(arguments) => return replay::run(session, arguments).await,
        PoliciesCommand::ReplayStatus(arguments) => replay::status(session, arguments).await?,
        PoliciesCommand::Explain { request_id, path } => {
            let address = Address::new(ROUTE).then("explain").id(&request_id).query("path", path.as_deref());
            let answer = session.send(Call::fetch(address)).await?;
            session.output.answer(&answer, verdict::explained)?;
        }
    }
    Ok(Exit::SUCCESS)
}

fn bindings(rows: &[Json]) -> Table {
    let columns =
        [("BINDING", "id"), ("TYPE", "identity_type"), ("IDENTITY", "identity_id"), ("EXPIRES", "expires_at")];
    Table::of(rows, &columns)
}
