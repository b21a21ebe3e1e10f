//! `GET /v1/rotation/policies/{id}`: one rotation policy.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};
use scaivault_projections::rotations::Lines;

use super::policy;
use super::view::PolicyView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static SHOW: Operation = Operation {
    method: Method::GET,
    path: "/v1/rotation/policies/{id}",
    id: "read_rotation_policy",
    summary: "Shows a rotation policy.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("RotationPolicyShown"))],
    errors: &[ErrorCode::RotationPolicyNotFound],
    handler: |call| Box::pin(show(call)),
};

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let view = call.app.engine.projections().view();
    let policy = policy(call, &view)?;
    let owner = &call.target.owner;
    let count = view.rotations.of(owner).lines(&policy).map_or(0, Lines::len);
    Ok(Done::json(&PolicyView::new(&policy, count, &view, owner))?)
}
