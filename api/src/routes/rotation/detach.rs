//! `DELETE /v1/rotation/policies/{id}/secrets/{secret_path}`: a secret is detached from a rotation policy.

use axum::http::Method;
use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::secret::attach::DetachSecret;
use scaivault_domain::{ErrorCode, Scope, SecretPath};

use super::id;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static DETACH: Operation = Operation {
    method: Method::DELETE,
    path: "/v1/rotation/policies/{id}/secrets/{secret_path}",
    id: "detach_secret_from_rotation_policy",
    summary: "Detaches a secret from a rotation policy.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::RotationPolicyDetach),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(204, None)],
    errors: &[ErrorCode::RotationPolicyNotFound, ErrorCode::SecretNotFound, ErrorCode::InvalidPath],
    handler: |call| Box::pin(detach(call)),
};

async fn detach(call: &mut Call) -> Result<Done, Stop> {
    let id = id(call);
    let path = SecretPath::parse(call.captures.second())?;
    call.permitted(Permission::Write, &path)?;
    call.begin().await?;
    call.query.finish()?;
    let command = DetachSecret { path, policy: id? };
    let answer = call.app.engine.detach_secret(&call.change(), &command).await?;
    Ok(Done::Changed(answer))
}
