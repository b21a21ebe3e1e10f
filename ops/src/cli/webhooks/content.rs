//! What a webhook says, read from flags.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use http::Method;
use scaivault_eventstore::sealing::secret_key::random_bytes;
use zeroize::Zeroizing;

use super::ROUTE;
use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::Failure;
use crate::cli::input;
use crate::cli::json::{Json, object};
use crate::cli::session::Session;
use crate::cli::table::lines;

/// Takes a setting away.
const NONE: &str = "none";

/// Flags of `webhooks create`.
#[derive(Args)]
#[command(after_help = "Without --secret-file a secret is made here, and printed once.")]
pub(crate) struct CreateArguments {
    /// Name, unique in the tenant
    #[arg(long)]
    name: String,
    /// Where events are pushed to; behind the command --url means this, too
    #[arg(long = "webhook-url", value_name = "URL")]
    webhook_url: String,
    /// Which events, comma-separated: exact types, *, or secret.* and the like
    #[arg(long, value_name = "EVENT,…", value_delimiter = ',', required = true)]
    events: Vec<String>,
    /// Push nothing yet
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    content: ContentArguments,
}

/// Flags of `webhooks update`.
#[derive(Args)]
#[command(after_help = "Deliveries that wait go by what is changed, too.")]
pub(crate) struct ChangeArguments {
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// Where events are pushed to; behind the command --url means this, too
    #[arg(long = "webhook-url", value_name = "URL")]
    webhook_url: Option<String>,
    /// Which events, comma-separated; replaces all
    #[arg(long, value_name = "EVENT,…", value_delimiter = ',')]
    events: Vec<String>,
    /// Push nothing any more
    #[arg(long, conflicts_with = "enabled")]
    disabled: bool,
    /// Push events again
    #[arg(long)]
    enabled: bool,
    /// For how long the secret before counts, too, such as 24h
    #[arg(long, value_name = "DURATION", requires = "secret_file")]
    previous_secret_ttl: Option<String>,
    #[command(flatten)]
    content: ContentArguments,
}

/// What both take.
#[derive(Args)]
struct ContentArguments {
    /// File with the secret that deliveries are signed with, - for standard input
    #[arg(long, value_name = "FILE")]
    secret_file: Option<String>,
    /// Only about secrets whose path starts with this; none removes it
    #[arg(long, value_name = "TEXT")]
    path_prefix: Option<String>,
    /// Only about secrets of this type; none removes it
    #[arg(long, value_name = "TYPE")]
    secret_type: Option<String>,
    /// Only about secrets with this tag, or another that is given (repeatable); none removes all
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Form of what is sent
    #[arg(long, value_parser = ["scaivault", "cloudevents"])]
    format: Option<String>,
    /// Sign with a key pair of its own, too; =false ends that
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true"
    )]
    ed25519: Option<bool>,
    /// File with certificates to trust besides the system's; none removes them
    #[arg(long, value_name = "FILE")]
    ca_pem_file: Option<String>,
}

/// Makes a webhook, and a secret for it if none is given.
pub(super) async fn create(session: &Session, arguments: CreateArguments) -> Result<(), Failure> {
    let CreateArguments { name, webhook_url: url, events, disabled, content } = arguments;
    let made = if content.secret_file.is_none() { Some(make_secret()?) } else { None };
    let mut body = content.into_body(Some(name), Some(url), events).await?;
    if let Some(secret) = &made {
        body.set("secret", Json::text(secret.as_str()));
    }
    if disabled {
        body.set("enabled", Json::Bool(false));
    }
    let answer = session.send(Call::new(Method::POST, Address::new(ROUTE)).with_body(&body)).await?;
    let Some(secret) = made else { return session.output.answer(&answer, lines) };
    // Nobody else knows it, and nobody can ask for it later.
    let mut webhook = answer.json()?;
    webhook.set("secret", Json::text(secret.as_str()));
    match session.output.json {
        true => session.output.document(&webhook),
        false => session.output.print(&lines(&webhook)),
    }
}

impl ChangeArguments {
    /// The body of the request.
    pub(super) async fn into_body(self) -> Result<Json, Failure> {
        let Self { name, webhook_url: url, events, disabled, enabled, previous_secret_ttl, content } = self;
        let mut body = content.into_body(name, url, events).await?;
        if disabled || enabled {
            body.set("enabled", Json::Bool(enabled));
        }
        if let Some(ttl) = previous_secret_ttl {
            body.set("previous_secret_ttl", Json::text(ttl));
        }
        Ok(body)
    }
}

impl ContentArguments {
    async fn into_body(self, name: Option<String>, url: Option<String>, events: Vec<String>) -> Result<Json, Failure> {
        let secret = match &self.secret_file {
            Some(file) => Some(secret(file).await?),
            None => None,
        };
        let ca_pem = match self.ca_pem_file.as_deref() {
            Some(NONE) => Some(Json::Null),
            Some(file) => Some(Json::text(input::text(file).await?.as_str())),
            None => None,
        };
        Ok(object([
            ("name", name.map(Json::text)),
            ("url", url.map(Json::text)),
            ("secret", secret.map(|secret| Json::text(secret.as_str()))),
            ("events", Some(events).filter(|events| !events.is_empty()).map(Json::texts)),
            ("filters", filters(self.path_prefix, self.secret_type, self.tags)),
            ("format", self.format.map(Json::text)),
            ("ed25519", self.ed25519.map(Json::Bool)),
            ("ca_pem", ca_pem),
        ]))
    }
}

/// About which secrets events are wanted, as far as that is said; `none` takes a filter away.
pub(in crate::cli) fn filters(
    path_prefix: Option<String>,
    secret_type: Option<String>,
    tags: Vec<String>,
) -> Option<Json> {
    let or_none = |text: String| if text == NONE { Json::Null } else { Json::text(text) };
    let tags = match tags.as_slice() {
        [] => None,
        [only] if only == NONE => Some(Json::Null),
        _ => Some(Json::texts(tags)),
    };
    let filters =
        object([("path_prefix", path_prefix.map(or_none)), ("secret_type", secret_type.map(or_none)), ("tags", tags)]);
    (!filters.members().is_empty()).then_some(filters)
}

/// The secret in a file, without the line break at its end.
pub(super) async fn secret(file: &str) -> Result<Zeroizing<String>, Failure> {
    let text = input::text(file).await?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn make_secret() -> Result<Zeroizing<String>, Failure> {
    let bytes = random_bytes::<32>().map_err(|_| Failure::general("There is no randomness"))?;
    let bytes = Zeroizing::new(bytes);
    Ok(Zeroizing::new(format!("whsec_{}", STANDARD.encode(bytes.as_slice()))))
}
