//! Flags for metadata and options, common to `write` and `update`.

use clap::Args;

use crate::cli::completion;
use crate::cli::json::{Json, object};

/// Metadata and options of a secret. `none` removes an expiry or detaches a policy.
#[derive(Args)]
#[command(next_help_heading = "Metadata and options")]
pub(super) struct Attributes {
    /// Description
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Tag (repeatable)
    #[arg(long = "tag", value_name = "T")]
    pub(super) tags: Vec<String>,
    /// Owner
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
    /// Versions to keep
    #[arg(long, value_name = "N")]
    max_versions: Option<u64>,
    /// Expire this long after every new version, such as 90d; none removes the expiry
    #[arg(long, value_name = "DURATION", conflicts_with = "expires_at")]
    expires_in: Option<String>,
    /// Expire at this time; none removes the expiry
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// Attach a rotation policy; none detaches it
    #[arg(long, value_name = "ID", add = completion::rotation_policies())]
    rotation_policy: Option<String>,
    /// Attach a secret policy; none detaches it
    #[arg(long, value_name = "ID", add = completion::secret_policies())]
    secret_policy: Option<String>,
}

// === impl Attributes ===

impl Attributes {
    /// The `metadata` of a request, with these tags; `None` if nothing of it was given.
    pub(super) fn metadata(&self, tags: Option<Vec<String>>) -> Option<Json> {
        given(object([
            ("description", self.description.clone().map(Json::text)),
            ("tags", tags.map(Json::texts)),
            ("owner", self.owner.clone().map(Json::text)),
        ]))
    }

    /// The `options` of a request; `None` if none was given.
    pub(super) fn options(&self) -> Option<Json> {
        given(object([
            ("max_versions", self.max_versions.map(Json::whole)),
            ("expires_in", self.expires_in.as_deref().map(or_none)),
            ("expires_at", self.expires_at.as_deref().map(or_none)),
            ("rotation_policy_id", self.rotation_policy.as_deref().map(or_none)),
            ("secret_policy_id", self.secret_policy.as_deref().map(or_none)),
        ]))
    }
}

fn given(object: Json) -> Option<Json> {
    (!object.members().is_empty()).then_some(object)
}

fn or_none(text: &str) -> Json {
    if text == "none" { Json::Null } else { Json::text(text) }
}
