//! `PATCH /v1/auth/exchange-rules/{id}`: parts of a rule of exchange change.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::exchange::{ExchangeContent, ExchangeRule};
use scaivault_domain::{ErrorCode, Scope};

use super::create::command;
use super::rule;
use super::view::ExchangeRuleView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static UPDATE: Operation = Operation {
    method: Method::PATCH,
    path: "/v1/auth/exchange-rules/{id}",
    id: "update_exchange_rule",
    summary: "Changes a rule of token exchange; deactivating it ends the tokens it gave.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::Auth,
    action: Some(Action::Write),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::MergePatch("ExchangeRuleChange"),
    answers: &[(200, Some("ExchangeRuleShown"))],
    errors: &[ErrorCode::InvalidDuration, ErrorCode::IdentityNotFound, ErrorCode::NameTaken],
    handler: |call| Box::pin(update(call)),
};

async fn update(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let rule = rule(call, &call.app.engine.projections().view())?;
    let given = command(call, false)?;
    given.check_reach(&call.caller)?;
    let caller = call.caller.clone();
    let edit = |before: &ExchangeContent| given.over(before, &caller);
    let tell = |rule: &ExchangeRule| Reply::json(200, &ExchangeRuleView::new(rule));
    let owner = call.target.owner.clone();
    let answer = call.app.engine.update_exchange_rule(&call.change(), &owner, &rule.id, edit, tell).await?;
    Ok(Done::Changed(answer))
}
