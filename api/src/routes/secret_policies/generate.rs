//! `POST /v1/secret-policies/{id}/generate`: values, to be seen or to be stored.

use std::fmt;

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::secret_policy::active;
use scaivault_domain::audit::Action;
use scaivault_domain::secret_policy::Drawn;
use scaivault_domain::{ErrorCode, Scope, Timestamp};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{id, store};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static GENERATE: Operation = Operation {
    method: Method::POST,
    path: "/v1/secret-policies/{id}/generate",
    id: "generate_secret_values",
    summary: "Generates values by a recipe: shows them, or stores them in a secret without showing them.",
    access: Access::Scopes(&[Scope::PoliciesRead]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::SecretPolicyGenerate),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("GenerateSecretValues"),
    answers: &[(200, Some("GeneratedSecretValues")), (201, Some("SecretCreated"))],
    errors: &[
        ErrorCode::SecretPolicyNotFound,
        ErrorCode::InvalidPath,
        ErrorCode::InvalidSecretType,
        ErrorCode::SecretExists,
        ErrorCode::PayloadTooLarge,
    ],
    handler: |call| Box::pin(generate(call)),
};

#[derive(Serialize)]
struct Preview<'a> {
    secret_policy_id: &'a str,
    values: Values<'a>,
    generated_at: Timestamp,
}

/// Written as they are, without a copy that would not be wiped.
struct Values<'a>(&'a Drawn);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (name, value) in self.0.values() {
            object.serialize_entry(name, value)?;
        }
        object.end()
    }
}

impl fmt::Debug for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}

async fn generate(call: &mut Call) -> Result<Done, Stop> {
    match store::wanted(call)? {
        Some(path) => store::store(call, path).await,
        None => preview(call).await,
    }
}

/// Leaves nothing but its audit entry, so that a repetition makes other values.
async fn preview(call: &mut Call) -> Result<Done, Stop> {
    store::values(call, false)?;
    let engine = &call.app.engine;
    let policy = active(&engine.projections().view(), &call.target.owner, &id(call)?)?;
    let drawn = engine.draw(&policy.content).await?;
    let preview = Preview { secret_policy_id: policy.id.as_str(), values: Values(&drawn), generated_at: call.now() };
    Ok(Done::Reply(Reply::json_sized(200, &preview, 4_096)?))
}
