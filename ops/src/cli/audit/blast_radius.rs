//! `audit blast-radius`.

use clap::Args;

use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::Failure;
use crate::cli::json::Json;
use crate::cli::session::Session;
use crate::cli::table::{Table, cell, lines};

/// The most rows that an answer has.
const PAGE: u32 = 1_000;
/// The lists of an answer.
const LISTS: [&str; 4] = ["secrets", "certificates", "leases", "rotations"];

/// Flags of `audit blast-radius`.
#[derive(Args)]
pub(crate) struct BlastRadiusArguments {
    /// The identity, such as user:alice@acme.example or sa:reporting
    #[arg(long, value_name = "ID", required_unless_present = "token_id", conflicts_with = "token_id")]
    identity: Option<String>,
    /// Id of the token (tok_…) or key (key_…)
    #[arg(long, value_name = "ID")]
    token_id: Option<String>,
    /// Only from this time on
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Only before this time; a date leaves that day out
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
}

/// Shows all of it: a part would look like the whole.
pub(super) async fn run(session: &Session, arguments: BlastRadiusArguments) -> Result<(), Failure> {
    let address = Address::new("/v1/audit/blast-radius")
        .query("identity_id", arguments.identity)
        .query("token_id", arguments.token_id)
        .query("from", arguments.start)
        .query("to", arguments.end)
        .query("limit", Some(PAGE));
    let mut whole = session.send(Call::fetch(address.clone())).await?.json()?;
    while let Some(cursor) = whole.member_text("cursor").map(str::to_owned) {
        let next = session.send(Call::fetch(address.clone().query("cursor", Some(&cursor)))).await?.json()?;
        for list in LISTS {
            let items = |of: &Json| of.member(list).map(Json::items).unwrap_or_default().to_vec();
            let joined = [items(&whole), items(&next)].concat();
            whole.set(list, Json::List(joined));
        }
        whole.set("cursor", next.member("cursor").cloned().unwrap_or(Json::Null));
        whole.set("has_more", next.member("has_more").cloned().unwrap_or(Json::Bool(false)));
    }
    if session.output.json { session.output.document(&whole) } else { session.output.print(&human(&whole)) }
}

fn human(radius: &Json) -> String {
    let items = |list: &str| radius.member(list).map(Json::items).unwrap_or_default();
    let due: Vec<_> = items("rotations").iter().map(place).collect();
    let mut secrets = Table::new(&["PATH", "VERSIONS", "CURRENT", "OTHERS", "ROTATE"]);
    for secret in items("secrets") {
        let versions = secret.member("versions").map(Json::items).unwrap_or_default();
        let versions: Vec<_> = versions.iter().map(|version| cell(version.member("version"))).collect();
        let rotate = Json::Bool(due.contains(&place(secret)));
        secrets.push(vec![
            cell(secret.member("path")),
            versions.join(","),
            cell(secret.member("still_current")),
            cell(secret.member("others_count")),
            cell(Some(&rotate)),
        ]);
    }
    let certificates = Table::of(
        items("certificates"),
        &[("CERTIFICATE", "certificate_id"), ("NAME", "common_name"), ("STATUS", "status"), ("NOT_AFTER", "not_after")],
    );
    let leases = Table::of(
        items("leases"),
        &[("LEASE", "lease_id"), ("ENGINE", "engine"), ("ROLE", "role"), ("STATUS", "status")],
    );
    let summary = radius.member("summary").map(lines).unwrap_or_default();
    [summary, secrets.render(), certificates.render(), leases.render()].join("\n\n")
}

/// Which secret a row is about.
fn place(row: &Json) -> (Option<&str>, Option<&str>) {
    (row.member_text("secret_scope"), row.member_text("path"))
}
