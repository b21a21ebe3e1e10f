//! `POST /v1/secrets/{path}/rotate`: a new value, with a grace period for the replaced one.

use std::sync::Arc;

use scaivault_commands::Reply;
use scaivault_commands::secret::Value;
use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::rotation::RotationPolicyId;
use scaivault_domain::secret::rotate::{MAX_GRACE_SECONDS, NewValue, RotateSecret, Rotated};
use scaivault_domain::{ErrorCode, Rejection, Scope, SecretPath, Timestamp};
use serde::Serialize;

use super::{input, secret_operation};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::conditions;
use crate::operation::{Access, Body};
use crate::response::Done;

secret_operation!(ROTATE, POST, "/{path}/rotate", "rotate_secret", {
    summary: "Rotates a secret: writes a new value and keeps the replaced one readable for a grace period.",
    access: Access::Scopes(&[Scope::SecretsRotate]),
    category: Category::SecretsWrite,
    action: Some(Action::Rotate),
    idempotent: true,
    query: &[],
    headers: &["If-Match"],
    body: Body::Json("RotateSecret"),
    answers: &[(200, Some("SecretRotated"))],
    errors: &[
        ErrorCode::InvalidPath, ErrorCode::InvalidDuration, ErrorCode::SecretNotFound, ErrorCode::VersionConflict,
        ErrorCode::PayloadTooLarge,
    ],
    handler: |call| Box::pin(rotate(call)),
});

#[derive(Serialize)]
struct View<'a> {
    path: &'a SecretPath,
    version: u32,
    previous_version: Option<u32>,
    rotated_at: Timestamp,
    grace_period_ends: Timestamp,
    rotation_policy_id: Option<&'a str>,
}

async fn rotate(call: &mut Call) -> Result<Done, Stop> {
    let path = call.secret(Permission::Rotate)?;
    call.begin().await?;
    let (command, value) = command(call, path)?;
    call.entry.facts.reason.clone_from(&command.reason);
    let tell = |rotated: &Rotated| Ok((reply(&command.path, rotated)?, Some(rotated.written.version)));
    let answer = call.app.engine.rotate_secret(&call.change(), &command, value.as_ref(), tell).await?;
    Ok(Done::Changed(answer))
}

fn command(call: &mut Call, path: SecretPath) -> Result<(RotateSecret, Option<Value>), Rejection> {
    let condition = conditions::of(&call.headers)?;
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let value = input::value(&mut fields, "new_value", &mut faults)?;
    let reason = fields.text("reason", &mut faults).flatten();
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > 1_024) {
        faults.field("reason", "may have at most 1024 characters");
    }
    let grace = fields.duration("grace_period", &mut faults).flatten();
    let grace_seconds = grace.map(|grace| grace.seconds());
    if grace_seconds.is_some_and(|seconds| seconds > MAX_GRACE_SECONDS) {
        faults.field("grace_period", "must be at most 365d");
    }
    fields.finish(&mut faults);
    faults.finish()?;
    let reason = reason.map(Arc::from);
    let given = if value.is_some() { NewValue::Given } else { NewValue::Missing };
    Ok((RotateSecret { path, value: given, reason, grace_seconds, condition }, value))
}

fn reply(path: &SecretPath, rotated: &Rotated) -> Result<Reply, serde_json::Error> {
    let written = &rotated.written;
    let view = View {
        path,
        version: written.version,
        previous_version: written.previous_version,
        rotated_at: written.at,
        grace_period_ends: rotated.grace_ends_at,
        rotation_policy_id: rotated.policy.as_ref().map(RotationPolicyId::as_str),
    };
    Reply::json(200, &view).map(|reply| reply.with_version_tag(written.version))
}
