//! `POST /v1/auth/revoke`: ends a token by its value (shaped after RFC 7009).

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::{Rejection, Scope, TokenId};
use serde_json::json;
use zeroize::Zeroizing;

use super::{administers, entry_for, is_own};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::fields::not_null;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static REVOKE_VALUE: Operation = Operation {
    method: Method::POST,
    path: "/v1/auth/revoke",
    id: "revoke_token_value",
    summary: "Revokes a token by its value.",
    access: Access::Scopes(&[]),
    place: Place::Installation,
    category: Category::Auth,
    action: Some(Action::TokenRevoke),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::JsonOrForm("RevokeToken"),
    answers: &[(200, Some("TokenRevoked"))],
    errors: &[],
    handler: |call| Box::pin(revoke(call)),
};

async fn revoke(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let value = value(call)?;
    let hash = call.app.engine.token_hash(&value)?;
    let view = call.app.engine.projections().view();
    let held = view.tokens.by_hash(&hash);
    let alive = held.filter(|held| held.token.is_active(call.now()) && !view.tokens.is_revoked(&held.token));
    let Some(held) = alive else {
        let reply = Reply::json(200, &json!({ "revoked": false }))?;
        return Ok(Done::Changed(call.app.engine.unchanged(&call.change(), reply).await?));
    };
    let record = &held.token.record;
    if !is_own(call, record) && !administers(call, record) {
        let rejection =
            Rejection::denied("insufficient_scope", "Revoking another's token needs the scope admin over its tenant");
        return Err(rejection.detail("required_scope", Scope::Admin.as_str()).into());
    }
    let id: TokenId = record.id.clone();
    call.entry = entry_for(call, record);
    let reply = Reply::json(200, &json!({ "revoked": true }))?;
    Ok(Done::Changed(call.app.engine.revoke_token(&call.change(), &id, reply).await?))
}

fn value(call: &mut Call) -> Result<Zeroizing<String>, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let given = fields.has("token");
    let text = fields.text("token", &mut faults);
    let token = not_null(text, "token", &mut faults).map(Zeroizing::new);
    if !given {
        faults.field("token", "is required");
    }
    fields.text("token_type_hint", &mut faults);
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(token.unwrap_or_default())
}
