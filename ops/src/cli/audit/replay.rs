//! `audit replay`.

use clap::Args;

use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::Failure;
use crate::cli::json::{Json, object};
use crate::cli::list::{self, ListArguments};
use crate::cli::session::Session;
use crate::cli::table::{Table, cell};

const REPLAY: &str = "/v1/audit/replay";
/// Rows of a page of `--all`.
const LARGEST_PAGE: u64 = 200;

/// Flags of `audit replay`.
#[derive(Args)]
pub(crate) struct ReplayArguments {
    /// As of this time (RFC 3339 or a date)
    #[arg(long, value_name = "TIME", required_unless_present = "position", conflicts_with = "position")]
    at: Option<String>,
    /// As of right after the record at this position of the log
    #[arg(long, value_name = "N")]
    position: Option<u64>,
    /// What to show
    #[arg(long, value_parser = ["policies", "secrets", "access"])]
    what: String,
    /// With access: who could use this path. With secrets: only those whose paths start with it
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// With access: only this identity
    #[arg(long, value_name = "IDENTITY")]
    identity: Option<String>,
    /// With access: this permission [default: read]
    #[arg(long, value_name = "PERMISSION")]
    permission: Option<String>,
    #[command(flatten)]
    list: ListArguments,
}

/// Shows a page, or all of them.
pub(super) async fn run(session: &Session, arguments: ReplayArguments) -> Result<(), Failure> {
    let ReplayArguments { at, position, what, path, identity, permission, list } = arguments;
    let path_field = if what == "secrets" { "path_prefix" } else { "path" };
    let question = object([
        ("at", at.map(Json::text)),
        ("position", position.map(Json::whole)),
        ("what", Some(Json::text(what.clone()))),
        (path_field, path.map(Json::text)),
        ("identity_id", identity.map(Json::text)),
        ("permission", permission.map(Json::text)),
        ("limit", list.limit().or(list.all().then_some(LARGEST_PAGE)).map(Json::whole)),
        ("cursor", list.cursor().map(Json::text)),
    ]);
    let key = if what == "access" { "identities" } else { &what };
    let mut whole = ask(session, &question).await?;
    while let Some(cursor) = whole.member_text("cursor").filter(|_| list.all()).map(str::to_owned) {
        let mut question = question.clone();
        question.set("cursor", Json::text(cursor));
        let next = ask(session, &question).await?;
        let joined = [rows(&whole, key), rows(&next, key)].concat();
        whole.set(key, Json::List(joined));
        whole.set("cursor", next.member("cursor").cloned().unwrap_or(Json::Null));
        whole.set("has_more", next.member("has_more").cloned().unwrap_or(Json::Bool(false)));
    }
    match session.output.json {
        true => session.output.document(&whole)?,
        false => session.output.print(&table(&what, rows(&whole, key)).render())?,
    }
    list::more(session, &whole);
    Ok(())
}

async fn ask(session: &Session, question: &Json) -> Result<Json, Failure> {
    session.send(Call::ask(Address::new(REPLAY), question)).await?.json()
}

fn rows<'a>(answer: &'a Json, key: &str) -> &'a [Json] {
    answer.member(key).map(Json::items).unwrap_or_default()
}

fn table(what: &str, rows: &[Json]) -> Table {
    match what {
        "policies" => policies(rows),
        "secrets" => secrets(rows),
        _ => access(rows),
    }
}

/// As `policies list`: what is counted there is all here.
fn policies(rows: &[Json]) -> Table {
    let mut table = Table::new(&["ID", "NAME", "RULES", "BINDINGS", "ACTIVE", "UPDATED"]);
    for row in rows {
        let count = |name: &str| row.member(name).map(Json::items).unwrap_or_default().len().to_string();
        let shown = |name: &str| cell(row.member(name));
        table.push(vec![
            shown("id"),
            shown("name"),
            count("rules"),
            count("bindings"),
            shown("is_active"),
            shown("updated_at"),
        ]);
    }
    table
}

/// As `secrets list`.
fn secrets(rows: &[Json]) -> Table {
    let mut table = Table::new(&["PATH", "TYPE", "VERSION", "UPDATED", "EXPIRES", "TAGS"]);
    for row in rows {
        let mut cells =
            ["path", "secret_type", "version", "updated_at", "expires_at"].map(|name| cell(row.member(name))).to_vec();
        cells.push(cell(row.member("metadata").and_then(|metadata| metadata.member("tags"))));
        table.push(cells);
    }
    table
}

fn access(rows: &[Json]) -> Table {
    let mut table = Table::new(&["IDENTITY", "PATH", "PERMISSION", "VIA"]);
    for row in rows {
        let through = match row.member_text("role") {
            Some(role) => format!("role {role}"),
            None => format!("{} rule {}", cell(row.member("policy_name")), cell(row.member("rule_index"))),
        };
        let via = match row.member_text("via_group") {
            Some(group) => format!("{through} ({group})"),
            None => through,
        };
        table.push(vec![
            cell(row.member("identity_id")),
            cell(row.member("path")),
            cell(row.member("permission")),
            via,
        ]);
    }
    table
}
