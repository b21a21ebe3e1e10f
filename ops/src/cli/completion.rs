//! `completion`: scripts for shells, and the answers those scripts ask this executable for.
//!
//! The script calls the executable on every Tab, so that paths and ids come from the server while one is logged in.

use std::ffi::OsStr;
use std::time::Duration;

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{Bash, CompleteEnv, EnvCompleter, Fish, Powershell, Zsh};

use super::arguments::{CommandLine, Globals};
use super::client::Call;
use super::client::address::Address;
use super::error::{Exit, Failure};
use super::session::Session;
use super::settings::{Settings, process_environment};

/// Set by the scripts when they ask.
const VARIABLE: &str = "SCAIVAULT_COMPLETE";
/// A shell that waits longer than this seems stuck.
const PATIENCE: Duration = Duration::from_secs(2);

/// Flags of the command.
#[derive(Args)]
pub(crate) struct CompletionArguments {
    /// The shell
    shell: Shell,
}

/// Shells with a script.
#[derive(Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

/// Prints the script of a shell.
pub(crate) fn run(session: &Session, arguments: &CompletionArguments) -> Result<Exit, Failure> {
    let completer: &dyn EnvCompleter = match arguments.shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
        Shell::Powershell => &Powershell,
    };
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, "scaivault", "scaivault", "scaivault", &mut script)
        .map_err(|error| Failure::general(format!("The script cannot be made: {error}")))?;
    session.output.print(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::SUCCESS)
}

/// Answers a script, if one asks; tells whether it did.
pub(crate) fn answer() -> bool {
    let asked = CompleteEnv::with_factory(CommandLine::command).var(VARIABLE);
    let directory = std::env::current_dir().ok();
    // A script of another version that asks wrongly gets no candidates; a message would only disturb the prompt.
    asked.try_complete(std::env::args_os(), directory.as_deref()).unwrap_or(std::env::var_os(VARIABLE).is_some())
}

/// Completes paths of secrets.
pub(crate) fn paths() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let Some(prefix) = current.to_str() else {
            return Vec::new();
        };
        let address = Address::new("/v1/secrets").query("prefix", Some(prefix)).query("limit", Some(200));
        candidates(address, "secrets", "path", prefix)
    })
}

/// Completes ids of the caller's tokens.
pub(crate) fn tokens() -> ArgValueCompleter {
    ids("/v1/auth/tokens", "tokens")
}

/// Completes ids of rotation policies.
pub(crate) fn rotation_policies() -> ArgValueCompleter {
    ids("/v1/rotation/policies", "data")
}

/// Completes ids of secret policies.
pub(crate) fn secret_policies() -> ArgValueCompleter {
    ids("/v1/secret-policies", "secret_policies")
}

/// Completes ids of webhooks.
pub(crate) fn webhooks() -> ArgValueCompleter {
    ids("/v1/webhooks", "webhooks")
}

fn ids(route: &'static str, key: &'static str) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let address = Address::new(route).query("limit", Some(200));
        candidates(address, key, "id", current.to_str().unwrap_or_default())
    })
}

/// Rows of a list that begin with what was typed; none if anything goes wrong.
fn candidates(address: Address, key: &str, field: &str, typed: &str) -> Vec<CompletionCandidate> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    let fetched = async {
        let session = Session::new(Settings::load(Globals::default(), process_environment).ok()?);
        session.send(Call::fetch(address)).await.ok()?.json().ok()
    };
    let Ok(Some(answer)) = runtime.block_on(async { tokio::time::timeout(PATIENCE, fetched).await }) else {
        return Vec::new();
    };
    let rows = answer.member(key).map(super::json::Json::items).unwrap_or_default();
    let found = rows.iter().filter_map(|row| row.member_text(field)).filter(|text| text.starts_with(typed));
    found.map(CompletionCandidate::new).collect()
}
