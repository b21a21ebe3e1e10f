//! `POST, GET /v1/audit/reindex`: the searchable index made anew from the log, while the old one serves.

use axum::http::Method;
use scaivault_commands::{Failure, Reply};
use scaivault_domain::access::role_required;
use scaivault_domain::audit::Action;
use scaivault_domain::{Role, Scope, Timestamp};
use scaivault_projections::audit::RebuildingStatus;
use serde::Serialize;

use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation that starts it.
pub static START: Operation = Operation {
    method: Method::POST,
    path: "/v1/audit/reindex",
    id: "start_audit_reindex",
    summary: "Has the searchable index of all tenants made anew; queries use the old one meanwhile.",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::Installation,
    category: Category::AuditQuery,
    action: Some(Action::Write),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(202, Some("AuditReindex"))],
    errors: &[],
    handler: |call| Box::pin(start(call)),
};

/// The operation that shows how it is doing.
pub static STATUS: Operation = Operation {
    method: Method::GET,
    id: "read_audit_reindex",
    summary: "Shows how the last rebuilding of the searchable index is doing.",
    action: Some(Action::Read),
    answers: &[(200, Some("AuditReindex"))],
    handler: |call| Box::pin(show(call)),
    ..START
};

#[derive(Serialize)]
struct Reindex<'a> {
    status: &'static str,
    applied_position: Option<u64>,
    log_position: Option<u64>,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    error: Option<&'a str>,
}

async fn start(call: &mut Call) -> Result<Done, Stop> {
    require_role(call)?;
    let status = call.app.engine.audit().rebuild().await.map_err(Failure::from)?;
    Ok(Done::Reply(Reply::json(202, &told(call, Some(&status)))?))
}

async fn show(call: &mut Call) -> Result<Done, Stop> {
    require_role(call)?;
    let status = call.app.engine.audit().rebuilding().await.map_err(Failure::from)?;
    Ok(Done::json(&told(call, status.as_ref()))?)
}

fn require_role(call: &mut Call) -> Result<(), Stop> {
    call.query.finish()?;
    match call.caller.has_role(Role::SuperAdmin) {
        true => Ok(()),
        false => Err(role_required(Role::SuperAdmin).into()),
    }
}

fn told<'a>(call: &Call, status: Option<&'a RebuildingStatus>) -> Reindex<'a> {
    let word = match status {
        None => "none",
        Some(RebuildingStatus { error: Some(_), .. }) => "failed",
        Some(RebuildingStatus { completed_at: Some(_), .. }) => "completed",
        Some(_) => "running",
    };
    Reindex {
        status: word,
        applied_position: status.map(|status| status.applied.0),
        log_position: status.map(|_| call.app.engine.projections().applied().0),
        started_at: status.map(|status| Timestamp::from_micros(status.started_at)),
        completed_at: status.and_then(|status| status.completed_at).map(Timestamp::from_micros),
        error: status.and_then(|status| status.error.as_deref()),
    }
}
