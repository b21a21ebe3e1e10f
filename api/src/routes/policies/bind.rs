//! `POST /v1/policies/{id}/bindings`: a policy counts for an identity.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::policy::Bound;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, IdentityId, IdentityType, Rejection, Scope, Timestamp};

use super::policy_to_change;
use super::view::BindingView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::fields::not_null;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static BIND: Operation = Operation {
    method: Method::POST,
    path: "/v1/policies/{id}/bindings",
    id: "bind_policy",
    summary: "Binds an access policy to an identity or group; bound already, its end is replaced.",
    access: Access::Scopes(&[Scope::PoliciesWrite]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::PolicyBind),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("BindPolicy"),
    answers: &[(200, Some("PolicyBinding")), (201, Some("PolicyBinding"))],
    errors: &[ErrorCode::PolicyNotFound, ErrorCode::IdentityNotFound],
    handler: |call| Box::pin(bind(call)),
};

async fn bind(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let (address, _) = policy_to_change(call, &call.app.engine.projections().view())?;
    let (identity, expires_at) = command(call)?;
    let tell = |bound: &Bound<'_>| Reply::json(if bound.is_new { 201 } else { 200 }, &BindingView::of(bound));
    let answer = call.app.engine.bind_policy(&call.change(), &address, &identity, expires_at, tell).await?;
    Ok(Done::Changed(answer))
}

fn command(call: &mut Call) -> Result<(IdentityId, Option<Timestamp>), Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    for field in ["identity_type", "identity_id"] {
        if !fields.has(field) {
            faults.field(field, "is required");
        }
    }
    let wanted = fields.text("identity_type", &mut faults);
    let wanted = not_null(wanted, "identity_type", &mut faults);
    let kind = wanted.as_deref().and_then(IdentityType::parse);
    if wanted.is_some() && kind.is_none() {
        faults.field("identity_type", "must be user, service_account, group or system");
    }
    let text = fields.text("identity_id", &mut faults);
    let text = not_null(text, "identity_id", &mut faults);
    let expires_at = fields.timestamp("expires_at", &mut faults).flatten();
    if expires_at.is_some_and(|end| end <= call.now()) {
        faults.field("expires_at", "must be in the future");
    }
    fields.finish(&mut faults);
    let identity = text.and_then(|text| match call.identity(&text) {
        Ok(Some(identity)) if kind.is_none_or(|kind| identity.kind() == kind) => Some(identity),
        Ok(_) => {
            faults.field("identity_id", "must be an identity of the type given, such as user:alice@acme.example");
            None
        }
        Err(rejection) => {
            faults.special(rejection);
            None
        }
    });
    faults.finish()?;
    let identity = identity.ok_or_else(|| Rejection::field("identity_id", "is required"))?;
    Ok((identity, expires_at))
}
