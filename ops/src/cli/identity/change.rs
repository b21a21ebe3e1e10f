//! `identity create-…`, `update-…` and `settings`: what is changed of partners and tenants.

use clap::Args;
use http::Method;

use super::record;
use crate::cli::client::Call;
use crate::cli::error::Failure;
use crate::cli::input;
use crate::cli::json::{Json, object};
use crate::cli::service_accounts::lines;
use crate::cli::session::Session;

/// What a partner or tenant is made of.
#[derive(Args)]
pub(crate) struct RecordArguments {
    /// Name
    #[arg(long)]
    name: Option<String>,
    /// Slug; fixed once made [default: made of the name]
    #[arg(long)]
    slug: Option<String>,
    /// Region; empty for none
    #[arg(long)]
    region: Option<String>,
    /// ACTIVE or SUSPENDED
    #[arg(long)]
    status: Option<String>,
}

/// Flags of `identity settings`.
#[derive(Args)]
pub(crate) struct SettingsArguments {
    /// Id of the tenant
    #[arg(value_name = "TENANT")]
    id: String,
    /// A setting and its value; an empty value restores the default (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    changes: Vec<String>,
}

// === impl RecordArguments ===

impl RecordArguments {
    pub(super) fn body(self, partner_id: Option<String>) -> Json {
        let region = self.region.map(|region| if region.is_empty() { Json::Null } else { Json::text(region) });
        object([
            ("name", self.name.map(Json::text)),
            ("slug", self.slug.map(Json::text)),
            ("region", region),
            ("status", self.status.map(Json::text)),
            ("partner_id", partner_id.map(Json::text)),
        ])
    }
}

/// Shows settings, or changes some.
pub(super) async fn settings(session: &Session, arguments: SettingsArguments) -> Result<(), Failure> {
    let address = record("tenants", &arguments.id).then("settings");
    if arguments.changes.is_empty() {
        return lines(session, Call::fetch(address)).await;
    }
    let mut changes = Vec::with_capacity(arguments.changes.len());
    for change in &arguments.changes {
        let (name, value) = input::pair(change)?;
        let value = match value.parse::<u64>() {
            _ if value.is_empty() => Json::Null,
            Ok(number) => Json::whole(number),
            Err(_) => Json::text(value),
        };
        changes.push((name.to_owned(), value));
    }
    lines(session, Call::new(Method::PATCH, address).with_body(&Json::Object(changes))).await
}
