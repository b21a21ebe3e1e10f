//! `DELETE /v1/policies/{id}/bindings/{binding_id}`: the end of a binding.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::id::BindingId;
use scaivault_domain::{ErrorCode, Rejection, Scope};

use super::policy_to_change;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static UNBIND: Operation = Operation {
    method: Method::DELETE,
    path: "/v1/policies/{id}/bindings/{binding_id}",
    id: "unbind_policy",
    summary: "Removes a binding of an access policy.",
    access: Access::Scopes(&[Scope::PoliciesWrite]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::PolicyUnbind),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(204, None)],
    errors: &[ErrorCode::PolicyNotFound, ErrorCode::BindingNotFound],
    handler: |call| Box::pin(unbind(call)),
};

async fn unbind(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    call.query.finish()?;
    let (address, held) = policy_to_change(call, &call.app.engine.projections().view())?;
    let id = BindingId::parse(call.captures.second()).filter(|id| held.bindings.contains_key(id));
    let id = id.ok_or_else(|| Rejection::new(ErrorCode::BindingNotFound, "Binding not found"))?;
    let answer = call.app.engine.unbind_policy(&call.change(), &address, &id).await?;
    Ok(Done::Changed(answer))
}
