//! `identity`: partners, tenants, users, groups, roles.

mod change;

use clap::Subcommand;
use http::Method;

use super::client::Call;
use super::client::address::Address;
use super::error::{Exit, Failure};
use super::json::{Json, object};
use super::list::{ListArguments, pages};
use super::service_accounts::{lines, words};
use super::session::Session;
use super::settings::Key;
use super::table::Table;
use change::{RecordArguments, SettingsArguments};

/// Below which everything of the group is.
const ROUTE: &str = "/v1/identity";

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum IdentityCommand {
    /// List partners, or show one
    Partners {
        /// Id of the partner
        id: Option<String>,
        /// ACTIVE, SUSPENDED or DELETED
        #[arg(long)]
        status: Option<String>,
        #[command(flatten)]
        list: ListArguments,
    },
    /// List tenants, or show one
    Tenants {
        /// Id of the tenant
        id: Option<String>,
        /// ACTIVE, SUSPENDED or DELETED
        #[arg(long)]
        status: Option<String>,
        #[command(flatten)]
        list: ListArguments,
    },
    /// List the users of a tenant (--tenant)
    Users {
        /// Part of address or name
        #[arg(long)]
        query: Option<String>,
        /// ACTIVE, SUSPENDED or DELETED
        #[arg(long)]
        status: Option<String>,
        #[command(flatten)]
        list: ListArguments,
    },
    /// List the groups of a tenant (--tenant)
    Groups {
        /// Part of the name
        #[arg(long)]
        query: Option<String>,
        #[command(flatten)]
        list: ListArguments,
    },
    /// List the members of a group and of those nested in it
    Members {
        /// Id of the group
        group_id: String,
        #[command(flatten)]
        list: ListArguments,
    },
    /// Show who somebody is
    Resolve {
        /// user, service_account or group
        #[arg(value_name = "TYPE")]
        kind: String,
        /// Record id, identity id, or what follows its colon
        id: String,
    },
    /// List roles; show or set those that a user was given here
    Roles {
        /// Id of the user
        user_id: Option<String>,
        /// Roles, comma-separated; empty for none
        #[arg(long, value_name = "ROLE,…", requires = "user_id")]
        set: Option<String>,
    },
    /// Make a partner
    CreatePartner(RecordArguments),
    /// Make a tenant
    CreateTenant {
        /// Whose tenant [default: your own partner]
        #[arg(long, value_name = "ID")]
        partner_id: Option<String>,
        #[command(flatten)]
        record: RecordArguments,
    },
    /// Change a partner
    UpdatePartner {
        /// Id of the partner
        id: String,
        #[command(flatten)]
        record: RecordArguments,
    },
    /// Change a tenant
    UpdateTenant {
        /// Id of the tenant
        id: String,
        #[command(flatten)]
        record: RecordArguments,
    },
    /// Destroy the key of a suspended tenant, and with it everything it has
    DeleteTenant {
        /// Id of the tenant
        id: String,
    },
    /// Show or change the settings of a tenant
    Settings(SettingsArguments),
}

/// Runs a command of the group.
pub(crate) async fn run(session: &Session, command: IdentityCommand) -> Result<Exit, Failure> {
    let named = [("ID", "id"), ("NAME", "name"), ("STATUS", "status"), ("SYNCED", "last_synced_at")];
    match command {
        IdentityCommand::Partners { id: Some(id), .. } => lines(session, Call::fetch(record("partners", &id))).await?,
        IdentityCommand::Tenants { id: Some(id), .. } => lines(session, Call::fetch(record("tenants", &id))).await?,
        IdentityCommand::Partners { id: None, status, list } => {
            let address = Address::new(ROUTE).then("partners").query("status", status);
            pages::show(session, address, &list, "partners", |rows| Table::of(rows, &named)).await?;
        }
        IdentityCommand::Tenants { id: None, status, list } => {
            let address = Address::new(ROUTE).then("tenants").query("status", status);
            pages::show(session, address, &list, "tenants", |rows| Table::of(rows, &named)).await?;
        }
        IdentityCommand::Users { query, status, list } => {
            let address = of_tenant(session).await?.then("users").query("q", query).query("status", status);
            let columns = [("ID", "id"), ("EMAIL", "email"), ("STATUS", "status"), ("SYNCED", "last_synced_at")];
            pages::show(session, address, &list, "users", |rows| Table::of(rows, &columns)).await?;
        }
        IdentityCommand::Groups { query, list } => {
            let address = of_tenant(session).await?.then("groups").query("q", query);
            pages::show(session, address, &list, "groups", |rows| Table::of(rows, &named)).await?;
        }
        IdentityCommand::Members { group_id, list } => {
            let columns = [("ID", "user_id"), ("EMAIL", "email"), ("TYPE", "membership_type"), ("ADDED", "added_at")];
            pages::show(session, record("groups", &group_id).then("members"), &list, "members", |rows| {
                Table::of(rows, &columns)
            })
            .await?;
        }
        IdentityCommand::Resolve { kind, id } => lines(session, Call::fetch(record("resolve", &kind).id(&id))).await?,
        IdentityCommand::Roles { user_id: None, .. } => roles(session).await?,
        IdentityCommand::Roles { user_id: Some(id), set } => {
            let address = record("users", &id).then("roles");
            let call = match set {
                Some(roles) => Call::new(Method::PUT, address).with_body(&object([("roles", Some(words(&roles)))])),
                None => Call::fetch(address),
            };
            lines(session, call).await?;
        }
        IdentityCommand::CreatePartner(arguments) => {
            let address = Address::new(ROUTE).then("partners");
            lines(session, Call::new(Method::POST, address).with_body(&arguments.body(None))).await?;
        }
        IdentityCommand::CreateTenant { partner_id, record } => {
            let address = Address::new(ROUTE).then("tenants");
            lines(session, Call::new(Method::POST, address).with_body(&record.body(partner_id))).await?;
        }
        IdentityCommand::UpdatePartner { id, record: arguments } => {
            let call = Call::new(Method::PATCH, record("partners", &id)).with_body(&arguments.body(None));
            lines(session, call).await?;
        }
        IdentityCommand::UpdateTenant { id, record: arguments } => {
            let call = Call::new(Method::PATCH, record("tenants", &id)).with_body(&arguments.body(None));
            lines(session, call).await?;
        }
        IdentityCommand::DeleteTenant { id } => {
            session.output.confirm(&format!("Destroy everything tenant {id} has, for good?")).await?;
            lines(session, Call::new(Method::DELETE, record("tenants", &id))).await?;
        }
        IdentityCommand::Settings(arguments) => change::settings(session, arguments).await?,
    }
    Ok(Exit::SUCCESS)
}

/// A record of a kind, by id.
fn record(kind: &str, id: &str) -> Address {
    Address::new(ROUTE).then(kind).id(id)
}

/// The tenant named by flag, environment or configuration, else that of the token.
async fn of_tenant(session: &Session) -> Result<Address, Failure> {
    if let Some(tenant) = session.settings.value(Key::TenantId)? {
        return Ok(record("tenants", &tenant));
    }
    let me = session.send(Call::fetch(Address::new("/v1/auth/whoami"))).await?.json()?;
    let own = me.member_text("tenant_id").map(|tenant| record("tenants", tenant));
    own.ok_or_else(|| Failure::usage("The token has no tenant: name one with --tenant"))
}

async fn roles(session: &Session) -> Result<(), Failure> {
    let answer = session.send(Call::fetch(Address::new(ROUTE).then("roles"))).await?;
    let columns = [("NAME", "name"), ("KIND", "kind"), ("REACH", "reach"), ("ASSIGNABLE", "assignable_by_caller")];
    session.output.answer(&answer, |answer| {
        let rows = answer.member("roles").map(Json::items).unwrap_or_default();
        Table::of(rows, &columns).render()
    })
}
