//! `DELETE /v1/rotation/policies/{id}`: a rotation policy ends, and its secrets are attached to nothing.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};

use super::id;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static DELETE: Operation = Operation {
    method: Method::DELETE,
    path: "/v1/rotation/policies/{id}",
    id: "delete_rotation_policy",
    summary: "Deletes a rotation policy. Its secrets are detached and keep their values; grace periods end as planned.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::RotationPolicyDelete),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(204, None)],
    errors: &[ErrorCode::RotationPolicyNotFound],
    handler: |call| Box::pin(delete(call)),
};

async fn delete(call: &mut Call) -> Result<Done, Stop> {
    let id = id(call);
    call.begin().await?;
    call.query.finish()?;
    let answer = call.app.engine.delete_rotation_policy(&call.change(), &id?).await?;
    Ok(Done::Changed(answer))
}
