//! `GET /v1/auth/whoami`: who calls.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{IdentityId, Scopes, Timestamp};
use serde::Serialize;

use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static WHOAMI: Operation = Operation {
    method: Method::GET,
    path: "/v1/auth/whoami",
    id: "whoami",
    summary: "Shows the caller: identity, tenant, scopes, groups, roles.",
    access: Access::Scopes(&[]),
    place: Place::Installation,
    category: Category::Auth,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("Whoami"))],
    errors: &[],
    handler: |call| Box::pin(whoami(call)),
};

#[derive(Serialize)]
struct View<'a> {
    identity_id: &'a IdentityId,
    identity_type: &'static str,
    display_name: &'a str,
    tenant_id: Option<&'a str>,
    partner_id: Option<&'a str>,
    scopes: Scopes,
    groups: &'a [IdentityId],
    roles: Vec<&'static str>,
    mfa_verified_at: Option<Timestamp>,
    token_expires_at: Option<Timestamp>,
}

async fn whoami(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let caller = &call.caller;
    Ok(Done::json(&View {
        identity_id: &caller.identity,
        identity_type: caller.identity.kind().as_str(),
        display_name: &caller.display_name,
        tenant_id: caller.tenant.as_ref().map(|tenant| tenant.as_str()),
        partner_id: caller.partner.as_ref().map(|partner| partner.as_str()),
        scopes: caller.scopes,
        groups: &caller.groups,
        roles: caller.roles.iter().map(|role| role.as_str()).collect(),
        mfa_verified_at: caller.mfa_verified_at,
        token_expires_at: caller.token_expires_at,
    })?)
}
