//! `DELETE /v1/auth/exchange-rules/{id}`: a rule of exchange ends, and the tokens it gave with it.

use axum::http::Method;
use scaivault_domain::Scope;
use scaivault_domain::audit::Action;

use super::rule;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static DELETE: Operation = Operation {
    method: Method::DELETE,
    path: "/v1/auth/exchange-rules/{id}",
    id: "delete_exchange_rule",
    summary: "Deletes a rule of token exchange, and ends the tokens it gave.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::Auth,
    action: Some(Action::Delete),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(204, None)],
    errors: &[],
    handler: |call| Box::pin(delete(call)),
};

async fn delete(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    call.query.finish()?;
    let rule = rule(call, &call.app.engine.projections().view())?;
    let owner = call.target.owner.clone();
    let answer = call.app.engine.delete_exchange_rule(&call.change(), &owner, &rule.id).await?;
    Ok(Done::Changed(answer))
}
