//! `POST /v1/policies`: a policy, not bound to anybody yet.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::policy::Content;
use scaivault_domain::{ErrorCode, Owner, Rejection, Scope};

use super::view::PolicyView;
use super::{input, may_change};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::fields::not_null;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static CREATE: Operation = Operation {
    method: Method::POST,
    path: "/v1/policies",
    id: "create_policy",
    summary: "Makes an access policy. It grants nothing until it is bound.",
    access: Access::Scopes(&[Scope::PoliciesWrite]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::PolicyCreate),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("Policy"),
    answers: &[(201, Some("PolicyShown"))],
    errors: &[ErrorCode::InvalidPolicy, ErrorCode::InvalidGlob, ErrorCode::NameTaken],
    handler: |call| Box::pin(create(call)),
};

async fn create(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let (content, of_partner) = command(call)?;
    let owner = match of_partner {
        true => {
            let partner = call.target.partner.clone();
            partner.map(Owner::Partner).ok_or_else(|| Rejection::field("scope", "the tenant has no partner"))?
        }
        false => call.target.owner.clone(),
    };
    may_change(call, &owner)?;
    let tell = |held: &_| Reply::json(201, &PolicyView::new(&owner, held));
    let answer = call.app.engine.create_policy(&call.change(), &owner, content, tell).await?;
    Ok(Done::Changed(answer))
}

/// What it says, and whether it is for all tenants of the partner.
fn command(call: &mut Call) -> Result<(Content, bool), Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let given = input::given(&mut fields, true, &mut faults);
    let scope = fields.text("scope", &mut faults);
    let scope = not_null(scope, "scope", &mut faults);
    if scope.as_deref().is_some_and(|scope| !matches!(scope, "tenant" | "partner")) {
        faults.field("scope", "must be tenant or partner");
    }
    fields.finish(&mut faults);
    faults.finish()?;
    let content = Content {
        name: given.name.unwrap_or_default(),
        description: given.description.flatten(),
        rules: given.rules.unwrap_or_default(),
        is_active: given.is_active.unwrap_or(true),
    };
    Ok((content, scope.as_deref() == Some("partner")))
}
