//! The command line: reads arguments, runs one command, and ends with the exit status of the contract.
//!
//! Client commands speak to a server over HTTP and nothing else; `server` and `init` are handed to the [`Operator`].

mod arguments;
mod audit;
mod auth;
mod client;
mod completion;
mod config;
mod configuration_file;
mod duration;
mod error;
mod identity;
mod input;
mod json;
mod list;
mod output;
mod policies;
mod private_file;
mod retry;
mod rotation;
mod run;
mod scaikey;
mod secret_policies;
mod secrets;
mod service_accounts;
mod session;
mod settings;
mod subscriptions;
mod table;
mod tokens;
mod webhooks;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ColorChoice, CommandFactory, FromArgMatches};
use tokio::signal::unix::{SignalKind, signal};

use self::arguments::{CommandLine, Globals, Group};
pub(crate) use self::arguments::{InitArguments, ServerArguments};
use self::error::{Exit, Failure, local_envelope};
use self::output::complain;
use self::session::Session;
use self::settings::{Settings, process_environment};
use self::subscriptions::SubscriptionsCommand;

/// The commands that run on the server's host. They configure themselves from the environment and need no token.
pub(crate) trait Operator {
    /// Runs the service until it is told to stop.
    async fn server(&self, arguments: ServerArguments) -> ExitCode;
    /// Initialises an empty store.
    async fn init(&self, arguments: InitArguments) -> ExitCode;
}

/// Runs the command that the process was started with. Call it first: it may answer a shell's completion request.
pub(crate) fn run(operator: &impl Operator) -> ExitCode {
    if completion::answer() {
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let CommandLine { globals, group } = match parse(&arguments) {
        Ok(line) => line,
        Err(error) => return refuse(&error, has_flag(&arguments, "--json")),
    };
    let serves = matches!(group, Group::Server(_) | Group::Init(_));
    let mut builder = if serves {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Failure::general(format!("Cannot start: {error}")), globals.json),
    };
    let status = runtime.block_on(async {
        match group {
            Group::Server(arguments) => operator.server(arguments).await,
            Group::Init(command) => operator.init(command.into_arguments(globals.json)).await,
            group @ (Group::Config(_)
            | Group::Auth(_)
            | Group::Tokens(_)
            | Group::Secrets(_)
            | Group::ServiceAccounts(_)
            | Group::Identity(_)
            | Group::Scaikey(_)
            | Group::Policies(_)
            | Group::SecretPolicies(_)
            | Group::Rotation(_)
            | Group::Webhooks(_)
            | Group::Subscriptions(_)
            | Group::Audit(_)
            | Group::Run(_)
            | Group::Completion(_)) => client(globals, group).await,
        }
    });
    // A thread may still wait for standard input; nobody waits for it.
    runtime.shutdown_background();
    status
}

async fn client(mut globals: Globals, group: Group) -> ExitCode {
    let flag = globals.json;
    if let Group::Subscriptions(SubscriptionsCommand::Poll(_)) = group {
        // There the flag says how long the server waits for events.
        globals.timeout = None;
    }
    let mut session = match Settings::load(globals, process_environment) {
        Ok(settings) => Session::new(settings),
        Err(failure) => return fail(&failure, flag),
    };
    let json = session.output.json;
    let outcome = if let Group::Run(arguments) = group {
        // It passes interrupts on to its command.
        Box::pin(run::run(&mut session, arguments)).await
    } else {
        interruptible(Box::pin(dispatch(&mut session, group))).await
    };
    match outcome {
        Ok(exit) => ExitCode::from(exit.0),
        Err(failure) => fail(&failure, json),
    }
}

async fn dispatch(session: &mut Session, group: Group) -> Result<Exit, Failure> {
    match group {
        Group::Config(command) => config::run(session, command),
        Group::Auth(command) => auth::run(session, command).await,
        Group::Tokens(command) => tokens::run(session, command).await,
        Group::Secrets(arguments) => secrets::run(session, arguments).await,
        Group::ServiceAccounts(command) => service_accounts::run(session, command).await,
        Group::Identity(command) => identity::run(session, command).await,
        Group::Scaikey(command) => scaikey::run(session, command).await,
        Group::Policies(command) => policies::run(session, command).await,
        Group::SecretPolicies(command) => secret_policies::run(session, command).await,
        Group::Rotation(command) => rotation::run(session, command).await,
        Group::Webhooks(command) => webhooks::run(session, command).await,
        Group::Subscriptions(command) => subscriptions::run(session, command).await,
        Group::Audit(command) => audit::run(session, command).await,
        Group::Completion(arguments) => completion::run(session, &arguments),
        Group::Run(_) | Group::Server(_) | Group::Init(_) => Err(Failure::general("Not a client command")),
    }
}

/// Ends the work when the user interrupts it.
async fn interruptible<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    // Listening begins before the work does: from its first effect on an interrupt ends in an orderly way.
    let Ok(mut interrupts) = signal(SignalKind::interrupt()) else {
        return work.await;
    };
    tokio::select! {
        outcome = work => outcome,
        _ = interrupts.recv() => Err(Failure::local(Exit::INTERRUPTED, "Interrupted")),
    }
}

fn fail(failure: &Failure, json: bool) -> ExitCode {
    complain(&failure.render(json));
    ExitCode::from(failure.exit().0)
}

fn parse(arguments: &[OsString]) -> Result<CommandLine, clap::Error> {
    let mut command = CommandLine::command();
    if has_flag(arguments, "--no-color") {
        command = command.color(ColorChoice::Never);
    }
    CommandLine::from_arg_matches(&command.try_get_matches_from(webhooks::own_url::told_apart(arguments))?)
}

/// Looks for a global flag where the arguments as a whole make no sense.
fn has_flag(arguments: &[OsString], flag: &str) -> bool {
    arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == flag)
}

/// Answers arguments that are no command: help and version are wanted, everything else is wrong usage.
fn refuse(error: &clap::Error, json: bool) -> ExitCode {
    let kind = error.kind();
    if kind == ErrorKind::DisplayVersion {
        return match output::print(concat!("scaivault ", env!("CARGO_PKG_VERSION"))) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => fail(&failure, json),
        };
    }
    if kind == ErrorKind::DisplayHelp {
        // A reader that has gone is no error.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if kind == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        if json {
            complain(&local_envelope("A command is missing"));
        } else {
            let _ = error.print();
        }
        return ExitCode::from(Exit::USAGE.0);
    }
    let text = error.render().to_string();
    let (message, usage) = usage_parts(&text);
    if json {
        complain(&local_envelope(&message));
    } else {
        complain(&format!("Error: {message} [cli_error]\n{usage}"));
    }
    ExitCode::from(Exit::USAGE.0)
}

/// Divides clap's text into the message on one line and what follows it.
fn usage_parts(text: &str) -> (String, String) {
    let text = text.strip_prefix("error: ").unwrap_or(text).trim_end();
    let (message, usage) = text.split_once("\n\n").unwrap_or((text, ""));
    let words: Vec<&str> = message.split_whitespace().collect();
    (words.join(" "), if usage.is_empty() { String::new() } else { format!("\n{usage}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_errors_have_one_line() {
        let (message, usage) = usage_parts("error: required arguments:\n  <PATH>\n\nUsage: x\n");
        assert_eq!((message.as_str(), usage.as_str()), ("required arguments: <PATH>", "\nUsage: x"));
    }

    #[test]
    fn flags_after_the_divider_are_not_ours() {
        let arguments = ["scaivault", "run", "--", "x", "--json"].map(OsString::from);
        assert!(!has_flag(&arguments, "--json"));
    }
}
