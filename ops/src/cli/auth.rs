//! `auth`: who the caller is, and the token that says so.

mod exchange;
mod records;

use clap::Subcommand;
use zeroize::Zeroizing;

use self::exchange::ExchangeArguments;
use self::records::RecordCommand;
use super::client::address::Address;
use super::client::{Answer, Call, Client};
use super::error::{Exit, Failure};
use super::input;
use super::json::{Json, object};
use super::session::Session;
use super::settings::{Credentials, Key};
use super::table;

const IDENTITY_FIELDS: [&str; 8] =
    ["identity_id", "identity_type", "tenant_id", "partner_id", "scopes", "groups", "roles", "token_expires_at"];

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum AuthCommand {
    /// Check a token and store it in the configuration file
    ///
    /// Without a flag the token is asked for on the terminal. A --url given here is stored along with the token.
    Login {
        /// Read the token from standard input
        #[arg(long, conflicts_with = "client_id")]
        token_stdin: bool,
        /// Client id at ScaiKey; the token fetched with it is stored
        #[arg(long, value_name = "ID", requires = "client_secret_stdin")]
        client_id: Option<String>,
        /// Read the client secret from standard input
        #[arg(long, requires = "client_id")]
        client_secret_stdin: bool,
    },
    /// Remove the stored token
    Logout {
        /// Revoke it on the server first
        #[arg(long)]
        revoke: bool,
    },
    /// Show the identity of the token
    Whoami,
    /// Tell whether a token counts, and for whom
    ///
    /// The global flag --token names the token that is looked into; who asks is taken from the environment or the
    /// configuration file.
    Introspect {
        /// Read the token from standard input
        #[arg(value_name = "-", value_parser = ["-"])]
        stdin: Option<String>,
    },
    /// Exchange the JWT of a trusted issuer for a token
    Exchange(ExchangeArguments),
    /// Whose JWTs are accepted
    #[command(subcommand)]
    Issuers(RecordCommand),
    /// Which of them may be exchanged, and for whose tokens
    #[command(subcommand)]
    ExchangeRules(RecordCommand),
    /// Revoke a token of any kind
    Revoke {
        /// The token, or - to read it from standard input
        #[arg(value_name = "TOKEN")]
        subject: String,
    },
}

/// Runs a command of the group.
pub(crate) async fn run(session: &mut Session, command: AuthCommand) -> Result<Exit, Failure> {
    match command {
        AuthCommand::Login { token_stdin, client_id, client_secret_stdin: _ } => {
            login(session, token_stdin, client_id).await?;
        }
        AuthCommand::Logout { revoke } => logout(session, revoke).await?,
        AuthCommand::Whoami => {
            let answer = session.send(whoami()).await?;
            session.output.answer(&answer, identity)?;
        }
        AuthCommand::Introspect { stdin } => introspect(session, stdin.is_some()).await?,
        AuthCommand::Exchange(arguments) => exchange::run(session, arguments).await?,
        AuthCommand::Issuers(command) => return records::run(session, &records::ISSUERS, command).await,
        AuthCommand::ExchangeRules(command) => return records::run(session, &records::EXCHANGE_RULES, command).await,
        AuthCommand::Revoke { subject } => {
            let token = if subject == "-" { input::line().await? } else { Zeroizing::new(subject) };
            let answer = session.send(revocation(&token)).await?;
            session.output.answer(&answer, table::lines)?;
        }
    }
    Ok(Exit::SUCCESS)
}

async fn login(session: &mut Session, token_stdin: bool, client_id: Option<String>) -> Result<(), Failure> {
    let base = session.settings.base_url()?;
    let flag = session.settings.globals().token.clone().map(Zeroizing::new);
    if flag.is_some() && (token_stdin || client_id.is_some()) {
        return Err(Failure::usage("Give one of --token, --token-stdin and --client-id"));
    }
    let token = if let Some(token) = flag {
        token
    } else if token_stdin {
        input::line().await?
    } else if let Some(id) = client_id {
        let credentials = Credentials { id, secret: input::line().await? };
        Client::token_for(&session.settings, &credentials).await?
    } else {
        asked_for().await?
    };
    if token.is_empty() {
        return Err(Failure::local(Exit::UNAUTHENTICATED, "The token is empty"));
    }
    let client = Client::with_token(&session.settings, base, &token)?;
    let answer: Answer = client.send(whoami()).await?;
    if let Some(url) = session.settings.globals().url.clone() {
        session.settings.file.set(Key::BaseUrl, &url)?;
    }
    session.settings.file.set(Key::Token, &token)?;
    session.output.answer(&answer, identity)
}

/// Asks for a token on the terminal, without echo.
async fn asked_for() -> Result<Zeroizing<String>, Failure> {
    use std::io::IsTerminal;
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("Give --token, --token-stdin, or --client-id with --client-secret-stdin"));
    }
    let asked = tokio::task::spawn_blocking(|| rpassword::prompt_password("Token: ").map(Zeroizing::new));
    match asked.await {
        Ok(Ok(token)) => Ok(Zeroizing::new(token.trim().to_owned())),
        Ok(Err(error)) => Err(Failure::general(format!("The token cannot be read: {error}"))),
        Err(_) => Err(Failure::general("The token cannot be read")),
    }
}

async fn logout(session: &mut Session, revoke: bool) -> Result<(), Failure> {
    let stored = session.settings.file.value(Key::Token).map(|token| Zeroizing::new(token.to_owned()));
    if revoke && let Some(token) = &stored {
        let client = Client::with_token(&session.settings, session.settings.base_url()?, token)?;
        match client.send(revocation(token)).await {
            // A token that is dead already needs no revocation.
            Err(failure) if failure.exit() != Exit::UNAUTHENTICATED => return Err(failure),
            _ => {}
        }
    }
    session.settings.file.unset(Key::Token)?;
    session.output.done(if stored.is_some() { "Logged out" } else { "No token was stored" })
}

async fn introspect(session: &mut Session, from_stdin: bool) -> Result<(), Failure> {
    let token = match (session.settings.take_token(), from_stdin) {
        (Some(_), true) => return Err(Failure::usage("Give either --token or -")),
        (Some(token), false) => token,
        (None, true) => input::line().await?,
        (None, false) => {
            return Err(Failure::usage("Give the token with --token, or - to read it from standard input"));
        }
    };
    let body = object([("token", Some(Json::text(token.as_str())))]);
    let answer = session.send(Call::ask(Address::new("/v1/auth/introspect"), &body)).await?;
    session.output.answer(&answer, table::lines)
}

fn whoami() -> Call {
    Call::fetch(Address::new("/v1/auth/whoami"))
}

fn revocation(token: &str) -> Call {
    let body = object([("token", Some(Json::text(token)))]);
    Call::new(http::Method::POST, Address::new("/v1/auth/revoke")).with_body(&body)
}

fn identity(answer: &Json) -> String {
    table::chosen_lines(answer, &IDENTITY_FIELDS.map(|name| (name, name)))
}
