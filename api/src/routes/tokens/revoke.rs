//! `DELETE /v1/auth/tokens/{id}`: ends a token and those made with it.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Rejection, Scope, TokenId};

use super::{entry_for, within_reach};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static REVOKE: Operation = Operation {
    method: Method::DELETE,
    path: "/v1/auth/tokens/{id}",
    id: "revoke_token",
    summary: "Revokes a personal token, and the tokens made with it.",
    access: Access::Scopes(&[Scope::TokensSelf]),
    place: Place::Installation,
    category: Category::Auth,
    action: Some(Action::TokenRevoke),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(204, None)],
    errors: &[ErrorCode::TokenNotFound],
    handler: |call| Box::pin(revoke(call)),
};

async fn revoke(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    call.query.finish()?;
    let unknown = || Rejection::new(ErrorCode::TokenNotFound, "Token not found");
    let id = TokenId::parse(call.captures.first()).ok_or_else(unknown)?;
    let view = call.app.engine.projections().view();
    let held = view.tokens.by_id(&id).filter(|held| within_reach(call, &held.token.record)).ok_or_else(unknown)?;
    call.entry = entry_for(call, &held.token.record);
    let answer = call.app.engine.revoke_token(&call.change(), &id, Reply::no_content()).await?;
    Ok(Done::Changed(answer))
}
