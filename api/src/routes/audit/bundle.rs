//! `GET /v1/audit/bundle`: entries with everything that proves them, to be verified without this server.

use std::collections::BTreeMap;

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scaivault_commands::audit_tree::{Bundle, BundledRecord, EntryProof};
use scaivault_commands::{Failure, Reply};
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Owner, Rejection, Scope, Timestamp};
use scaivault_projections::audit::{FoundEntry, Order, Place as EntryPlace, Position, Query};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{ACTION, FROM, PLATFORM, TO, entry, hashes, input, owners};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;

/// Names the form.
const FORMAT: &str = "scaivault-audit-bundle/1";
/// Most entries of a bundle.
const MOST: usize = 10_000;

/// The operation.
pub static BUNDLE: Operation = Operation {
    method: Method::GET,
    path: "/v1/audit/bundle",
    id: "make_audit_bundle",
    summary: "Makes a self-contained proof of single entries, to be verified without this server.",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::TenantIfAny,
    category: Category::AuditQuery,
    action: Some(Action::Read),
    idempotent: false,
    query: &[
        Parameter { name: "entry_id", shape: Shape::Text, meaning: "One entry; this, or from and to." },
        FROM,
        TO,
        ACTION,
        Parameter { name: "identity_id", shape: Shape::Text, meaning: "Who." },
        Parameter { name: "path_prefix", shape: Shape::Text, meaning: "How the path of the secret begins, literally." },
        PLATFORM,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("AuditBundle"))],
    errors: &[ErrorCode::NotFound],
    handler: |call| Box::pin(make(call)),
};

#[derive(Serialize)]
struct Shown<'a> {
    format: &'static str,
    created_at: Timestamp,
    origin: &'a str,
    verifier_key: String,
    previous_keys: Vec<String>,
    checkpoint: &'a str,
    tree_size: u64,
    query: BTreeMap<&'static str, String>,
    records: Vec<RecordShown>,
}

#[derive(Serialize)]
struct RecordShown {
    position: u64,
    leaf_data: String,
    hashes: Vec<String>,
    entry_count: u32,
    entries: Vec<EntryShown>,
}

#[derive(Serialize)]
struct EntryShown {
    index: u32,
    salt: String,
    hashes: Vec<String>,
    entry: Box<RawValue>,
}

async fn make(call: &mut Call) -> Result<Done, Stop> {
    let platform = call.query.boolean("platform");
    let filter = input::filter(call)?;
    let names = ["entry_id", "from", "to", "action", "identity_id", "path_prefix", "platform"];
    let query: BTreeMap<_, _> =
        names.into_iter().filter_map(|name| Some((name, call.query.text(name)?.to_owned()))).collect();
    let by_time = ["from", "to"].map(|name| query.contains_key(name));
    let has_more = ["action", "identity_id", "path_prefix"].iter().any(|name| query.contains_key(name));
    let is_sound = match query.contains_key("entry_id") {
        true => by_time == [false, false] && !has_more,
        false => by_time == [true, true],
    };
    if !is_sound {
        call.query.faults.field("query.entry_id", "give either entry_id, or from and to");
    }
    call.query.finish()?;
    let found = match query.get("entry_id") {
        Some(id) => vec![entry::find(call, platform, id).await?.ok_or_else(entry::unknown)?],
        None => {
            let owners = owners(call, platform)?;
            all(call, &owners, filter).await?
        }
    };
    let places: Vec<EntryPlace> = found.iter().map(|entry| entry.place).collect();
    let bundle = call.app.tree.bundle(&places).await?;
    shown(call, &bundle, query)
}

/// Everything that a filter lets through.
async fn all(
    call: &Call,
    owners: &[Owner],
    mut filter: scaivault_projections::audit::Filter,
) -> Result<Vec<FoundEntry>, Stop> {
    input::retained(call, owners, &mut filter);
    call.app.engine.audit_barrier().await?;
    let query = Query {
        owners,
        filter: &filter,
        after: None,
        after_position: Position::START,
        order: Order::OldestFirst,
        limit: MOST,
    };
    let page = call.app.engine.audit().page(&query).await.map_err(Failure::from)?;
    match page.has_more {
        true => {
            Err(Rejection::field("query.from", format!("selects more than {MOST} entries; take a shorter time")).into())
        }
        false => Ok(page.entries),
    }
}

fn shown(call: &Call, bundle: &Bundle, query: BTreeMap<&'static str, String>) -> Result<Done, Stop> {
    let checkpoint = &bundle.signed.checkpoint;
    let body = Shown {
        format: FORMAT,
        created_at: call.now(),
        origin: &checkpoint.origin,
        verifier_key: call.app.tree.verifier().to_string(),
        previous_keys: call.app.tree.previous().iter().map(ToString::to_string).collect(),
        checkpoint: &bundle.signed.note,
        tree_size: checkpoint.tree_size,
        query,
        records: bundle.records.iter().map(record).collect::<Result<_, _>>()?,
    };
    let name = format!("audit-bundle-{}.json", checkpoint.tree_size);
    Ok(Done::Attachment { name, reply: Reply::json(200, &body)? })
}

fn record(record: &BundledRecord) -> Result<RecordShown, serde_json::Error> {
    let entry = |proof: &EntryProof| {
        Ok::<_, serde_json::Error>(EntryShown {
            index: proof.index,
            salt: STANDARD.encode(proof.salt),
            hashes: hashes(&proof.hashes),
            entry: RawValue::from_string(scaivault_projections::audit::with_position(&proof.json, record.position))?,
        })
    };
    Ok(RecordShown {
        position: record.position,
        leaf_data: STANDARD.encode(&record.leaf_data),
        hashes: hashes(&record.hashes),
        entry_count: record.entries.first().map_or(0, |proof| proof.count),
        entries: record.entries.iter().map(entry).collect::<Result<_, _>>()?,
    })
}
