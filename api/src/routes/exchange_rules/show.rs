//! `GET /v1/auth/exchange-rules/{id}`: one rule of exchange.

use axum::http::Method;
use scaivault_domain::Scope;
use scaivault_domain::audit::Action;

use super::rule;
use super::view::ExchangeRuleView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static SHOW: Operation = Operation {
    method: Method::GET,
    path: "/v1/auth/exchange-rules/{id}",
    id: "read_exchange_rule",
    summary: "Shows a rule of token exchange.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::Auth,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("ExchangeRuleShown"))],
    errors: &[],
    handler: |call| Box::pin(show(call)),
};

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let rule = rule(call, &call.app.engine.projections().view())?;
    Ok(Done::json(&ExchangeRuleView::new(&rule))?)
}
