//! What a subscription says, read from flags.

use clap::Args;

use crate::cli::error::Failure;
use crate::cli::input;
use crate::cli::json::{Json, object};

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
    /// Push events to this https URL; without it they are polled
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// File with the secret that pushed events are signed with, - for standard input; without it the server makes one
    #[arg(long, value_name = "FILE")]
    secret_file: Option<String>,
    /// Most events that wait to be polled [default: 1000]
    #[arg(long, value_name = "N", conflicts_with_all = ["webhook", "secret_file"])]
    buffer_size: Option<u64>,
    /// Only about secrets whose paths begin so
    #[arg(long, value_name = "TEXT")]
    path_prefix: Option<String>,
    /// Only about secrets of this type
    #[arg(long, value_name = "TYPE")]
    secret_type: Option<String>,
    /// Only about secrets with this tag, or another one that is given (repeatable)
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
        let filters = object([
            ("path_prefix", self.path_prefix.map(Json::text)),
            ("secret_type", self.secret_type.map(Json::text)),
            ("tags", given(self.tags)),
        ]);
        let unless_empty = |part: Json| (!part.members().is_empty()).then_some(part);
        Ok(object([
            ("name", name.map(Json::text)),
            ("paths", given(paths)),
            ("events", given(events)),
            ("filters", unless_empty(filters)),
            ("delivery", unless_empty(delivery)),
        ]))
    }
}

fn given(texts: Vec<String>) -> Option<Json> {
    (!texts.is_empty()).then(|| Json::texts(texts))
}
