//! `PATCH /v1/rotation/policies/{id}`: parts of a rotation policy change.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::rotation::RotationPolicy;
use scaivault_domain::{ErrorCode, Scope};
use scaivault_projections::View;

use super::view::PolicyView;
use super::{id, input};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static UPDATE: Operation = Operation {
    method: Method::PATCH,
    path: "/v1/rotation/policies/{id}",
    id: "update_rotation_policy",
    summary: "Changes a rotation policy; another interval, window or distance moves the due dates of its secrets.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::RotationPolicyUpdate),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::MergePatch("RotationPolicyChange"),
    answers: &[(200, Some("RotationPolicyShown"))],
    errors: &[
        ErrorCode::RotationPolicyNotFound,
        ErrorCode::InvalidDuration,
        ErrorCode::InvalidPath,
        ErrorCode::NameTaken,
        ErrorCode::SecretPolicyNotFound,
        ErrorCode::WebhookNotFound,
        ErrorCode::SecretNotFound,
    ],
    handler: |call| Box::pin(update(call)),
};

async fn update(call: &mut Call) -> Result<Done, Stop> {
    let id = id(call);
    call.begin().await?;
    let given = input::given(call, false)?;
    let id = id?;
    let (owner, now) = (call.target.owner.clone(), call.now());
    let edit = |view: &View, policy: &RotationPolicy| {
        Ok((given.over(&policy.content, view, &owner, now)?, given.is_active(policy.is_active)))
    };
    let tell = |policy: &RotationPolicy, count: usize| Reply::json(200, &PolicyView::fresh(policy, count));
    let answer = call.app.engine.update_rotation_policy(&call.change(), &id, edit, tell).await?;
    Ok(Done::Changed(answer))
}
