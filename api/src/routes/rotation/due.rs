//! `GET /v1/rotation/due`: the secrets that are due soon, or already.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::rotation::{RotationPolicy, RotationPolicyId, Status, decide};
use scaivault_domain::{ErrorCode, Scope, SecretPath, Timestamp};
use scaivault_projections::rotations::Lines;
use serde::Serialize;

use super::view::standing;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;
use crate::routes::secrets::list::{CURSOR, LIMIT};

const QUERY: &[Parameter] = &[
    Parameter {
        name: "within_hours",
        shape: Shape::Integer(1, 8_760),
        meaning: "Due within so many hours; 24 if absent.",
    },
    Parameter {
        name: "include_overdue",
        shape: Shape::Boolean,
        meaning: "Also those that are overdue; true if absent.",
    },
    Parameter { name: "policy_id", shape: Shape::Text, meaning: "Only under that rotation policy." },
    LIMIT,
    CURSOR,
];
const ERRORS: &[ErrorCode] = &[ErrorCode::RotationPolicyNotFound, ErrorCode::InvalidCursor];

/// The operation.
pub static DUE: Operation = Operation {
    method: Method::GET,
    path: "/v1/rotation/due",
    id: "list_due_rotations",
    summary: "Lists the secrets that are due for rotation soon, or already, by their due times.",
    access: Access::Scopes(&[Scope::SecretsRotate]),
    place: Place::Tenant,
    category: Category::SecretsList,
    action: Some(Action::List),
    idempotent: false,
    query: QUERY,
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("DueRotations"))],
    errors: ERRORS,
    handler: |call| Box::pin(list(call)),
};

/// The same under its former address.
pub static PENDING: Operation = Operation {
    method: Method::GET,
    path: "/v1/rotation/pending",
    id: "list_pending_rotations",
    summary: "The same as /v1/rotation/due. Deprecated.",
    access: Access::Scopes(&[Scope::SecretsRotate]),
    place: Place::Tenant,
    category: Category::SecretsList,
    action: Some(Action::List),
    idempotent: false,
    query: QUERY,
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("DueRotations"))],
    errors: ERRORS,
    handler: |call| Box::pin(list(call)),
};

#[derive(Serialize)]
struct Page<'a> {
    secrets: Vec<Row<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

#[derive(Serialize)]
struct Row<'a> {
    path: &'a SecretPath,
    rotation_policy_id: &'a str,
    rotation_policy_name: &'a str,
    due_at: Timestamp,
    status: &'static str,
    auto_generate: bool,
    last_rotated_at: Option<Timestamp>,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let now = call.now();
    let hours = call.query.integer("within_hours", (1, 8_760)).unwrap_or(24);
    let include_overdue = call.query.text("include_overdue").is_none() || call.query.boolean("include_overdue");
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    let engine = call.app.engine.clone();
    let owner = call.target.owner.clone();
    let view = engine.projections().view();
    let (set, catalogue) = (view.rotations.of(&owner), view.secrets(&owner));
    let only = match call.query.text("policy_id") {
        None => None,
        Some(text) => {
            let id = RotationPolicyId::parse(text).ok_or_else(decide::unknown)?;
            Some(set.get(&id).ok_or_else(decide::unknown)?.uid)
        }
    };
    let filters = call.query.filters();
    let binding = Binding { operation: call.operation.id, owner: &owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(&engine, cursor)).transpose()?;
    let after: Option<(i64, String)> = after.map(|key| serde_json::from_str(&key)).transpose()?;
    let until = now.plus_seconds(hours * 3_600);
    let policies = set.by_name(None).map(|(_, policy)| policy.as_ref());
    let policies = policies.filter(|policy| policy.is_active && only.is_none_or(|only| only == policy.uid));
    let mut rows: Vec<(Timestamp, &SecretPath, &RotationPolicy)> = Vec::new();
    for policy in policies {
        let lines = set.lines(policy).into_iter().flat_map(Lines::by_due);
        let lines = lines.take_while(|(due_at, _)| *due_at <= until);
        let fits = lines.filter(|(due_at, path)| {
            let is_after = after
                .as_ref()
                .is_none_or(|(micros, last)| (due_at.as_micros(), path.as_str()) > (*micros, last.as_str()));
            let is_wanted = || {
                let held = catalogue.held(path.as_str());
                let status =
                    held.and_then(|held| standing(set, catalogue, &held.secret, now)).map(|(status, _)| status);
                include_overdue || status != Some(Status::Overdue)
            };
            is_after && is_wanted() && call.sees(path)
        });
        rows.extend(fits.take(limit + 1).map(|(due_at, path)| (due_at, path, policy)));
    }
    rows.sort_by(|one, other| (one.0, one.1).cmp(&(other.0, other.1)));
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|(due_at, path, _)| (due_at.as_micros(), path.as_str()));
    let last = last.map(|key| serde_json::to_string(&key)).transpose()?;
    let cursor = last.map(|key| binding.cursor(&engine, &key)).transpose()?;
    let secrets = rows.into_iter().filter_map(|(due_at, path, policy)| {
        let secret = &catalogue.held(path.as_str())?.secret;
        let (status, _) = standing(set, catalogue, secret, now)?;
        Some(Row {
            path,
            rotation_policy_id: policy.id.as_str(),
            rotation_policy_name: &policy.content.name,
            due_at,
            status: status.as_str(),
            auto_generate: policy.content.auto_generate,
            last_rotated_at: secret.rotated_at,
        })
    });
    let page = Page { secrets: secrets.collect(), cursor, has_more };
    Ok(Done::json(&page)?)
}
