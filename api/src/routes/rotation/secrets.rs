//! `GET /v1/rotation/policies/{id}/secrets`: the secrets attached to a rotation policy, by path.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};
use scaivault_projections::rotations::Lines;
use serde::Serialize;

use super::policy;
use super::view::{AssignmentView, standing};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;
use crate::routes::secrets::list::{CURSOR, LIMIT};

/// The operation.
pub static SECRETS: Operation = Operation {
    method: Method::GET,
    path: "/v1/rotation/policies/{id}/secrets",
    id: "list_rotation_policy_secrets",
    summary: "Lists the secrets attached to a rotation policy, by path.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::List),
    idempotent: false,
    query: &[
        Parameter {
            name: "status",
            shape: Shape::Choice(&["scheduled", "warning", "due", "overdue", "failed", "paused"]),
            meaning: "Only those that stand so.",
        },
        LIMIT,
        CURSOR,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("RotationAssignmentList"))],
    errors: &[ErrorCode::RotationPolicyNotFound, ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
};

#[derive(Serialize)]
struct Page<'a> {
    secrets: Vec<AssignmentView<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let now = call.now();
    let status = call.query.choice("status");
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    let engine = call.app.engine.clone();
    let view = engine.projections().view();
    let policy = policy(call, &view)?;
    let filters = format!("{}\u{1d}{}", policy.uid, call.query.filters());
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(&engine, cursor)).transpose()?;
    let (set, catalogue) = (view.rotations.of(&call.target.owner), view.secrets(&call.target.owner));
    let paths = set.lines(&policy).into_iter().flat_map(|lines: &Lines| lines.paths_after(after.as_deref()));
    let held = paths.filter_map(|path| catalogue.held(path.as_str()));
    let fits = held.filter(|held| {
        let is_so = |wanted: &str| {
            standing(set, catalogue, &held.secret, now).is_some_and(|(status, _)| status.as_str() == wanted)
        };
        status.as_deref().is_none_or(is_so)
    });
    let mut rows: Vec<_> = fits.take(limit + 1).collect();
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|held| held.secret.path.as_str());
    let cursor = last.map(|key| binding.cursor(&engine, key)).transpose()?;
    let secrets = rows.iter().filter_map(|held| AssignmentView::new(set, catalogue, &held.secret, now)).collect();
    Ok(Done::json(&Page { secrets, cursor, has_more })?)
}
