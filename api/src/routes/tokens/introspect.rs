//! `POST /v1/auth/introspect`: whether a token counts, and for whom (shaped after RFC 7662).

use axum::http::Method;
use scaivault_domain::access::Target;
use scaivault_domain::audit::Action;
use scaivault_domain::{IdentityId, Owner, PartnerId, Scope, Scopes, TenantId, Timestamp};
use scaivault_projections::View;
use serde::Serialize;
use serde_json::json;

use super::revoke_value::value;
use crate::authentication::{jwt, recognition};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static INTROSPECT: Operation = Operation {
    method: Method::POST,
    path: "/v1/auth/introspect",
    id: "introspect_token",
    summary: "Tells whether a token counts, and whom it acts as.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Installation,
    category: Category::Auth,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::Json("IntrospectToken"),
    answers: &[(200, Some("TokenIntrospected"))],
    errors: &[],
    handler: |call| Box::pin(introspect(call)),
};

#[derive(Serialize)]
struct Active {
    active: bool,
    identity_id: IdentityId,
    identity_type: &'static str,
    tenant_id: Option<TenantId>,
    scopes: Scopes,
    expires_at: Option<Timestamp>,
    issued_at: Option<Timestamp>,
    #[serde(skip)]
    partner: Option<PartnerId>,
}

async fn introspect(call: &mut Call) -> Result<Done, Stop> {
    let value = value(call, false)?;
    let view = call.app.engine.projections().view();
    let found = match jwt::is_shaped(&value) {
        true => of_jwt(call, &view, &value).await?,
        false => of_record(call, &view, &value)?,
    };
    match found.filter(|found| is_in_reach(call, found)) {
        Some(active) => Ok(Done::json(&active)?),
        None => Ok(Done::json(&json!({ "active": false }))?),
    }
}

fn of_record(call: &Call, view: &View, value: &str) -> Result<Option<Active>, Stop> {
    let hash = call.app.engine.token_hash(value)?;
    let held = view.tokens.by_hash(&hash);
    let Some(held) = held.filter(|held| held.token.is_active(call.now()) && !view.is_token_revoked(&held.token)) else {
        return Ok(None);
    };
    let record = &held.token.record;
    let standing = view.installation.standing(record.tenant_id.as_ref(), &record.identity);
    if standing.is_ended {
        return Ok(None);
    }
    Ok(Some(Active {
        active: true,
        identity_id: record.identity.clone(),
        identity_type: record.identity.kind().as_str(),
        tenant_id: record.tenant_id.clone(),
        scopes: standing.scopes.map_or(record.scopes, |most| record.scopes.narrowed_to(most)),
        expires_at: record.expires_at,
        issued_at: Some(held.token.created_at),
        partner: record.partner_id.clone(),
    }))
}

async fn of_jwt(call: &Call, view: &View, value: &str) -> Result<Option<Active>, Stop> {
    let named = call.named_tenant.as_deref();
    let Ok(recognised) = recognition::verified(&call.app, view, value, named).await? else { return Ok(None) };
    let bearer = &recognised.bearer;
    let Ok(partner) = recognition::partner(view, bearer) else { return Ok(None) };
    if recognition::ended(view, &recognised).is_some() {
        return Ok(None);
    }
    let standing = view.installation.standing(bearer.tenant.as_ref(), &bearer.identity);
    let (issued_at, expires_at) = recognition::life(&recognised);
    Ok(Some(Active {
        active: true,
        identity_id: bearer.identity.clone(),
        identity_type: bearer.identity.kind().as_str(),
        tenant_id: bearer.tenant.clone(),
        scopes: standing.scopes.map_or(bearer.scopes, |most| bearer.scopes.narrowed_to(most)),
        expires_at: Some(expires_at),
        issued_at,
        partner,
    }))
}

/// A caller sees tokens of its own tenant, and of those it administers.
fn is_in_reach(call: &Call, found: &Active) -> bool {
    let owner = Owner::of(found.tenant_id.as_ref(), found.partner.as_ref());
    let own = Owner::of(call.caller.tenant.as_ref(), call.caller.partner.as_ref());
    owner == own || call.caller.administers(&Target { owner, partner: found.partner.clone() })
}
