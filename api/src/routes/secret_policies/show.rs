//! `GET /v1/secret-policies/{id}`: one recipe.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};

use super::policy;
use super::view::SecretPolicyView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static SHOW: Operation = Operation {
    method: Method::GET,
    path: "/v1/secret-policies/{id}",
    id: "read_secret_policy",
    summary: "Shows a recipe, with all defaults.",
    access: Access::Scopes(&[Scope::PoliciesRead]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("SecretPolicyShown"))],
    errors: &[ErrorCode::SecretPolicyNotFound],
    handler: |call| Box::pin(show(call)),
};

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    Ok(Done::json(&SecretPolicyView::new(policy(call)?.as_ref()))?)
}
