//! `GET /v1/audit/leaves`: what the tree is made of.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};
use serde::Serialize;

use super::{LeafShown, asker, given, number};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;
use crate::routes::secrets::list::CURSOR;

const DEFAULT_LIMIT: usize = 1_000;
const MOST: usize = 10_000;

/// The operation.
pub static LEAVES: Operation = Operation {
    method: Method::GET,
    path: "/v1/audit/leaves",
    id: "list_audit_leaves",
    summary: "Lists the leaves of the tree, from which its root can be rebuilt.",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::TenantIfAny,
    category: Category::AuditQuery,
    action: Some(Action::List),
    idempotent: false,
    query: &[
        number("from_position", "The first leaf; default 1."),
        Parameter { name: "limit", shape: Shape::Integer(1, MOST as i64), meaning: "Leaves per page; default 1000." },
        CURSOR,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("AuditLeaves"))],
    errors: &[ErrorCode::InvalidCursor],
    handler: |call| Box::pin(leaves(call)),
};

#[derive(Serialize)]
struct Page {
    leaves: Vec<LeafShown>,
    cursor: Option<String>,
    has_more: bool,
}

async fn leaves(call: &mut Call) -> Result<Done, Stop> {
    let from = given(call, "from_position").unwrap_or(1);
    let limit = call.query.limit(DEFAULT_LIMIT, MOST);
    call.query.finish()?;
    let own = call.target.owner.clone();
    let filters = call.query.filters();
    let cursors = Binding { operation: call.operation.id, owner: &own, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| cursors.key(&call.app.engine, cursor)).transpose()?;
    let next = after.and_then(|key| key.parse::<u64>().ok()).map_or(from, |last| last.saturating_add(1));
    let found = call.app.tree.leaves(next, limit as u64, asker(call, &own)).await?;
    let cursor = found.next_after.map(|last| last.to_string());
    let cursor = cursor.map(|key| cursors.cursor(&call.app.engine, &key)).transpose()?;
    let leaves: Vec<LeafShown> = found.rows.iter().map(LeafShown::from).collect();
    let size = leaves.len() * 600;
    Ok(Done::Reply(Reply::json_sized(200, &Page { leaves, cursor, has_more: found.next_after.is_some() }, size)?))
}
