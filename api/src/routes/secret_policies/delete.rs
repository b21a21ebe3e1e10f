//! `DELETE /v1/secret-policies/{id}`: a recipe ends, and is attached nowhere any more.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};

use super::id;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;

/// The operation.
pub static DELETE: Operation = Operation {
    method: Method::DELETE,
    path: "/v1/secret-policies/{id}",
    id: "delete_secret_policy",
    summary: "Deletes a recipe.",
    access: Access::Scopes(&[Scope::PoliciesWrite]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::SecretPolicyDelete),
    idempotent: true,
    query: &[Parameter {
        name: "force",
        shape: Shape::Boolean,
        meaning: "Also one that is in use, which is detached everywhere.",
    }],
    headers: &[],
    body: Body::None,
    answers: &[(204, None)],
    errors: &[ErrorCode::SecretPolicyNotFound, ErrorCode::ResourceInUse],
    handler: |call| Box::pin(delete(call)),
};

async fn delete(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let is_forced = call.query.boolean("force");
    call.query.finish()?;
    let id = id(call)?;
    let answer = call.app.engine.delete_secret_policy(&call.change(), &id, is_forced).await?;
    Ok(Done::Changed(answer))
}
