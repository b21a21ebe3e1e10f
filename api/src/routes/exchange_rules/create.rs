//! `POST /v1/auth/exchange-rules`: which tokens of an issuer may be exchanged, and for whose.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::exchange::ExchangeRule;
use scaivault_domain::{ErrorCode, Rejection, Role, Scope};

use super::input::{self, Given};
use super::view::ExchangeRuleView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static CREATE: Operation = Operation {
    method: Method::POST,
    path: "/v1/auth/exchange-rules",
    id: "create_exchange_rule",
    summary: "Lets tokens of an issuer be exchanged for those of an identity.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::Auth,
    action: Some(Action::Write),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("ExchangeRule"),
    answers: &[(201, Some("ExchangeRuleShown"))],
    errors: &[ErrorCode::InvalidDuration, ErrorCode::IdentityNotFound, ErrorCode::NameTaken],
    handler: |call| Box::pin(create(call)),
};

async fn create(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    call.require_role(Role::TenantAdmin)?;
    let given = command(call, true)?;
    given.check_reach(&call.caller)?;
    let content = given.alone(&call.caller)?;
    let tell = |rule: &ExchangeRule| Reply::json(201, &ExchangeRuleView::new(rule));
    let owner = call.target.owner.clone();
    let answer = call.app.engine.create_exchange_rule(&call.change(), &owner, content, tell).await?;
    Ok(Done::Changed(answer))
}

/// Reads the body; with `whole`, what has no default must be in it.
pub(super) fn command(call: &mut Call, whole: bool) -> Result<Given, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let given = input::given(&mut fields, whole, &mut faults);
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(given)
}
