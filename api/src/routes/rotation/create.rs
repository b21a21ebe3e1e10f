//! `POST /v1/rotation/policies`: a rotation policy.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::rotation::RotationPolicy;
use scaivault_domain::{ErrorCode, Scope};
use scaivault_projections::View;

use super::input;
use super::view::PolicyView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static CREATE: Operation = Operation {
    method: Method::POST,
    path: "/v1/rotation/policies",
    id: "create_rotation_policy",
    summary: "Makes a rotation policy.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::RotationPolicyCreate),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("RotationPolicy"),
    answers: &[(201, Some("RotationPolicyShown"))],
    errors: &[
        ErrorCode::InvalidDuration,
        ErrorCode::InvalidPath,
        ErrorCode::NameTaken,
        ErrorCode::SecretPolicyNotFound,
        ErrorCode::WebhookNotFound,
        ErrorCode::SecretNotFound,
    ],
    handler: |call| Box::pin(create(call)),
};

async fn create(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let given = input::given(call, true)?;
    let (owner, now) = (call.target.owner.clone(), call.now());
    let read = |view: &View| given.alone(view, &owner, now);
    let tell = |policy: &RotationPolicy, count: usize| Reply::json(201, &PolicyView::fresh(policy, count));
    let answer = call.app.engine.create_rotation_policy(&call.change(), read, tell).await?;
    Ok(Done::Changed(answer))
}
