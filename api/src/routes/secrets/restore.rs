//! `POST /v1/secrets/{path}/restore`: a soft-deleted secret or version comes back.

use scaivault_commands::Reply;
use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::secret::restore::{RestoreSecret, Restored};
use scaivault_domain::{ErrorCode, Scope, SecretPath, Timestamp};
use serde::Serialize;

use super::secret_operation;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Parameter, Shape};
use crate::response::Done;

secret_operation!(RESTORE, POST, "/{path}/restore", "restore_secret", {
    summary: "Restores a soft-deleted secret, or one soft-deleted version of it.",
    access: Access::Scopes(&[Scope::SecretsWrite]),
    category: Category::SecretsWrite,
    action: Some(Action::Restore),
    idempotent: true,
    query: &[Parameter { name: "version", shape: Shape::Integer(1, i64::MAX), meaning: "That version instead of the secret." }],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("SecretRestored"))],
    errors: &[ErrorCode::InvalidPath, ErrorCode::SecretNotFound, ErrorCode::VersionNotFound],
    handler: |call| Box::pin(restore(call)),
});

#[derive(Serialize)]
struct View<'a> {
    path: &'a SecretPath,
    version: Option<u32>,
    restored: bool,
    restored_at: Option<Timestamp>,
}

async fn restore(call: &mut Call) -> Result<Done, Stop> {
    let path = call.secret(Permission::Write)?;
    call.begin().await?;
    let version = call.query.version("version");
    call.entry.secret_version = version;
    call.query.finish()?;
    let command = RestoreSecret { path, version };
    let tell = |restored: &Restored| {
        let restored_at = restored.restored_at;
        let view =
            View { path: &command.path, version: restored.version, restored: restored_at.is_some(), restored_at };
        Ok((Reply::json(200, &view)?, command.version.or(restored.version)))
    };
    let answer = call.app.engine.restore_secret(&call.change(), &command, tell).await?;
    Ok(Done::Changed(answer))
}
