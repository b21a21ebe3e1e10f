//! `POST /v1/rotation/policies/{id}/enable` and `/disable`: the schedule goes on, or pauses.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::rotation::RotationPolicy;
use scaivault_domain::{ErrorCode, Scope};
use scaivault_projections::View;

use super::id;
use super::view::PolicyView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// Going on.
pub static ENABLE: Operation = Operation {
    method: Method::POST,
    path: "/v1/rotation/policies/{id}/enable",
    id: "enable_rotation_policy",
    summary: "Lets a rotation policy go on: what fell due meanwhile is done at once.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::RotationPolicyEnable),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("RotationPolicyShown"))],
    errors: &[ErrorCode::RotationPolicyNotFound],
    handler: |call| Box::pin(switch(call, true)),
};

/// Pausing.
pub static DISABLE: Operation = Operation {
    method: Method::POST,
    path: "/v1/rotation/policies/{id}/disable",
    id: "disable_rotation_policy",
    summary: "Pauses a rotation policy: no warnings, no rotations, nothing overdue. Rotations by call still work.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::RotationPolicyDisable),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("RotationPolicyShown"))],
    errors: &[ErrorCode::RotationPolicyNotFound],
    handler: |call| Box::pin(switch(call, false)),
};

async fn switch(call: &mut Call, is_active: bool) -> Result<Done, Stop> {
    let id = id(call);
    call.begin().await?;
    call.query.finish()?;
    let id = id?;
    let owner = call.target.owner.clone();
    let view = call.app.engine.projections().view();
    let edit = |_: &View, policy: &RotationPolicy| Ok((policy.content.clone(), is_active));
    let tell = |policy: &RotationPolicy, count: usize| Reply::json(200, &PolicyView::new(policy, count, &view, &owner));
    let answer = call.app.engine.update_rotation_policy(&call.change(), &id, edit, tell).await?;
    Ok(Done::Changed(answer))
}
