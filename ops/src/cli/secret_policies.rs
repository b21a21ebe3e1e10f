//! `secret-policies`: recipes that generate values.

mod generate;

use clap::{Args, Subcommand};
use http::Method;

use self::generate::GenerateArguments;
use super::client::Call;
use super::client::address::Address;
use super::error::{Exit, Failure};
use super::input;
use super::json::{Json, object};
use super::list::{self, ListArguments};
use super::service_accounts::lines;
use super::session::Session;
use super::table::{Table, cell};

const ROUTE: &str = "/v1/secret-policies";

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum SecretPoliciesCommand {
    /// List secret policies by name
    List {
        /// Only those of this type
        #[arg(long = "type", value_name = "TYPE", value_parser = TYPES)]
        policy_type: Option<String>,
        /// Also inactive ones
        #[arg(long)]
        include_inactive: bool,
        #[command(flatten)]
        list: ListArguments,
    },
    /// Show a secret policy with all defaults
    Get {
        /// Id of the policy (sp_…)
        id: String,
    },
    /// List the types, generators and charsets that policies can be made of
    Types,
    /// Make a secret policy
    Create {
        /// Name, unique in the tenant; the id is made of it
        #[arg(long)]
        name: String,
        #[command(flatten)]
        content: ContentArguments,
    },
    /// Change a secret policy from its next use on; what is not given stays
    Update {
        /// Id of the policy (sp_…)
        id: String,
        /// Another name; the id stays
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        content: ContentArguments,
        /// Whether it generates anything
        #[arg(long, value_name = "BOOL")]
        active: Option<bool>,
    },
    /// Delete a secret policy
    Delete {
        /// Id of the policy (sp_…)
        id: String,
        /// Also one that is in use; it is detached everywhere
        #[arg(long)]
        force: bool,
    },
    /// Generate values: to see what a policy makes, or to store them
    Generate(GenerateArguments),
}

const TYPES: [&str; 5] = ["password", "api_key", "oauth_client", "ssh_key", "custom"];

/// What a secret policy is made of.
#[derive(Args)]
pub(crate) struct ContentArguments {
    /// What it is for; restricts nothing [default: custom]
    #[arg(long = "type", value_name = "TYPE", value_parser = TYPES)]
    policy_type: Option<String>,
    /// Fields as a JSON array, such as '[{"name":"password","generator":"random"}]'
    #[arg(long, value_name = "JSON")]
    fields: Option<String>,
    /// Fields from a JSON array in this file; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "fields")]
    fields_file: Option<String>,
    /// What is to be said about it
    #[arg(long)]
    description: Option<String>,
}

/// Runs a command of the group.
pub(crate) async fn run(session: &Session, command: SecretPoliciesCommand) -> Result<Exit, Failure> {
    match command {
        SecretPoliciesCommand::List { policy_type, include_inactive, list } => {
            let address = Address::new(ROUTE)
                .query("policy_type", policy_type.as_deref())
                .flag("include_inactive", include_inactive);
            list::show(session, address, &list, "secret_policies", rows).await?;
        }
        SecretPoliciesCommand::Get { id } => lines(session, Call::fetch(policy(&id))).await?,
        SecretPoliciesCommand::Types => {
            let answer = session.send(Call::fetch(Address::new(ROUTE).then("types"))).await?;
            session.output.answer(&answer, types)?;
        }
        SecretPoliciesCommand::Create { name, content } => {
            let body = content.into_body(Some(name), None).await?;
            if body.member("fields").is_none() {
                return Err(Failure::usage("Give the fields with --fields or --fields-file"));
            }
            lines(session, Call::new(Method::POST, Address::new(ROUTE)).with_body(&body)).await?;
        }
        SecretPoliciesCommand::Update { id, name, content, active } => {
            let body = content.into_body(name, active).await?;
            lines(session, Call::new(Method::PATCH, policy(&id)).with_body(&body)).await?;
        }
        SecretPoliciesCommand::Delete { id, force } => {
            session.output.confirm(&format!("Delete secret policy {id}?")).await?;
            session.send(Call::new(Method::DELETE, policy(&id).flag("force", force))).await?;
            session.output.done(&format!("Deleted {id}"))?;
        }
        SecretPoliciesCommand::Generate(arguments) => generate::run(session, arguments).await?,
    }
    Ok(Exit::SUCCESS)
}

fn policy(id: &str) -> Address {
    Address::new(ROUTE).id(id)
}

fn rows(policies: &[Json]) -> Table {
    let mut table = Table::new(&["ID", "NAME", "TYPE", "FIELDS", "ACTIVE"]);
    for policy in policies {
        let fields = policy.member("fields").map(Json::items).unwrap_or_default();
        let names = Json::List(fields.iter().filter_map(|field| field.member("name").cloned()).collect());
        let of = |name: &str| cell(policy.member(name));
        table.push(vec![of("id"), of("name"), of("policy_type"), cell(Some(&names)), of("is_active")]);
    }
    table
}

/// Types with their usual fields, generators with what they make, charsets with their characters.
fn types(catalogue: &Json) -> String {
    let mut table = Table::new(&["KIND", "NAME", "DETAIL"]);
    for (kind, key, detail) in [
        ("type", "policy_types", "fields"),
        ("generator", "generators", "description"),
        ("charset", "charsets", "characters"),
    ] {
        for row in catalogue.member(key).map(Json::items).unwrap_or_default() {
            let detail = match row.member(detail) {
                Some(Json::List(items)) if items.is_empty() => "-".to_owned(),
                other => cell(other),
            };
            table.push(vec![kind.to_owned(), cell(row.member("name")), detail]);
        }
    }
    table.render()
}

// === impl ContentArguments ===

impl ContentArguments {
    async fn into_body(self, name: Option<String>, active: Option<bool>) -> Result<Json, Failure> {
        let fields = match (self.fields, self.fields_file) {
            (Some(text), _) => Some(array("--fields", &text)?),
            (None, Some(source)) => Some(array(&source, &input::text(&source).await?)?),
            (None, None) => None,
        };
        Ok(object([
            ("name", name.map(Json::text)),
            ("policy_type", self.policy_type.map(Json::text)),
            ("description", self.description.map(Json::text)),
            ("fields", fields),
            ("is_active", active.map(Json::Bool)),
        ]))
    }
}

fn array(source: &str, text: &str) -> Result<Json, Failure> {
    match Json::parse(text) {
        Ok(fields @ Json::List(_)) => Ok(fields),
        Ok(_) => Err(Failure::usage(format!("{source} does not hold a JSON array of fields"))),
        Err(reason) => Err(Failure::usage(format!("{source} does not hold JSON: {reason}"))),
    }
}
