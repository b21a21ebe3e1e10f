//! `GET /v1/audit/logs/{id}`: one entry.

use axum::http::Method;
use scaivault_commands::Failure;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Owner, Rejection, Scope, Timestamp, id};
use scaivault_projections::audit::{Filter, FoundEntry, Order, Position, Query};
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
    let wanted = call.captures.first().to_owned();
    let entry = find(call, platform, &wanted).await?.ok_or_else(unknown)?;
    Ok(Done::json(&RawValue::from_string(entry.shown())?)?)
}

/// `not_found` of an entry.
pub(super) fn unknown() -> Rejection {
    Rejection::new(ErrorCode::NotFound, "Audit entry not found")
}

/// The entry of an id, among all that the caller may list.
pub(super) async fn find(call: &mut Call, platform: bool, id: &str) -> Result<Option<FoundEntry>, Stop> {
    let owners = owners(call, platform)?;
    call.app.engine.audit_barrier().await?;
    let found = among(call, &owners, Filter::default(), id).await?;
    if found.is_some() || platform {
        return Ok(found);
    }
    let mut filter = Filter::default();
    match input::partners(call, &mut filter) {
        Some(partner) => among(call, &[partner], filter, id).await,
        None => Ok(None),
    }
}

/// Looks through the millisecond that the id tells.
async fn among(call: &Call, owners: &[Owner], mut filter: Filter, id: &str) -> Result<Option<FoundEntry>, Stop> {
    let Some(at) = id::entry_made_at(id) else { return Ok(None) };
    filter.from = Some(at);
    filter.to = Some(Timestamp::from_micros(at.as_micros().saturating_add(1_000)));
    input::retained(call, owners, &mut filter);
    let mut after = None;
    loop {
        let query = Query {
            owners,
            filter: &filter,
            after,
            after_position: Position::START,
            order: Order::OldestFirst,
            limit: PAGE,
        };
        let page = call.app.engine.audit().page(&query).await.map_err(Failure::from)?;
        after = page.entries.last().filter(|_| page.has_more).map(|last| last.place);
        let found = page.entries.into_iter().find(|entry| entry.id().as_deref() == Some(id));
        if found.is_some() || after.is_none() {
            return Ok(found);
        }
    }
}
