//! `auth exchange`: a token for the JWT of a trusted issuer. Takes no token of ours.

use clap::Args;
use http::Method;

use crate::cli::client::address::Address;
use crate::cli::client::{Call, Client};
use crate::cli::error::Failure;
use crate::cli::input;
use crate::cli::json::{Json, object};
use crate::cli::session::Session;

/// Flags of `auth exchange`.
#[derive(Args)]
pub(crate) struct ExchangeArguments {
    /// Read the JWT from standard input
    #[arg(value_name = "-", value_parser = ["-"])]
    stdin: Option<String>,
    /// File that holds the JWT
    #[arg(long, value_name = "FILE", conflicts_with = "stdin")]
    subject_token_file: Option<String>,
    /// Identity wanted, such as sa:billing-prod
    #[arg(long, value_name = "IDENTITY")]
    role: Option<String>,
    /// Scope wanted (repeatable) [default: all that the rule gives]
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Narrow to paths that match this pattern (repeatable)
    #[arg(long = "allowed-path", value_name = "PATTERN")]
    allowed_paths: Vec<String>,
    /// Audience that the JWT must have
    #[arg(long)]
    audience: Option<String>,
}

/// Prints the bare token, or with `--json` the answer.
pub(super) async fn run(session: &Session, arguments: ExchangeArguments) -> Result<(), Failure> {
    let ExchangeArguments { stdin, subject_token_file, role, scopes, allowed_paths, audience } = arguments;
    let source = subject_token_file.or(stdin);
    let source =
        source.ok_or_else(|| Failure::usage("Give --subject-token-file, or - to read the JWT from standard input"))?;
    let jwt = input::text(&source).await?;
    let body = object([
        ("grant_type", Some(Json::text("urn:ietf:params:oauth:grant-type:token-exchange"))),
        ("subject_token", Some(Json::text(jwt.trim()))),
        ("subject_token_type", Some(Json::text("urn:ietf:params:oauth:token-type:jwt"))),
        ("audience", audience.map(Json::text)),
        ("scope", (!scopes.is_empty()).then(|| Json::text(scopes.join(" ")))),
        ("allowed_paths", (!allowed_paths.is_empty()).then(|| Json::texts(allowed_paths))),
        ("role", role.map(Json::text)),
    ]);
    let client = Client::without_token(&session.settings)?;
    let answer = client.send(Call::new(Method::POST, Address::new("/v1/auth/exchange")).with_body(&body)).await?;
    session.output.answer(&answer, |answer| answer.member_text("access_token").unwrap_or_default().to_owned())
}
