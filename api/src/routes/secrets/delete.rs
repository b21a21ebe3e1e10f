//! `DELETE /v1/secrets/{path}`: a secret or one version, soft or for good.

use scaivault_commands::Reply;
use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::secret::delete::{DeleteSecret, Deleted};
use scaivault_domain::{ErrorCode, Scope, SecretPath, Timestamp};
use serde::Serialize;

use super::secret_operation;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::conditions;
use crate::operation::{Access, Body, Parameter, Shape};
use crate::response::Done;

secret_operation!(DELETE, DELETE, "/{path}", "delete_secret", {
    summary: "Deletes a secret or one version: restorable for the recovery window, or for good.",
    access: Access::Scopes(&[Scope::SecretsDelete]),
    category: Category::SecretsDelete,
    action: Some(Action::Delete),
    idempotent: true,
    query: &[
        Parameter { name: "version", shape: Shape::Integer(1, i64::MAX), meaning: "That version instead of the secret." },
        Parameter { name: "permanent", shape: Shape::Boolean, meaning: "Destroy the keys of the values; needs permission `admin`." },
    ],
    headers: &["If-Match"],
    body: Body::None,
    answers: &[(200, Some("SecretDeleted")), (204, None)],
    errors: &[ErrorCode::InvalidPath, ErrorCode::SecretNotFound, ErrorCode::VersionNotFound, ErrorCode::VersionConflict],
    handler: |call| Box::pin(delete(call)),
});

#[derive(Serialize)]
struct SecretGone<'a> {
    path: &'a SecretPath,
    deleted_at: Timestamp,
    recoverable_until: Timestamp,
}

#[derive(Serialize)]
struct VersionGone<'a> {
    path: &'a SecretPath,
    version: Option<u32>,
    deleted_at: Timestamp,
    recoverable_until: Timestamp,
    current_version: Option<u32>,
    secret_deleted: bool,
}

async fn delete(call: &mut Call) -> Result<Done, Stop> {
    let for_good = call.query.text("permanent") == Some("true");
    let path = call.secret(if for_good { Permission::Admin } else { Permission::Delete })?;
    call.begin().await?;
    let version = call.query.version("version");
    call.entry.secret_version = version;
    let permanent = call.query.boolean("permanent");
    call.query.finish()?;
    let command = DeleteSecret { path, version, permanent, condition: conditions::of(&call.headers)? };
    let tell = |deleted: &Deleted| Ok((reply(&command, deleted)?, command.version));
    let answer = call.app.engine.delete_secret(&call.change(), &command, tell).await?;
    Ok(Done::Changed(answer))
}

fn reply(command: &DeleteSecret, deleted: &Deleted) -> Result<Reply, serde_json::Error> {
    let (path, version) = (&command.path, command.version);
    match *deleted {
        Deleted::Destroyed => Ok(Reply::no_content()),
        Deleted::Secret { deleted_at, recoverable_until } => {
            Reply::json(200, &SecretGone { path, deleted_at, recoverable_until })
        }
        Deleted::Version { deleted_at, recoverable_until, current_version, secret_deleted } => Reply::json(
            200,
            &VersionGone { path, version, deleted_at, recoverable_until, current_version, secret_deleted },
        ),
    }
}
