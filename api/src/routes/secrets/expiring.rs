//! `GET /v1/secrets/expiring`: secrets whose end is near, soonest first.

use scaivault_domain::audit::Action;
use scaivault_domain::secret::settle::days_remaining;
use scaivault_domain::{ErrorCode, Scope, SecretPath, Timestamp};
use serde::Serialize;

use super::list::{CURSOR, LIMIT};
use super::secret_operation;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Parameter, Shape};
use crate::response::Done;

secret_operation!(EXPIRING, GET, "/expiring", "list_expiring_secrets", {
    summary: "Lists secrets that expire within some days, soonest first.",
    access: Access::Scopes(&[Scope::SecretsList]),
    category: Category::SecretsList,
    action: Some(Action::List),
    idempotent: false,
    query: &[
        Parameter { name: "days", shape: Shape::Integer(1, 3_650), meaning: "From now on, 30 if absent." },
        Parameter { name: "prefix", shape: Shape::Text, meaning: "Plain text that paths start with." },
        LIMIT,
        CURSOR,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("ExpiringSecrets"))],
    errors: &[ErrorCode::InvalidPath, ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
});

#[derive(Serialize)]
struct Page {
    secrets: Vec<Row>,
    cursor: Option<String>,
    has_more: bool,
}

#[derive(Serialize)]
struct Row {
    path: SecretPath,
    expires_at: Timestamp,
    days_remaining: i64,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let days = call.query.integer("days", (1, 3_650)).unwrap_or(30);
    let prefix = call.query.text("prefix").unwrap_or_default().to_owned();
    if let Err(rejection) = SecretPath::check_prefix(&prefix) {
        call.query.faults.special(rejection);
    }
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    let filters = call.query.filters();
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: &filters };
    let key = call.query.text("cursor").map(|cursor| binding.key(&call.app.engine, cursor)).transpose()?;
    let after = key.as_deref().and_then(|key| key.split_once('/'));
    let after = after.and_then(|(micros, path)| Some((Timestamp::from_micros(micros.parse().ok()?), path)));
    let now = call.now();
    let view = call.app.engine.projections().view();
    let catalogue = view.secrets(&call.target.owner);
    let page = catalogue.expiring(&prefix, now, now.plus_seconds(days * 86_400), after, limit, |path| call.sees(path));
    let last = page.rows.last().filter(|_| page.has_more);
    let cursor =
        last.map(|(end, path)| binding.cursor(&call.app.engine, &format!("{}/{path}", end.as_micros()))).transpose()?;
    let rows = page.rows.into_iter();
    let secrets = rows
        .map(|(expires_at, path)| Row { path, expires_at, days_remaining: days_remaining(expires_at, now) })
        .collect();
    Ok(Done::json(&Page { secrets, cursor, has_more: page.has_more })?)
}
