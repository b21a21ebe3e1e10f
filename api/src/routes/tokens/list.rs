//! `GET /v1/auth/tokens`: tokens of the caller, or of an identity within reach, newest first.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::token::TokenKind;
use scaivault_domain::{ErrorCode, IdentityId, Scope};
use serde::Serialize;

use super::view::TokenView;
use super::within_reach;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;
use crate::routes::secrets::list::{CURSOR, LIMIT};

/// The operation.
pub static LIST: Operation = Operation {
    method: Method::GET,
    path: "/v1/auth/tokens",
    id: "list_tokens",
    summary: "Lists personal tokens, newest first, without their values.",
    access: Access::Scopes(&[Scope::TokensSelf]),
    place: Place::Installation,
    category: Category::Auth,
    action: Some(Action::List),
    idempotent: false,
    query: &[
        Parameter { name: "include_inactive", shape: Shape::Boolean, meaning: "Also expired and revoked ones." },
        Parameter {
            name: "identity_id",
            shape: Shape::Text,
            meaning: "Tokens of another identity; for administrators.",
        },
        LIMIT,
        CURSOR,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("TokenList"))],
    errors: &[ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
};

#[derive(Serialize)]
struct Page<'a> {
    tokens: Vec<TokenView<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let inactive = call.query.boolean("include_inactive");
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    let identity = match call.query.text("identity_id") {
        None => Some(call.caller.identity.clone()),
        Some(text) => IdentityId::parse(text),
    };
    let filters = call.query.filters();
    let owner = &call.target.owner;
    let binding = Binding { operation: call.operation.id, owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(&call.app.engine, cursor)).transpose()?;
    let view = call.app.engine.projections().view();
    let now = call.now();
    let mut page: Vec<_> = identity
        .iter()
        .flat_map(|identity| view.tokens.of(identity))
        .filter(|held| after.as_deref().is_none_or(|after| held.token.record.id.as_str() < after))
        .filter(|held| held.token.record.kind.published() == TokenKind::Personal.published())
        .filter(|held| within_reach(call, &held.token.record))
        .filter(|held| inactive || (held.token.is_active(now) && !view.is_token_revoked(&held.token)))
        .take(limit + 1)
        .collect();
    let has_more = page.len() > limit;
    page.truncate(limit);
    let last = page.last().filter(|_| has_more).map(|held| held.token.record.id.as_str());
    let cursor = last.map(|key| binding.cursor(&call.app.engine, key)).transpose()?;
    let tokens = page
        .into_iter()
        .map(|held| {
            let record = &held.token.record;
            let used = call.app.engine.projections().accesses(|accesses| accesses.token_used(&record.id));
            TokenView::new(record, held.token.created_at).with_history(used, view.revoked_at(&held.token))
        })
        .collect();
    Ok(Done::json(&Page { tokens, cursor, has_more })?)
}
