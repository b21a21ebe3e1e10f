//! `GET /v1/audit/logs/{id}`: one entry.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Rejection, Scope, Timestamp, id};
use scaivault_projections::audit::{Filter, Order, Query};
use serde_json::value::RawValue;

use super::{PLATFORM, input, owners};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// Entries looked at at once. In one millisecond there are few.
const PAGE: usize = 200;

/// The operation.
pub static ENTRY: Operation = Operation {
    method: Method::GET,
    path: "/v1/audit/logs/{id}",
    id: "read_audit_entry",
    summary: "Shows one audit entry.",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::TenantIfAny,
    category: Category::AuditQuery,
    action: Some(Action::Read),
    idempotent: false,
    query: &[PLATFORM],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("AuditEntry"))],
    errors: &[ErrorCode::NotFound],
    handler: |call| Box::pin(show(call)),
};

async fn show(call: &mut Call) -> Result<Done, Stop> {
    let platform = call.query.boolean("platform");
    call.query.finish()?;
    let owners = owners(call, platform)?;
    let unknown = || Rejection::new(ErrorCode::NotFound, "Audit entry not found");
    let wanted = call.captures.first().to_owned();
    let at = id::entry_made_at(&wanted).ok_or_else(unknown)?;
    let after = Timestamp::from_micros(at.as_micros().saturating_add(1_000));
    let mut filter = Filter { from: Some(at), to: Some(after), ..Filter::default() };
    input::retained(call, &call.target.owner, &mut filter);
    call.app.engine.audit_barrier().await?;
    let mut after = None;
    loop {
        let query = Query {
            owners: &owners,
            filter: &filter,
            after,
            after_position: Default::default(),
            order: Order::OldestFirst,
            limit: PAGE,
        };
        let page = call.app.engine.audit().page(&query).await.map_err(scaivault_commands::Failure::from)?;
        if let Some(entry) = page.entries.iter().find(|entry| entry.id().as_deref() == Some(&wanted)) {
            return Ok(Done::json(&RawValue::from_string(entry.shown())?)?);
        }
        after = page.entries.last().filter(|_| page.has_more).map(|last| last.place);
        if after.is_none() {
            return Err(unknown().into());
        }
    }
}
