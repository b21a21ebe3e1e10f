//! `GET /v1/audit/proof/inclusion`: that a record is in the tree.

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};
use serde::Serialize;

use super::{LeafShown, PLATFORM, asker, entry, given, hashes, number};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;

/// The operation.
pub static INCLUSION: Operation = Operation {
    method: Method::GET,
    path: "/v1/audit/proof/inclusion",
    id: "prove_audit_inclusion",
    summary: "Proves that a record is in the tree (RFC 9162 §2.1.3).",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::TenantIfAny,
    category: Category::AuditQuery,
    action: Some(Action::Read),
    idempotent: false,
    query: &[
        number("position", "The record; this or entry_id."),
        Parameter { name: "entry_id", shape: Shape::Text, meaning: "An audit entry, which is proved in its record." },
        number("size", "Size of the tree; default the current one."),
        PLATFORM,
    ],
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
    entry: Option<EntryShown>,
}

#[derive(Serialize)]
struct EntryShown {
    id: String,
    index: u32,
    count: u32,
    salt: String,
    hashes: Vec<String>,
}

async fn inclusion(call: &mut Call) -> Result<Done, Stop> {
    let id = call.query.text("entry_id").map(str::to_owned);
    let position = given(call, "position");
    if id.is_some() == call.query.text("position").is_some() {
        call.query.faults.field("query.position", "give either position or entry_id");
    }
    let size = given(call, "size");
    call.query.boolean("platform");
    call.query.finish()?;
    let (position, entry) = match &id {
        Some(id) => proved(call, id).await?,
        None => (position.unwrap_or_default(), None),
    };
    let own = call.target.owner.clone();
    let proof = call.app.tree.inclusion(position, size, asker(call, &own)).await?;
    Ok(Done::json(&Shown {
        leaf: LeafShown::from(&proof.leaf),
        leaf_index: position.saturating_sub(1),
        tree_size: proof.tree_size,
        hashes: hashes(&proof.hashes),
        root_hash: STANDARD.encode(proof.root),
        entry,
    })?)
}

/// Where an entry is, and what proves it there.
async fn proved(call: &mut Call, id: &str) -> Result<(u64, Option<EntryShown>), Stop> {
    let platform = call.query.boolean("platform");
    let found = entry::find(call, platform, id).await?.ok_or_else(entry::unknown)?;
    let proof = call.app.tree.entry(found.place).await?.ok_or_else(entry::unknown)?;
    let shown = EntryShown {
        id: id.to_owned(),
        index: proof.index,
        count: proof.count,
        salt: STANDARD.encode(proof.salt),
        hashes: hashes(&proof.hashes),
    };
    Ok((found.place.position.0, Some(shown)))
}
