//! `POST /v1/audit/verify`: whether the stored records are what was recorded.

use std::time::{Duration, Instant};

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scaivault_domain::audit::Action;
use scaivault_domain::{Role, Scope};
use serde::Serialize;

use crate::call::{Call, Stop};
use crate::category::Category;
use crate::fields::{Faults, not_null};
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// Records looked at in one request.
const MOST: i64 = 1_000_000;
/// Kept back of the time of a request, for its answer.
const MARGIN: Duration = Duration::from_secs(2);

/// The operation.
pub static VERIFY: Operation = Operation {
    method: Method::POST,
    path: "/v1/audit/verify",
    id: "verify_audit",
    summary: "Reads the stored records anew and checks digests, seals, entries, leaves, tree and kept checkpoints.",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::Installation,
    category: Category::AuditQuery,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::Json("VerifyAudit"),
    answers: &[(200, Some("AuditVerified"))],
    errors: &[],
    handler: |call| Box::pin(verify(call)),
};

#[derive(Serialize)]
struct Shown {
    ok: bool,
    from_position: u64,
    to_position: u64,
    complete: bool,
    tree_size: u64,
    root_hash: String,
    first_bad_position: Option<u64>,
    reason: Option<&'static str>,
    duration_ms: u64,
}

async fn verify(call: &mut Call) -> Result<Done, Stop> {
    call.require_role(Role::SuperAdmin)?;
    let mut faults = Faults::default();
    let mut fields = call.fields();
    let from = fields.integer("from_position", (1, i64::MAX), &mut faults);
    let from = not_null(from, "from_position", &mut faults).unwrap_or(1);
    let limit = fields.integer("limit", (1, MOST), &mut faults);
    let limit = not_null(limit, "limit", &mut faults).unwrap_or(MOST);
    fields.finish(&mut faults);
    faults.finish()?;
    call.query.finish()?;
    let started = Instant::now();
    let (from, limit) = (from.unsigned_abs(), limit.unsigned_abs());
    // What is left is asked for by the next request.
    let patience = call.app.settings.request_timeout;
    let patience = patience.saturating_sub(MARGIN).max(patience / 2);
    let found = call.app.tree.inspect(from, limit, patience).await?;
    Ok(Done::json(&Shown {
        ok: found.bad.is_none(),
        from_position: from,
        to_position: found.to,
        complete: found.to >= found.tree_size,
        tree_size: found.tree_size,
        root_hash: STANDARD.encode(found.root),
        first_bad_position: found.bad.map(|(position, _)| position),
        reason: found.bad.map(|(_, reason)| reason),
        duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    })?)
}
