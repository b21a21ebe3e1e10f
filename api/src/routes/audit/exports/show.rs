//! `GET /v1/audit/exports/{id}`: one export, and how far it has come.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};

use super::{ExportView, named};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;
use crate::routes::audit::PLATFORM;

/// The operation.
pub static SHOW: Operation = Operation {
    method: Method::GET,
    path: "/v1/audit/exports/{id}",
    id: "read_audit_export",
    summary: "Shows an audit export and how far it has come.",
    access: Access::Scopes(&[Scope::AuditExport]),
    place: Place::TenantIfAny,
    category: Category::AuditQuery,
    action: Some(Action::Read),
    idempotent: false,
    query: &[PLATFORM],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("AuditExport"))],
    errors: &[ErrorCode::ExportNotFound],
    handler: |call| Box::pin(show(call)),
};

async fn show(call: &mut Call) -> Result<Done, Stop> {
    let held = named(call)?;
    Ok(Done::json(&ExportView::new(&call.app.engine, &held.export))?)
}
