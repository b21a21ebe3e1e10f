//! What a subscription says, read from flags.

use clap::Args;

use crate::cli::error::Failure;
use crate::cli::input;
use crate::cli::json::{Json, object};
use crate::cli::webhooks::content::filters;

/// Flags of `subscriptions create`.
#[derive(Args)]
pub(crate) struct CreateArguments {
    /// Name, unique among your subscriptions
    #[arg(long)]
    name: String,
    /// About which paths, comma-separated patterns such as shop/**
    #[arg(long, value_name = "PATTERN,…", value_delimiter = ',', required = true)]
    paths: Vec<String>,
    /// Which events, comma-separated, such as secret.*,rotation.due
    #[arg(long, value_name = "EVENT,…", value_delimiter = ',', required = true)]
    events: Vec<String>,
    #[command(flatten)]
    content: ContentArguments,
}

/// Flags of `subscriptions update`.
#[derive(Args)]
pub(crate) struct ChangeArguments {
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// About which paths, comma-separated patterns such as shop/**
    #[arg(long, value_name = "PATTERN,…", value_delimiter = ',')]
    paths: Vec<String>,
    /// Which events, comma-separated, such as secret.*,rotation.due
    #[arg(long, value_name = "EVENT,…", value_delimiter = ',')]
    events: Vec<String>,
    #[command(flatten)]
    content: ContentArguments,
}

/// What has a default.
#[derive(Args)]
struct ContentArguments {
    /// Push events to this https URL; one that was made without it is polled
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// File with the secret that pushed events are signed with, - for standard input; at its making the server makes one without it
    #[arg(long, value_name = "FILE")]
    secret_file: Option<String>,
    /// Most events that wait to be polled; 1000 unless it is said
    #[arg(long, value_name = "N", conflicts_with_all = ["webhook", "secret_file"])]
    buffer_size: Option<u64>,
    /// Only about secrets whose paths begin so; none removes it
    #[arg(long, value_name = "TEXT")]
    path_prefix: Option<String>,
    /// Only about secrets of this type; none removes it
    #[arg(long, value_name = "TYPE")]
    secret_type: Option<String>,
    /// Only about secrets with this tag, or another one that is given (repeatable); none removes all
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
}

// === impl CreateArguments ===

impl CreateArguments {
    /// The body of the request.
    pub(super) async fn into_body(self) -> Result<Json, Failure> {
        if self.content.webhook.is_none() && self.content.secret_file.is_some() {
            return Err(Failure::usage("--secret-file goes with --webhook"));
        }
        let kind = if self.content.webhook.is_some() { "webhook" } else { "polling" };
        self.content.into_body(Some(self.name), (self.paths, self.events), Some(kind)).await
    }
}

// === impl ChangeArguments ===

impl ChangeArguments {
    /// The body of the request.
    pub(super) async fn into_body(self) -> Result<Json, Failure> {
        self.content.into_body(self.name, (self.paths, self.events), None).await
    }
}

// === impl ContentArguments ===

impl ContentArguments {
    async fn into_body(
        self,
        name: Option<String>,
        (paths, events): (Vec<String>, Vec<String>),
        kind: Option<&str>,
    ) -> Result<Json, Failure> {
        let secret = match &self.secret_file {
            Some(file) => Some(input::text(file).await?),
            None => None,
        };
        let secret = secret.map(|text| Json::text(text.trim_end_matches(['\r', '\n'])));
        let delivery = object([
            ("type", kind.map(Json::text)),
            ("url", self.webhook.map(Json::text)),
            ("secret", secret),
            ("buffer_size", self.buffer_size.map(Json::whole)),
        ]);
        let unless_empty = |part: Json| (!part.members().is_empty()).then_some(part);
        Ok(object([
            ("name", name.map(Json::text)),
            ("paths", given(paths)),
            ("events", given(events)),
            ("filters", filters(self.path_prefix, self.secret_type, self.tags)),
            ("delivery", unless_empty(delivery)),
        ]))
    }
}

fn given(texts: Vec<String>) -> Option<Json> {
    (!texts.is_empty()).then(|| Json::texts(texts))
}
