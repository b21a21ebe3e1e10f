//! `DELETE /v1/policies/{id}`: the end of a policy.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};

use super::policy_to_change;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;

/// The operation.
pub static DELETE: Operation = Operation {
    method: Method::DELETE,
    path: "/v1/policies/{id}",
    id: "delete_policy",
    summary: "Deletes an access policy; one that is bound only with `force`.",
    access: Access::Scopes(&[Scope::PoliciesWrite]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::PolicyDelete),
    idempotent: true,
    query: &[Parameter { name: "force", shape: Shape::Boolean, meaning: "Also removes its bindings." }],
    headers: &[],
    body: Body::None,
    answers: &[(204, None)],
    errors: &[ErrorCode::PolicyNotFound, ErrorCode::PolicyInUse],
    handler: |call| Box::pin(delete(call)),
};

async fn delete(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let is_forced = call.query.boolean("force");
    let (address, _) = policy_to_change(call, &call.app.engine.projections().view())?;
    call.query.finish()?;
    let answer = call.app.engine.delete_policy(&call.change(), &address, is_forced).await?;
    Ok(Done::Changed(answer))
}
