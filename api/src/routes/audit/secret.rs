//! `GET /v1/audit/secrets/{path}`: the trail of one path.

use std::sync::Arc;

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope, SecretPath, Timestamp};
use scaivault_projections::audit::{Filter, PathFilter};
use serde::Serialize;

use super::page::{Asked, Logs};
use super::{ACTION, FROM, LIMIT, SECRET_SCOPE, TO, input, owners, page};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;
use crate::routes::secrets::list::CURSOR;

/// The period of the summary.
pub(super) const PERIOD_DAYS: u32 = 30;
/// The same in seconds.
pub(super) const PERIOD_SECONDS: i64 = 30 * 86_400;

/// The operation.
pub static SECRET: Operation = Operation {
    method: Method::GET,
    path: "/v1/audit/secrets/{path}",
    id: "read_secret_trail",
    summary: "Shows who did what to a secret, with counts over the last 30 days.",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::Tenant,
    category: Category::AuditQuery,
    action: Some(Action::List),
    idempotent: false,
    query: &[FROM, TO, ACTION, SECRET_SCOPE, LIMIT, CURSOR],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("SecretTrail"))],
    errors: &[ErrorCode::InvalidPath, ErrorCode::InvalidCursor],
    handler: |call| Box::pin(show(call)),
};

#[derive(Serialize)]
struct Trail<'a> {
    path: &'a SecretPath,
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
    unique_identities: usize,
    last_access: Option<Timestamp>,
}

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.entry.resource = Some("audit/secrets".into());
    let path = SecretPath::parse(call.captures.first())?;
    let asked = Asked::of(call, path.as_str());
    let exact = Some(PathFilter::Exact(Arc::from(path.as_str())));
    let mut filter = Filter { path: exact.clone(), ..input::filter(call)? };
    call.query.choice("secret_scope");
    call.query.finish()?;
    let mut owners = owners(call, false)?;
    input::scoped(call, &mut owners, &mut filter)?;
    input::retained(call, &owners, &mut filter);
    let logs = page::read(call, &owners, &filter, &asked).await?;
    let Filter { acting_tenant, partner_secrets, .. } = filter;
    let now = call.now();
    let (from, to) = (Some(now.plus_seconds(-PERIOD_SECONDS)), Some(now));
    let lately = Filter { from, to, path: exact, acting_tenant, partner_secrets, ..Filter::default() };
    let counts = page::counted(call, &owners, &lately).await?;
    let summary = Summary {
        period_days: PERIOD_DAYS,
        reads: counts.reads,
        writes: counts.writes,
        rotations: counts.rotations,
        denied: counts.denied,
        unique_identities: counts.identities,
        last_access: counts.last_read,
    };
    Ok(Done::json(&Trail { path: &path, summary, logs })?)
}
