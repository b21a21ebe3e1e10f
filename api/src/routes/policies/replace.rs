//! `PUT /v1/policies/{id}`: a policy says something else altogether.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::policy::Content;
use scaivault_domain::{ErrorCode, Owner, Rejection, Scope};

use super::input::{self, Given};
use super::policy_to_change;
use super::view::{PolicyView, scope};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::fields::not_null;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static REPLACE: Operation = Operation {
    method: Method::PUT,
    path: "/v1/policies/{id}",
    id: "replace_policy",
    summary: "Replaces name, description and rules of an access policy; bindings stay.",
    access: Access::Scopes(&[Scope::PoliciesWrite]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::PolicyUpdate),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("Policy"),
    answers: &[(200, Some("PolicyShown"))],
    errors: &[ErrorCode::InvalidPolicy, ErrorCode::InvalidGlob, ErrorCode::PolicyNotFound, ErrorCode::NameTaken],
    handler: |call| Box::pin(replace(call)),
};

async fn replace(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let (address, _) = policy_to_change(call, &call.app.engine.projections().view())?;
    let given = command(call, &address.owner)?;
    let edit = |before: &Content| Content {
        name: given.name.clone().unwrap_or_default(),
        description: given.description.clone().flatten(),
        rules: given.rules.clone().unwrap_or_default(),
        is_active: given.is_active.unwrap_or(before.is_active),
    };
    let tell = |held: &_| Reply::json(200, &PolicyView::new(&address.owner, held));
    let answer = call.app.engine.update_policy(&call.change(), &address, edit, tell).await?;
    Ok(Done::Changed(answer))
}

fn command(call: &mut Call, owner: &Owner) -> Result<Given, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let given = input::given(&mut fields, true, &mut faults);
    let wanted = fields.text("scope", &mut faults);
    let wanted = not_null(wanted, "scope", &mut faults);
    if wanted.is_some_and(|wanted| wanted != scope(owner)) {
        faults.field("scope", "cannot be changed");
    }
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(given)
}
