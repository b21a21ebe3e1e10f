//! `GET /v1/secrets/{path}/versions`: the versions of a secret, newest first.

use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::secret::{Secret, Version};
use scaivault_domain::{ErrorCode, IdentityId, Scope, SecretPath, Timestamp};
use serde::Serialize;

use super::{metadata, secret_operation};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Parameter, Shape};
use crate::response::Done;
use crate::routes::secrets::list::{CURSOR, LIMIT};

secret_operation!(VERSIONS, GET, "/{path}/versions", "list_secret_versions", {
    summary: "Lists the versions of a secret, newest first.",
    access: Access::Scopes(&[Scope::SecretsList]),
    category: Category::SecretsList,
    action: Some(Action::List),
    idempotent: false,
    query: &[
        Parameter { name: "include_destroyed", shape: Shape::Boolean, meaning: "Also versions whose value is gone for good." },
        LIMIT,
        CURSOR,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("SecretVersions"))],
    errors: &[ErrorCode::InvalidPath, ErrorCode::SecretNotFound, ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
});

#[derive(Serialize)]
struct Page<'a> {
    path: &'a SecretPath,
    versions: Vec<Row<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

#[derive(Serialize)]
struct Row<'a> {
    version: u32,
    created_at: Timestamp,
    created_by: &'a IdentityId,
    is_current: bool,
    state: &'static str,
    grace_ends_at: Option<Timestamp>,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let path = call.secret(Permission::List)?;
    let with_destroyed = call.query.boolean("include_destroyed");
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    let filters = format!("{path}\u{1d}{}", call.query.filters());
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(&call.app.engine, cursor)).transpose()?;
    let below = after.and_then(|key| key.parse().ok()).unwrap_or(u32::MAX);
    let secret = metadata::live(call, &path)?;
    let mut rows: Vec<Row<'_>> = secret
        .versions
        .iter()
        .rev()
        .filter(|version| version.number < below && (with_destroyed || version.has_value()))
        .take(limit + 1)
        .map(|version| row(&secret, version, call.now()))
        .collect();
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|row| row.version.to_string());
    let cursor = last.map(|key| binding.cursor(&call.app.engine, &key)).transpose()?;
    Ok(Done::json(&Page { path: &path, versions: rows, cursor, has_more })?)
}

fn row<'a>(secret: &Secret, version: &'a Version, now: Timestamp) -> Row<'a> {
    let current = secret.current_number();
    Row {
        version: version.number,
        created_at: version.created_at,
        created_by: &version.created_by,
        is_current: current == Some(version.number),
        state: version.state_name(current, now),
        grace_ends_at: version.grace_ends_at,
    }
}
