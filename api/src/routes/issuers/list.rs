//! `GET /v1/auth/issuers`: the issuers that count here, newest first.

use axum::http::Method;
use scaivault_commands::issuer::Shown;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Owner, Scope};
use serde::Serialize;

use super::may_see;
use super::view::IssuerView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;
use crate::routes::secrets::list::{CURSOR, LIMIT};

/// The operation.
pub static LIST: Operation = Operation {
    method: Method::GET,
    path: "/v1/auth/issuers",
    id: "list_issuers",
    summary: "Lists the trusted issuers of the tenant and of the platform, newest first.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::Auth,
    action: Some(Action::List),
    idempotent: false,
    query: &[LIMIT, CURSOR],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("IssuerList"))],
    errors: &[ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
};

#[derive(Serialize)]
struct Page<'a> {
    issuers: Vec<IssuerView<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    may_see(call)?;
    let engine = &call.app.engine;
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: "" };
    let after = call.query.text("cursor").map(|cursor| binding.key(engine, cursor)).transpose()?;
    let view = engine.projections().view();
    let (own, of_platform) = (view.issuers.of(&call.target.owner), view.issuers.of(&Owner::Platform));
    let all = own.issuers().chain(of_platform.issuers()).chain(engine.builtin_issuer());
    let mut rows: Vec<_> =
        all.filter(|issuer| after.as_deref().is_none_or(|after| issuer.id.as_str() < after)).collect();
    // Each of the lists is in order; put together they have to be put in order.
    rows.sort_by(|a, b| b.id.cmp(&a.id));
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|issuer| issuer.id.as_str());
    let cursor = last.map(|key| binding.cursor(engine, key)).transpose()?;
    let shown: Vec<_> =
        rows.into_iter().map(|issuer| Shown { issuer: issuer.as_ref(), keys: engine.key_status(issuer) }).collect();
    Ok(Done::json(&Page { issuers: shown.iter().map(IssuerView::new).collect(), cursor, has_more })?)
}
