//! `secrets read`: one value, as table, as JSON, bare, or into a file.

use std::path::PathBuf;

use clap::Args;

use super::Place;
use crate::cli::client::Call;
use crate::cli::error::{Exit, Failure};
use crate::cli::json::{Json, layout};
use crate::cli::private_file;
use crate::cli::session::Session;
use crate::cli::table::{Table, cell, chosen_lines, printable};

/// Flags of the command.
#[derive(Args)]
#[command(disable_version_flag = true)]
pub(super) struct ReadArguments {
    /// Path of the secret
    #[arg(add = crate::cli::completion::paths())]
    path: String,
    /// This version instead of the current one
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    /// The value that was current at this time
    #[arg(long, value_name = "TIME", conflicts_with = "version")]
    at: Option<String>,
    /// Print the bare value of one field; a.b descends
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
    /// Also the value of an expired secret
    #[arg(long)]
    include_expired: bool,
    /// Write to this file (mode 0600): the field, the answer with --json, otherwise the data as JSON
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Reads and shows a secret.
pub(super) async fn run(session: &Session, place: Place, arguments: ReadArguments) -> Result<(), Failure> {
    let ReadArguments { path, version, at, field, include_expired, out } = arguments;
    let address = place
        .secret(&path)
        .query("version", version)
        .query("at", at.as_deref())
        .flag("include_expired", include_expired);
    let answer = session.send(Call::fetch(address)).await?;
    let secret = answer.json()?;
    let data = secret.member("data").unwrap_or(&Json::Null);
    let bare = match &field {
        Some(field) => Some(wanted(data, field, &path)?),
        None => None,
    };
    let Some(file) = out else {
        return match bare {
            Some(value) if session.output.json => session.output.document(value),
            Some(value) => session.output.print(&value.bare()),
            None => session.output.answer(&answer, table),
        };
    };
    let content = match bare {
        Some(value) if session.output.json => layout::indent(&value.compact()),
        // Not one byte more than the value: a key or certificate must come out as it went in.
        Some(value) => value.bare(),
        None if session.output.json => layout::indent(answer.text()),
        None => layout::indent(&data.compact()),
    };
    private_file::write(&file, content.as_bytes())
        .map_err(|error| Failure::general(format!("{} cannot be written: {error}", file.display())))?;
    session.output.done(&format!("Wrote {path} version {} to {}", cell(secret.member("version")), file.display()))
}

/// A field that must be there.
pub(crate) fn wanted<'a>(data: &'a Json, field: &str, path: &str) -> Result<&'a Json, Failure> {
    data.descend(field).ok_or_else(|| Failure::local(Exit::MISSING, format!("Secret '{path}' has no field '{field}'")))
}

fn table(secret: &Json) -> String {
    let fields = [
        ("path", "path"),
        ("type", "secret_type"),
        ("version", "version"),
        ("updated", "updated_at"),
        ("expires", "expires_at"),
    ];
    let mut values = Table::new(&["KEY", "VALUE"]);
    for (name, value) in secret.member("data").map(Json::members).unwrap_or_default() {
        values.push(vec![printable(name), cell(Some(value))]);
    }
    format!("{}\n\n{}", chosen_lines(secret, &fields), values.render())
}
