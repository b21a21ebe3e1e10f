//! `PATCH /v1/policies/{id}`: parts of a policy change.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::policy::Content;
use scaivault_domain::{ErrorCode, Rejection, Scope};

use super::input::{self, Given};
use super::policy_to_change;
use super::view::PolicyView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static UPDATE: Operation = Operation {
    method: Method::PATCH,
    path: "/v1/policies/{id}",
    id: "update_policy",
    summary: "Changes name, description, rules or activity of an access policy; what is left out stays.",
    access: Access::Scopes(&[Scope::PoliciesWrite]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::PolicyUpdate),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::MergePatch("PolicyChange"),
    answers: &[(200, Some("PolicyShown"))],
    errors: &[ErrorCode::InvalidPolicy, ErrorCode::InvalidGlob, ErrorCode::PolicyNotFound, ErrorCode::NameTaken],
    handler: |call| Box::pin(update(call)),
};

async fn update(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let (address, _) = policy_to_change(call, &call.app.engine.projections().view())?;
    let given = command(call)?;
    let edit = |before: &Content| Content {
        name: given.name.clone().unwrap_or_else(|| before.name.clone()),
        description: given.description.clone().unwrap_or_else(|| before.description.clone()),
        rules: given.rules.clone().unwrap_or_else(|| before.rules.clone()),
        is_active: given.is_active.unwrap_or(before.is_active),
    };
    let tell = |held: &_| Reply::json(200, &PolicyView::new(&address.owner, held));
    let answer = call.app.engine.update_policy(&call.change(), &address, edit, tell).await?;
    Ok(Done::Changed(answer))
}

fn command(call: &mut Call) -> Result<Given, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let given = input::given(&mut fields, false, &mut faults);
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(given)
}
