//! `GET /v1/audit/exports`: newest first.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};
use serde::Serialize;

use super::{ExportView, asked_owners};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;
use crate::routes::audit::PLATFORM;
use crate::routes::secrets::list::{CURSOR, LIMIT};

/// The operation.
pub static LIST: Operation = Operation {
    method: Method::GET,
    path: "/v1/audit/exports",
    id: "list_audit_exports",
    summary: "Lists audit exports, newest first.",
    access: Access::Scopes(&[Scope::AuditExport]),
    place: Place::TenantIfAny,
    category: Category::AuditQuery,
    action: Some(Action::List),
    idempotent: false,
    query: &[PLATFORM, LIMIT, CURSOR],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("AuditExportList"))],
    errors: &[ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
};

#[derive(Serialize)]
struct Page<'a> {
    exports: Vec<ExportView<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let limit = call.query.limit(50, 200);
    let owners = asked_owners(call)?;
    let engine = &call.app.engine;
    let filters = call.query.filters();
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(engine, cursor)).transpose()?;
    let view = engine.projections().view();
    let is_wanted = |id: &str| after.as_deref().is_none_or(|after| id < after);
    let mut rows: Vec<_> = owners
        .iter()
        .flat_map(|owner| {
            let of_owner = view.exports.newest_first(owner);
            of_owner.filter(|held| is_wanted(held.export.id.as_str())).take(limit + 1)
        })
        .collect();
    rows.sort_by(|a, b| b.export.id.cmp(&a.export.id));
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|held| held.export.id.as_str());
    let cursor = last.map(|key| binding.cursor(engine, key)).transpose()?;
    let exports = rows.into_iter().map(|held| ExportView::new(engine, &held.export)).collect();
    Ok(Done::json(&Page { exports, cursor, has_more })?)
}
