//! `GET /v1/policies/{id}`: one policy with its bindings.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};

use super::policy;
use super::view::PolicyView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static SHOW: Operation = Operation {
    method: Method::GET,
    path: "/v1/policies/{id}",
    id: "read_policy",
    summary: "Shows an access policy with all its bindings.",
    access: Access::Scopes(&[Scope::PoliciesRead]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("PolicyShown"))],
    errors: &[ErrorCode::PolicyNotFound],
    handler: |call| Box::pin(show(call)),
};

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let (address, held) = policy(call, &call.app.engine.projections().view())?;
    Ok(Done::json(&PolicyView::new(&address.owner, &held))?)
}
