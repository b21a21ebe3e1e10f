//! `GET /v1/audit/summary`: counts over a period.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{Scope, Timestamp};
use serde::Serialize;

use super::secret::PERIOD_SECONDS;
use super::{FROM, PLATFORM, TO, input, owners};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// Longest period, in seconds.
const MAX_SECONDS: i64 = 366 * 86_400;

/// The operation.
pub static SUMMARY: Operation = Operation {
    method: Method::GET,
    path: "/v1/audit/summary",
    id: "summarise_audit",
    summary: "Counts entries of a period by action, day, identity and secret.",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::TenantIfAny,
    category: Category::AuditQuery,
    action: Some(Action::Read),
    idempotent: false,
    query: &[FROM, TO, PLATFORM],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("AuditSummary"))],
    errors: &[],
    handler: |call| Box::pin(show(call)),
};

#[derive(Serialize)]
struct Summary<'a> {
    from: Timestamp,
    to: Timestamp,
    total_events: u64,
    successful_events: u64,
    failed_events: u64,
    unique_identities: usize,
    unique_secrets: usize,
    by_action: &'a BTreeMap<Arc<str>, u64>,
    by_day: Vec<Day>,
    top_identities: Vec<TopIdentity<'a>>,
    top_secrets: Vec<TopSecret<'a>>,
}

#[derive(Serialize)]
struct Day {
    date: String,
    count: u64,
}

#[derive(Serialize)]
struct TopIdentity<'a> {
    identity_id: &'a str,
    count: u64,
}

#[derive(Serialize)]
struct TopSecret<'a> {
    path: &'a str,
    count: u64,
}

async fn show(call: &mut Call) -> Result<Done, Stop> {
    let platform = call.query.boolean("platform");
    let (from, to) = input::period(call);
    let to = to.unwrap_or_else(|| call.now());
    let from = from.unwrap_or_else(|| to.plus_seconds(-PERIOD_SECONDS));
    if from.plus_seconds(MAX_SECONDS) < to {
        call.query.faults.field("query.from", "must be at most 366 days before query.to");
    } else if from > to {
        call.query.faults.field("query.from", "must not be later than query.to");
    }
    call.query.finish()?;
    let owners = owners(call, platform)?;
    let retained = input::oldest(call, &owners).max(from);
    call.app.engine.audit_barrier().await?;
    let counted = call.app.engine.audit().summary(&owners, (from, to), retained).await;
    let counted = counted.map_err(scaivault_commands::Failure::from)?;
    let summary = Summary {
        from,
        to,
        total_events: counted.total,
        successful_events: counted.successful,
        failed_events: counted.total - counted.successful,
        unique_identities: counted.identities,
        unique_secrets: counted.secrets,
        by_action: &counted.by_action,
        by_day: counted.by_day.iter().map(|(at, count)| Day { date: date(*at), count: *count }).collect(),
        top_identities: counted
            .top_identities
            .iter()
            .map(|(identity_id, count)| TopIdentity { identity_id, count: *count })
            .collect(),
        top_secrets: counted.top_secrets.iter().map(|(path, count)| TopSecret { path, count: *count }).collect(),
    };
    Ok(Done::json(&summary)?)
}

/// The date of a midnight.
fn date(at: Timestamp) -> String {
    at.text().as_str().chars().take("2026-04-23".len()).collect()
}
