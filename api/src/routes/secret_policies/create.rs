//! `POST /v1/secret-policies`: a recipe.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::secret_policy::SecretPolicy;
use scaivault_domain::{ErrorCode, Scope};

use super::input;
use super::view::SecretPolicyView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static CREATE: Operation = Operation {
    method: Method::POST,
    path: "/v1/secret-policies",
    id: "create_secret_policy",
    summary: "Makes a recipe that generates values.",
    access: Access::Scopes(&[Scope::PoliciesWrite]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::SecretPolicyCreate),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("SecretPolicy"),
    answers: &[(201, Some("SecretPolicyShown"))],
    errors: &[ErrorCode::NameTaken],
    handler: |call| Box::pin(create(call)),
};

async fn create(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let content = input::given(call, true)?.alone();
    let tell = |policy: &SecretPolicy| Reply::json(201, &SecretPolicyView::new(policy));
    let answer = call.app.engine.create_secret_policy(&call.change(), content, tell).await?;
    Ok(Done::Changed(answer))
}
