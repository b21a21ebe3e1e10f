//! `GET /v1/audit/exports/{id}/files/{name}`: a file that the server keeps.

use axum::http::Method;
use scaivault_commands::export::store::StoreFault;
use scaivault_domain::audit::Action;
use scaivault_domain::export::{Export, StoreKind};
use scaivault_domain::{ErrorCode, Rejection, Scope};

use super::named;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;
use crate::routes::audit::PLATFORM;

/// The operation.
pub static FILE: Operation = Operation {
    method: Method::GET,
    path: "/v1/audit/exports/{id}/files/{name}",
    id: "read_audit_export_file",
    summary: "Gives a file of a completed export that was written to the server, for 30 days.",
    access: Access::Scopes(&[Scope::AuditExport]),
    place: Place::TenantIfAny,
    category: Category::AuditQuery,
    action: Some(Action::Read),
    idempotent: false,
    query: &[PLATFORM],
    headers: &[],
    body: Body::None,
    answers: &[(200, None)],
    errors: &[ErrorCode::ExportNotFound],
    handler: |call| Box::pin(file(call)),
};

async fn file(call: &mut Call) -> Result<Done, Stop> {
    let held = named(call)?;
    let export = &held.export;
    let name = call.captures.second().to_owned();
    if !is_there(export, &name) || export.kept_until().is_none_or(|until| until <= call.now()) {
        return Err(missing().into());
    }
    match call.app.engine.exporting().read(export, &name).await {
        Ok(object) => Ok(Done::File(object)),
        Err(StoreFault::Missing) => Err(missing().into()),
        Err(fault) => Err(Stop::Failure(scaivault_commands::Failure::Internal(Box::new(fault)))),
    }
}

fn is_there(export: &Export, name: &str) -> bool {
    export.content.destination.kind == StoreKind::File && export.has_file(name)
}

fn missing() -> Rejection {
    Rejection::new(ErrorCode::NotFound, "There is no such file here")
}
