//! `GET /v1/rotation/policies/{id}/history`: what became of the rotations under a policy, newest first.

use axum::http::Method;
use scaivault_commands::Failure;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope, SecretPath, Timestamp};
use scaivault_projections::rotations::{Lines, Outcome, item};
use serde::{Deserialize, Serialize};

use super::item::ItemView;
use super::policy;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;
use crate::routes::secrets::list::{CURSOR, LIMIT};

/// The operation.
pub static HISTORY: Operation = Operation {
    method: Method::GET,
    path: "/v1/rotation/policies/{id}/history",
    id: "list_rotation_history",
    summary: "Lists what became of the rotations under a policy, newest first.",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::List),
    idempotent: false,
    query: &[
        Parameter {
            name: "status",
            shape: Shape::Choice(&["success", "failed", "pending"]),
            meaning: "Only those that came out so.",
        },
        Parameter { name: "secret_path", shape: Shape::Text, meaning: "Only of that secret." },
        Parameter { name: "from", shape: Shape::Timestamp, meaning: "Only those from then on." },
        Parameter { name: "to", shape: Shape::Timestamp, meaning: "Only those before." },
        LIMIT,
        CURSOR,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("RotationHistory"))],
    errors: &[ErrorCode::RotationPolicyNotFound, ErrorCode::InvalidPath, ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
};

#[derive(Serialize)]
struct Page {
    history: Vec<ItemView>,
    cursor: Option<String>,
    has_more: bool,
}

/// Where a row stands: what waits first, each newest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Stand {
    /// Since when it waits, and which.
    Waiting(i64, String),
    /// Position of its record.
    Ended(u64),
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let status = call.query.choice("status");
    let path = call.query.text("secret_path").map(SecretPath::parse).transpose()?;
    let (from, to) = (call.query.timestamp("from"), call.query.timestamp("to"));
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        call.query.faults.field("query.from", "must not be later than query.to");
    }
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    let engine = call.app.engine.clone();
    let owner = call.target.owner.clone();
    let view = engine.projections().view();
    let policy = policy(call, &view)?;
    let filters = format!("{}\u{1d}{}", policy.uid, call.query.filters());
    let binding = Binding { operation: call.operation.id, owner: &owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(&engine, cursor)).transpose()?;
    let after: Option<Stand> = after.map(|key| serde_json::from_str(&key)).transpose()?;
    let (set, catalogue) = (view.rotations.of(&owner), view.secrets(&owner));
    let wants = |word: &str| status.as_deref().is_none_or(|status| status == word);
    let is_within = |at: Timestamp| from.is_none_or(|from| from <= at) && to.is_none_or(|to| at < to);
    let is_of = |other: &SecretPath| path.as_ref().is_none_or(|path| path == other);
    let auto = policy.content.auto_generate;
    let waiting = set.lines(&policy).into_iter().flat_map(Lines::waiting).filter_map(|(since, path)| {
        let key = Stand::Waiting(since.as_micros(), path.to_string());
        // Newest first, and of one moment by path from the end.
        let is_new = match &after {
            None => true,
            Some(after @ Stand::Waiting(..)) => key < *after,
            Some(Stand::Ended(_)) => false,
        };
        let secret = &catalogue.held(path.as_str())?.secret;
        (is_new && wants("pending") && is_within(since) && is_of(path))
            .then(|| (key, ItemView::waiting(policy.id.as_str(), secret, auto, since)))
    });
    let mut rows: Vec<(Stand, ItemView)> = waiting.take(limit + 1).collect();
    let before = match &after {
        Some(Stand::Ended(position)) => *position,
        Some(Stand::Waiting(..)) | None => u64::MAX,
    };
    let ended = set.history_before(&policy, before).filter(|row| {
        let status = if row.outcome == Outcome::Success { "success" } else { "failed" };
        wants(status) && is_within(row.at) && is_of(&row.path)
    });
    let ended: Vec<_> = ended.take((limit + 1).saturating_sub(rows.len())).cloned().collect();
    for row in ended {
        if let Some(item) = item::item(engine.past().history(), row.position).await.map_err(Failure::from)? {
            rows.push((Stand::Ended(row.position), ItemView::of(item)));
        }
    }
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|(place, _)| serde_json::to_string(place)).transpose()?;
    let cursor = last.map(|key| binding.cursor(&engine, &key)).transpose()?;
    let history = rows.into_iter().map(|(_, row)| row).collect();
    Ok(Done::json(&Page { history, cursor, has_more })?)
}
