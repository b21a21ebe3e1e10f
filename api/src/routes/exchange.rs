//! `POST /v1/auth/exchange`: a token of ours for the JWT of a trusted issuer (RFC 8693).

mod input;
mod matching;

use std::sync::Arc;

use axum::http::Method;
use scaivault_commands::audit::ExchangeFacts;
use scaivault_commands::exchange::{Exchange, is_known};
use scaivault_commands::{ChangeRequest, Reply};
use scaivault_domain::audit::Action;
use scaivault_domain::token::TokenCreated;
use scaivault_domain::{ErrorCode, Owner, Rejection, Scopes, TenantId};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::authentication::revoked;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;
use matching::Match;

/// The operation.
pub static EXCHANGE: Operation = Operation {
    method: Method::POST,
    path: "/v1/auth/exchange",
    id: "exchange_token",
    summary: "Exchanges the JWT of a trusted issuer for a token of an identity, as the oldest matching rule says.",
    access: Access::Open,
    place: Place::Tenant,
    category: Category::Public,
    action: Some(Action::TokenCreate),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::JsonOrForm("ExchangeToken"),
    answers: &[(200, Some("TokenExchanged"))],
    errors: &[
        ErrorCode::InvalidRequest,
        ErrorCode::InvalidGlob,
        ErrorCode::TokenInvalid,
        ErrorCode::TokenExpired,
        ErrorCode::TokenRevoked,
        ErrorCode::AccessDenied,
    ],
    handler: |call| Box::pin(exchange(call)),
};

/// The operations of this group.
pub fn operations() -> [&'static Operation; 1] {
    [&EXCHANGE]
}

#[derive(Serialize)]
struct Given<'a> {
    access_token: &'a str,
    issued_token_type: &'static str,
    token_type: &'static str,
    expires_in: i64,
    scope: String,
}

async fn exchange(call: &mut Call) -> Result<Done, Stop> {
    let asked = input::asked(call)?;
    let found = matching::find(call, &asked).await.map_err(|stop| refused(call, stop))?;
    let Match { issuer, tenant, rule } = &found;
    let view = call.app.engine.projections().view();
    if !view.installation.is_open(Some(tenant), None) {
        let suspended = Rejection::new(ErrorCode::TenantAccessDenied, "The tenant of the rule is suspended");
        return Err(suspended.detail("reason", "tenant_suspended").into());
    }
    concerns(call, &found, &asked.subject);
    let identity = &rule.content.identity;
    let is_there = is_known(&view, &Owner::Tenant(tenant.clone()), identity);
    if !is_there || view.installation.standing(Some(tenant), identity).is_ended {
        return Err(refused(call, revoked("The identity of the rule has been suspended or deleted").into()));
    }
    let scopes = narrowed(rule.content.scopes, asked.scopes)?;
    let exchange = Exchange { rule, issuer, tenant, scopes, allowed_paths: asked.allowed_paths.clone() };
    let request =
        ChangeRequest { owner: Owner::Tenant(tenant.clone()), actor: rule.content.identity.clone(), ..call.change() };
    let expires_in = rule.content.ttl.seconds();
    let tell = |record: &TokenCreated, value: &Zeroizing<String>| {
        let words: Vec<_> = record.scopes.iter().map(|scope| scope.as_str()).collect();
        Reply::json(
            200,
            &Given {
                access_token: value,
                issued_token_type: input::ACCESS_TOKEN,
                token_type: "Bearer",
                expires_in,
                scope: words.join(" "),
            },
        )
    };
    let answer = call.app.engine.exchange_token(&request, &exchange, tell).await?;
    Ok(Done::Changed(answer))
}

/// From here on the request is recorded as one of the rule's identity, in its tenant's log.
fn concerns(call: &mut Call, found: &Match, subject: &Arc<str>) {
    let Match { issuer, tenant, rule } = found;
    call.entry.owner = Owner::Tenant(tenant.clone());
    call.entry.identity = Some(rule.content.identity.clone());
    call.entry.acting_tenant = Some(TenantId::clone(tenant));
    let (issuer, subject) = (issuer.content.issuer.clone(), subject.clone());
    call.entry.facts.exchange = Some(Arc::new(ExchangeFacts { issuer, subject, rule: rule.id.clone() }));
}

/// A rejected token is recorded as such.
fn refused(call: &mut Call, stop: Stop) -> Stop {
    if let Stop::Failure(scaivault_commands::Failure::Rejected(rejection)) = &stop
        && rejection.code.status() == 401
    {
        call.entry.action = Action::AuthFailure;
        metrics::counter!("scaivault_auth_failures_total", "reason" => rejection.code.as_str()).increment(1);
    }
    stop
}

/// What is asked for, if the rule gives it; all that it gives if nothing is asked for.
fn narrowed(given: Scopes, asked: Option<Scopes>) -> Result<Scopes, Rejection> {
    let asked = asked.unwrap_or(given);
    match given.missing(asked) {
        None => Ok(asked),
        Some(missing) => Err(Rejection::denied("insufficient_scope", "The rule does not give all that is asked for")
            .detail("required_scope", missing.as_str())),
    }
}
