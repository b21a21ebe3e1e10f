//! `GET /v1/audit/proof/inclusion`: that a record is in the tree.

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};
use serde::Serialize;
use serde_json::Value;

use super::{LeafShown, asker, given, hashes, number, required};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static INCLUSION: Operation = Operation {
    method: Method::GET,
    path: "/v1/audit/proof/inclusion",
    id: "prove_audit_inclusion",
    summary: "Proves that a record is in the tree (RFC 9162 §2.1.3).",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::Installation,
    category: Category::AuditQuery,
    action: Some(Action::Read),
    idempotent: false,
    query: &[number("position", "The record."), number("size", "Size of the tree; default the current one.")],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("AuditInclusion"))],
    errors: &[ErrorCode::NotFound],
    handler: |call| Box::pin(inclusion(call)),
};

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    leaf: LeafShown,
    leaf_index: u64,
    tree_size: u64,
    hashes: Vec<String>,
    root_hash: String,
    entry: Value,
}

async fn inclusion(call: &mut Call) -> Result<Done, Stop> {
    let position = required(call, "position");
    let size = given(call, "size");
    call.query.finish()?;
    let own = call.target.owner.clone();
    let proof = call.app.tree.inclusion(position, size, asker(call, &own)).await?;
    Ok(Done::json(&Shown {
        leaf: LeafShown::from(&proof.leaf),
        leaf_index: position.saturating_sub(1),
        tree_size: proof.tree_size,
        hashes: hashes(&proof.hashes),
        root_hash: STANDARD.encode(proof.root),
        entry: Value::Null,
    })?)
}
