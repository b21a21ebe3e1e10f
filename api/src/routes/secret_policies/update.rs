//! `PATCH /v1/secret-policies/{id}`: parts of a recipe change.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::secret_policy::{Content, SecretPolicy};
use scaivault_domain::{ErrorCode, Scope};

use super::view::SecretPolicyView;
use super::{id, input};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static UPDATE: Operation = Operation {
    method: Method::PATCH,
    path: "/v1/secret-policies/{id}",
    id: "update_secret_policy",
    summary: "Changes a recipe, from the next generation on.",
    access: Access::Scopes(&[Scope::PoliciesWrite]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::SecretPolicyUpdate),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::MergePatch("SecretPolicyChange"),
    answers: &[(200, Some("SecretPolicyShown"))],
    errors: &[ErrorCode::SecretPolicyNotFound, ErrorCode::NameTaken],
    handler: |call| Box::pin(update(call)),
};

async fn update(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let given = input::given(call, false)?;
    let id = id(call)?;
    let edit = |before: &Content| given.over(before);
    let tell = |policy: &SecretPolicy| Reply::json(200, &SecretPolicyView::new(policy));
    let answer = call.app.engine.update_secret_policy(&call.change(), &id, edit, tell).await?;
    Ok(Done::Changed(answer))
}
