//! `tokens`: the caller's personal access tokens.

use clap::Subcommand;
use http::Method;

use super::client::Call;
use super::client::address::Address;
use super::error::{Exit, Failure};
use super::json::{Json, object};
use super::list::{self, ListArguments};
use super::session::Session;
use super::table::{self, Table};

const ROUTE: &str = "/v1/auth/tokens";

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum TokensCommand {
    /// List your tokens
    List {
        /// Also expired and revoked ones
        #[arg(long)]
        include_inactive: bool,
        #[command(flatten)]
        list: ListArguments,
    },
    /// Make a token; its value is shown only now
    Create(CreateArguments),
    /// Revoke a token
    Revoke {
        /// Id of the token
        #[arg(add = super::completion::tokens())]
        id: String,
    },
}

/// Flags of `tokens create`.
#[derive(clap::Args)]
pub(crate) struct CreateArguments {
    /// Name of the token
    #[arg(long)]
    name: String,
    /// Scopes, comma-separated; a subset of your own
    #[arg(long, value_name = "SCOPE,…", required = true, value_delimiter = ',')]
    scopes: Vec<String>,
    /// Life of the token, such as 30d [default: 90d]
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<String>,
    /// Narrow to paths that match this pattern (repeatable)
    #[arg(long = "allowed-path", value_name = "PATTERN")]
    allowed_paths: Vec<String>,
    /// Narrow to clients of this network (repeatable)
    #[arg(long = "allowed-ip", value_name = "CIDR")]
    allowed_ips: Vec<String>,
    /// Write {"token":…} to this secret and print no value
    #[arg(long, value_name = "PATH")]
    store_in: Option<String>,
}

/// Runs a command of the group.
pub(crate) async fn run(session: &Session, command: TokensCommand) -> Result<Exit, Failure> {
    match command {
        TokensCommand::List { include_inactive, list } => {
            let address = Address::new(ROUTE).flag("include_inactive", include_inactive);
            let columns = [
                ("ID", "id"),
                ("NAME", "name"),
                ("SCOPES", "scopes"),
                ("EXPIRES", "expires_at"),
                ("LAST_USED", "last_used_at"),
            ];
            list::show(session, address, &list, "tokens", |rows| Table::of(rows, &columns)).await?;
        }
        TokensCommand::Create(arguments) => create(session, arguments).await?,
        TokensCommand::Revoke { id } => {
            session.send(revocation(&id)).await?;
            session.output.done(&format!("Revoked {id}"))?;
        }
    }
    Ok(Exit::SUCCESS)
}

async fn create(session: &Session, arguments: CreateArguments) -> Result<(), Failure> {
    let CreateArguments { name, scopes, expires_in, allowed_paths, allowed_ips, store_in } = arguments;
    let some = |texts: Vec<String>| (!texts.is_empty()).then(|| Json::texts(texts));
    let body = object([
        ("name", Some(Json::text(name))),
        ("scopes", Some(Json::texts(scopes.iter().map(|scope| scope.trim())))),
        ("expires_in", expires_in.map(Json::text)),
        ("allowed_paths", some(allowed_paths)),
        ("allowed_ips", some(allowed_ips)),
    ]);
    let answer = session.send(Call::new(Method::POST, Address::new(ROUTE)).with_body(&body)).await?;
    let Some(path) = store_in else {
        return session.output.answer(&answer, table::lines);
    };
    let mut shown = answer.json()?;
    let token = shown.member("token").cloned().unwrap_or(Json::Null);
    shown.remove("token");
    let data = object([("data", Some(object([("token", Some(token))])))]);
    let stored = session.send(Call::new(Method::PUT, Address::new("/v1/secrets").secret(&path)).with_body(&data)).await;
    if let Err(failure) = stored {
        // Nobody has seen the value: a token that nobody can use should not live on.
        if let Some(id) = shown.member_text("id")
            && session.send(revocation(id)).await.is_err()
        {
            session.output.notice(&format!("Token {id} was made but is not stored; revoke it"));
        }
        return Err(failure);
    }
    if session.output.json {
        return session.output.document(&shown);
    }
    session.output.print(&format!("{}\nstored_in: {path}", table::lines(&shown)))
}

fn revocation(id: &str) -> Call {
    Call::new(Method::DELETE, Address::new(ROUTE).id(id))
}
