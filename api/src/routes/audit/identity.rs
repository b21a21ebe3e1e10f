//! `GET /v1/audit/identities/{identity_id}`: the trail of one identity.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope, Timestamp};
use scaivault_projections::audit::Filter;
use serde::Serialize;

use super::page::{Asked, Logs};
use super::secret::{PERIOD_DAYS, PERIOD_SECONDS};
use super::{ACTION, FROM, LIMIT, TO, input, owners, page};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;
use crate::routes::secrets::list::CURSOR;

/// The operation.
pub static IDENTITY: Operation = Operation {
    method: Method::GET,
    path: "/v1/audit/identities/{identity_id}",
    id: "read_identity_trail",
    summary: "Shows what an identity did, with counts over the last 30 days.",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::Tenant,
    category: Category::AuditQuery,
    action: Some(Action::List),
    idempotent: false,
    query: &[FROM, TO, ACTION, LIMIT, CURSOR],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("IdentityTrail"))],
    errors: &[ErrorCode::InvalidCursor],
    handler: |call| Box::pin(show(call)),
};

#[derive(Serialize)]
struct Trail<'a> {
    identity_id: &'a str,
    summary: Summary,
    #[serde(flatten)]
    logs: Logs,
}

#[derive(Serialize)]
struct Summary {
    period_days: u32,
    reads: u64,
    writes: u64,
    rotations: u64,
    denied: u64,
    secrets_touched: usize,
    last_access: Option<Timestamp>,
}

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.entry.resource = Some("audit/identities".into());
    let identity = input::known_as(call, call.captures.first());
    let asked = Asked::of(call, &identity);
    let mut filter = Filter { identity: Some(identity.clone()), ..input::filter(call)? };
    call.query.finish()?;
    let owners = owners(call, false)?;
    input::retained(call, &owners, &mut filter);
    let logs = page::read(call, &owners, &filter, &asked).await?;
    let now = call.now();
    let (from, to) = (Some(now.plus_seconds(-PERIOD_SECONDS)), Some(now));
    let lately = Filter { from, to, identity: Some(identity.clone()), ..Filter::default() };
    let counts = page::counted(call, &owners, &lately).await?;
    let summary = Summary {
        period_days: PERIOD_DAYS,
        reads: counts.reads,
        writes: counts.writes,
        rotations: counts.rotations,
        denied: counts.denied,
        secrets_touched: counts.secrets_touched,
        last_access: counts.last_entry,
    };
    Ok(Done::json(&Trail { identity_id: &identity, summary, logs })?)
}
