//! `POST /v1/auth/revoke`: ends a token by its value (shaped after RFC 7009).

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::access::Target;
use scaivault_domain::audit::Action;
use scaivault_domain::token::JwtRevoked;
use scaivault_domain::{Owner, Rejection, Scope};
use serde_json::json;
use zeroize::Zeroizing;

use super::{entry_for, is_own, target_of};
use crate::authentication::{jwt, recognition};
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
    let value = value(call, true)?;
    if jwt::is_shaped(&value) {
        return revoke_jwt(call, &value).await;
    }
    let hash = call.app.engine.token_hash(&value)?;
    let view = call.app.engine.projections().view();
    let held = view.tokens.by_hash(&hash);
    let alive = held.filter(|held| held.token.is_active(call.now()) && !view.is_token_revoked(&held.token));
    let Some(held) = alive else { return dead(call).await };
    let record = &held.token.record;
    if !is_own(call, record) && !may_revoke(call, &target_of(record)) {
        return Err(not_own().into());
    }
    call.entry = entry_for(call, record);
    let reply = Reply::json(200, &json!({ "revoked": true }))?;
    Ok(Done::Changed(call.app.engine.revoke_token(&call.change(), &record.id, reply).await?))
}

/// A JWT is refused until its end; it is known by what its signature covers.
async fn revoke_jwt(call: &mut Call, value: &str) -> Result<Done, Stop> {
    let view = call.app.engine.projections().view();
    let named = call.named_tenant.as_deref();
    let Ok(recognised) = recognition::verified(&call.app, &view, value, named).await? else { return dead(call).await };
    let bearer = &recognised.bearer;
    let Ok(partner) = recognition::partner(&view, bearer) else { return dead(call).await };
    if recognition::ended(&view, &recognised).is_some() {
        return dead(call).await;
    }
    let owner = Owner::of(bearer.tenant.as_ref(), partner.as_ref());
    let caller = &call.caller;
    let is_own = (&caller.identity, &caller.tenant, &caller.partner) == (&bearer.identity, &bearer.tenant, &partner);
    let target = Target { owner: owner.clone(), partner };
    if !is_own && !may_revoke(call, &target) {
        return Err(not_own().into());
    }
    call.entry.owner = owner.clone();
    let (_, expires_at) = recognition::life(&recognised);
    let revoked = JwtRevoked { hash: recognised.hash.clone(), identity: bearer.identity.clone(), expires_at };
    let reply = Reply::json(200, &json!({ "revoked": true }))?;
    Ok(Done::Changed(call.app.engine.revoke_jwt(&call.change(), &owner, &revoked, reply).await?))
}

/// A token that is unknown or has ended already.
async fn dead(call: &Call) -> Result<Done, Stop> {
    let reply = Reply::json(200, &json!({ "revoked": false }))?;
    Ok(Done::Changed(call.app.engine.unchanged(&call.change(), reply).await?))
}

/// Whether the scope `admin` of the caller is over a place: its own tenant, or what its roles reach.
fn may_revoke(call: &Call, target: &Target) -> bool {
    let caller = &call.caller;
    let at_home = caller.tenant.is_some() && caller.tenant.as_ref() == target.owner.tenant();
    caller.scopes.grants(Scope::Admin) && (at_home || caller.administers(target))
}

fn not_own() -> Rejection {
    Rejection::denied("insufficient_scope", "Revoking another's token needs the scope admin over its tenant")
        .detail("required_scope", Scope::Admin.as_str())
}

/// The token that a request is about; with a hint at its type, which is ignored, where there may be one.
pub(super) fn value(call: &mut Call, may_hint: bool) -> Result<Zeroizing<String>, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let given = fields.has("token");
    let text = fields.text("token", &mut faults);
    let token = not_null(text, "token", &mut faults).map(Zeroizing::new);
    if !given {
        faults.field("token", "is required");
    }
    if may_hint {
        fields.text("token_type_hint", &mut faults);
    }
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(token.unwrap_or_default())
}
