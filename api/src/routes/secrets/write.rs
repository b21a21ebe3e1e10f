//! `PUT /v1/secrets/{path}`: a new secret, or a further version.

use scaivault_commands::Reply;
use scaivault_commands::secret::Value;
use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::secret::Metadata;
use scaivault_domain::secret::write::{WriteSecret, Written};
use scaivault_domain::{ErrorCode, Rejection, Scope, SecretPath, Timestamp};
use serde::Serialize;

use super::{input, secret_operation};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::conditions;
use crate::fields::{Faults, not_null};
use crate::operation::{Access, Body};
use crate::response::Done;

secret_operation!(WRITE, PUT, "/{path}", "write_secret", {
    summary: "Writes a value: creates the secret, or appends a version. Nothing is overwritten.",
    access: Access::Scopes(&[Scope::SecretsWrite]),
    category: Category::SecretsWrite,
    action: Some(Action::Write),
    idempotent: true,
    query: &[],
    headers: &["If-Match", "If-None-Match"],
    body: Body::Json("WriteSecret"),
    answers: &[(201, Some("SecretCreated")), (200, Some("SecretUpdated"))],
    errors: &[
        ErrorCode::InvalidPath, ErrorCode::InvalidSecretType, ErrorCode::InvalidDuration, ErrorCode::SecretExists,
        ErrorCode::VersionConflict, ErrorCode::RotationPolicyNotFound, ErrorCode::SecretPolicyNotFound, ErrorCode::PayloadTooLarge,
    ],
    handler: |call| Box::pin(write(call)),
});

#[derive(Serialize)]
struct Created<'a> {
    path: &'a SecretPath,
    secret_type: &'static str,
    version: u32,
    created: bool,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct Updated<'a> {
    path: &'a SecretPath,
    version: u32,
    created: bool,
    previous_version: Option<u32>,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

async fn write(call: &mut Call) -> Result<Done, Stop> {
    let path = call.secret(Permission::Write)?;
    call.begin().await?;
    let (command, value) = command(call, path)?;
    let tell = |written: &Written| Ok((reply(&command.path, written)?, Some(written.version)));
    let answer = call.app.engine.write_secret(&call.change(), &command, &value, tell).await?;
    Ok(Done::Changed(answer))
}

fn command(call: &mut Call, path: SecretPath) -> Result<(WriteSecret, Value), Rejection> {
    let condition = conditions::of(&call.headers)?;
    let (place, now) = (call.operation.place, call.now());
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let value = input::required_value(&mut fields, "data", &mut faults)?;
    let secret_type = input::secret_type(&mut fields, &mut faults);
    let metadata = metadata(&mut fields, &mut faults);
    let options = input::options(&mut fields, place, false, now, &mut faults);
    fields.finish(&mut faults);
    faults.finish()?;
    Ok((WriteSecret { path, secret_type, metadata, options, condition }, value))
}

fn metadata(fields: &mut crate::fields::Fields<'_>, faults: &mut Faults) -> Option<Metadata> {
    let patch = input::metadata(fields, faults);
    not_null(patch, "metadata", faults).map(|patch| patch.apply(&Metadata::default()))
}

/// What is said of a write.
pub(crate) fn reply(path: &SecretPath, written: &Written) -> Result<Reply, serde_json::Error> {
    let expires_at = written.expires_at;
    let reply = match written.created {
        true => Reply::json(
            201,
            &Created {
                path,
                secret_type: written.secret_type.as_str(),
                version: written.version,
                created: true,
                created_at: written.at,
                expires_at,
            },
        ),
        false => Reply::json(
            200,
            &Updated {
                path,
                version: written.version,
                created: false,
                previous_version: written.previous_version,
                updated_at: written.at,
                expires_at,
            },
        ),
    };
    reply.map(|reply| reply.with_version_tag(written.version))
}
