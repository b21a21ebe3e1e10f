//! `run`: starts a command with secrets in its environment. Nothing is written to disk.

mod child;
mod program;
mod sources;
mod watch;

use std::ffi::OsString;

use clap::Args;

use self::child::{Child, End};
use self::program::Program;
use self::sources::Sources;
use super::error::{Exit, Failure};
use super::interruptible;
use super::session::Session;

/// Flags of the command.
#[derive(Args)]
#[command(after_help = "\
PATH#FIELD names one field; without #FIELD the only field is taken, or the whole data as JSON.
--path and --prefix make one variable of each field: upper-cased, other characters become _.")]
pub(crate) struct RunArguments {
    /// One variable from one secret (repeatable)
    #[arg(long = "secret", value_name = "NAME=PATH[#FIELD]")]
    secrets: Vec<String>,
    /// Every field of a secret as a variable (repeatable)
    #[arg(long = "path", value_name = "PATH", add = super::completion::paths())]
    paths: Vec<String>,
    /// The same for every secret below a prefix (repeatable)
    #[arg(long = "prefix", value_name = "PREFIX", add = super::completion::paths())]
    prefixes: Vec<String>,
    /// Put the last segment of the path in front of the names of --path and --prefix
    #[arg(long)]
    prefix_names: bool,
    /// File of NAME=value lines; values scaivault://PATH#FIELD are resolved
    #[arg(long, value_name = "FILE")]
    env_file: Option<String>,
    /// Dynamic credentials (not available in this version)
    #[arg(long = "lease", value_name = "NAME=ENGINE/ROLE[#FIELD]")]
    leases: Vec<String>,
    /// Life of leases
    #[arg(long, value_name = "DURATION", requires = "leases")]
    ttl: Option<String>,
    /// Start with the secrets alone, without the present environment
    #[arg(long)]
    clean_env: bool,
    /// Leave SCAIVAULT_TOKEN, SCAIVAULT_TOKEN_FILE and SCAIKEY_CLIENT_SECRET to the command
    #[arg(long)]
    keep_token: bool,
    /// Start the command anew when one of the secrets changes
    #[arg(long)]
    watch: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command and gives its exit status.
pub(crate) async fn run(session: &mut Session, arguments: RunArguments) -> Result<Exit, Failure> {
    if !arguments.leases.is_empty() {
        return Err(Failure::usage("--lease: this version has no dynamic credentials"));
    }
    let sources = Sources::gather(&arguments).await?;
    let mut loaded = interruptible(sources.load(session)).await?;
    let program = Program::find(&arguments.command, arguments.clean_env, arguments.keep_token)?;
    let mut signals = child::Signals::listen()?;
    loop {
        let mut child = Child::start(&program, &loaded.variables)?;
        let changed = async {
            if arguments.watch {
                watch::changed(session, &sources, &loaded.versions).await
            } else {
                std::future::pending().await
            }
        };
        match child.run(&mut signals, changed).await? {
            End::Ended(exit) => return Ok(exit),
            End::Replaced(next) => loaded = next,
        }
    }
}
