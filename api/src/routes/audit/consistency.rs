//! `GET /v1/audit/proof/consistency`: that the tree only ever grew.

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scaivault_domain::Scope;
use scaivault_domain::audit::Action;
use serde::Serialize;

use super::{given, hashes, number, required};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static CONSISTENCY: Operation = Operation {
    method: Method::GET,
    path: "/v1/audit/proof/consistency",
    id: "prove_audit_consistency",
    summary: "Proves that a tree begins with an earlier one (RFC 9162 §2.1.4).",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::TenantIfAny,
    category: Category::AuditQuery,
    action: Some(Action::Read),
    idempotent: false,
    query: &[
        number("from", "Size of the earlier tree."),
        number("to", "Size of the later tree; default the current one."),
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("AuditConsistency"))],
    errors: &[],
    handler: |call| Box::pin(consistency(call)),
};

#[derive(Serialize)]
struct Shown {
    from: u64,
    to: u64,
    from_root: String,
    to_root: String,
    hashes: Vec<String>,
}

async fn consistency(call: &mut Call) -> Result<Done, Stop> {
    let from = required(call, "from");
    let to = given(call, "to");
    call.query.finish()?;
    let proof = call.app.tree.consistency(from, to).await?;
    Ok(Done::json(&Shown {
        from: proof.from,
        to: proof.to,
        from_root: STANDARD.encode(proof.from_root),
        to_root: STANDARD.encode(proof.to_root),
        hashes: hashes(&proof.hashes),
    })?)
}
