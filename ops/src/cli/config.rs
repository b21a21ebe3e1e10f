//! `config`: shows and edits the configuration file.

use clap::Subcommand;

use super::error::{Exit, Failure};
use super::json::{Json, object};
use super::session::Session;
use super::settings::{Key, Setting};
use super::table::Table;

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Set a key: base_url, token, tenant_id, partner_id, ca_file, timeout or output (table, json)
    Set {
        /// Name of the key
        key: Key,
        /// Its new value
        value: String,
    },
    /// Print the effective value of a key
    Get {
        /// Name of the key
        key: Key,
    },
    /// Remove a key from the file
    Unset {
        /// Name of the key
        key: Key,
    },
    /// List all keys with their effective values and where they come from
    List,
}

/// Runs a command of the group.
pub(crate) fn run(session: &mut Session, command: ConfigCommand) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Set { key, value } => {
            if value.is_empty() {
                return Err(Failure::usage(format!("{}: empty; remove it with `config unset`", key.name())));
            }
            key.check(&value).map_err(|reason| Failure::usage(format!("{}: {reason}", key.name())))?;
            session.settings.file.set(key, &value)?;
            session.output.done(&format!("Set {}", key.name()))?;
        }
        ConfigCommand::Unset { key } => {
            let removed = session.settings.file.unset(key)?;
            let line = if removed { "Unset" } else { "Was not set:" };
            session.output.done(&format!("{line} {}", key.name()))?;
        }
        ConfigCommand::Get { key } => {
            let Some(setting) = session.settings.effective(key)? else {
                return Err(Failure::local(Exit::MISSING, format!("{} is not set", key.name())));
            };
            if session.output.json {
                session.output.document(&entry(key, Some(&setting)))?;
            } else {
                session.output.print(&key.shown(&setting.value))?;
            }
        }
        ConfigCommand::List => {
            let mut entries = Vec::new();
            for key in Key::ALL {
                entries.push(entry(key, session.settings.effective(key)?.as_ref()));
            }
            if session.output.json {
                session.output.document(&object([("config", Some(Json::List(entries)))]))?;
            } else {
                let columns = [("KEY", "key"), ("VALUE", "value"), ("SOURCE", "source")];
                session.output.print(&Table::of(&entries, &columns).render())?;
                session.output.notice(&format!("File: {}", session.settings.file.path().display()));
            }
        }
    }
    Ok(Exit::SUCCESS)
}

fn entry(key: Key, setting: Option<&Setting>) -> Json {
    let text = |text: Option<String>| Some(text.map_or(Json::Null, Json::text));
    object([
        ("key", Some(Json::text(key.name()))),
        ("value", text(setting.map(|setting| key.shown(&setting.value)))),
        ("source", text(setting.map(|setting| setting.source.to_owned()))),
    ])
}
