//! `GET /v1/secrets/{path}/consumers`: who reads a secret.

use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::secret::not_found;
use scaivault_domain::{ErrorCode, IdentityId, Scope, SecretPath, Timestamp};
use scaivault_projections::Consumer;
use scaivault_projections::accesses::PERIOD_SECONDS;
use serde::Serialize;

use super::list::{CURSOR, LIMIT};
use super::secret_operation;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Parameter, Place, Shape};
use crate::response::Done;

secret_operation!(CONSUMERS, GET, "/{path}/consumers", "list_secret_consumers", {
    summary: "Lists the identities that read values of a secret in a period, last reader first.",
    access: Access::Scopes(&[Scope::SecretsList, Scope::AuditRead]),
    category: Category::SecretsList,
    action: Some(Action::List),
    idempotent: false,
    query: &[
        Parameter { name: "version", shape: Shape::Integer(1, i64::MAX), meaning: "Only readers of that version." },
        Parameter { name: "from", shape: Shape::Timestamp, meaning: "Start of the period, 30 days ago if absent." },
        Parameter { name: "to", shape: Shape::Timestamp, meaning: "End of the period, now if absent." },
        LIMIT,
        CURSOR,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("SecretConsumers"))],
    errors: &[ErrorCode::InvalidPath, ErrorCode::SecretNotFound, ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
});

#[derive(Serialize)]
struct Page<'a> {
    path: &'a SecretPath,
    current_version: Option<u32>,
    from: Timestamp,
    to: Timestamp,
    consumers: Vec<Row<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

#[derive(Serialize)]
struct Row<'a> {
    identity_id: &'a str,
    identity_type: Option<&'static str>,
    moved: bool,
    last_version: u32,
    last_read_at: Timestamp,
    read_count: u64,
    versions: Vec<VersionRow>,
}

#[derive(Serialize)]
struct VersionRow {
    version: u32,
    read_count: u64,
    last_read_at: Timestamp,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    // Who reads a partner's secrets is for those who administer the partner.
    let partner = call.operation.place == Place::Partner;
    let path = call.secret(if partner { Permission::Admin } else { Permission::List })?;
    let now = call.now();
    let version = call.query.version("version");
    let from = call.query.timestamp("from").unwrap_or_else(|| now.plus_seconds(-PERIOD_SECONDS));
    let to = call.query.timestamp("to").unwrap_or(now);
    if from > to {
        call.query.faults.field("query.from", "must not be later than query.to");
    }
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    let filters = format!("{path}\u{1d}{}", call.query.filters());
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(&call.app.engine, cursor)).transpose()?;
    let view = call.app.engine.projections().view();
    let secret = view.secrets(&call.target.owner).settled(&path, now).ok_or_else(|| not_found(&path, None))?.secret;
    let current_version = secret.current_number();
    let all = call
        .app
        .engine
        .projections()
        .accesses(|accesses| accesses.consumers(&call.target.owner, path.as_str(), version, from, to));
    let mut page: Vec<&Consumer> = all
        .iter()
        .skip_while(|consumer| after.as_deref().is_some_and(|after| !follows(consumer, after)))
        .take(limit + 1)
        .collect();
    let has_more = page.len() > limit;
    page.truncate(limit);
    let last = page.last().filter(|_| has_more).map(|consumer| key(consumer));
    let cursor = last.map(|key| binding.cursor(&call.app.engine, &key)).transpose()?;
    let consumers = page.into_iter().map(|consumer| row(consumer, current_version)).collect();
    Ok(Done::json(&Page { path: &path, current_version, from, to, consumers, cursor, has_more })?)
}

fn key(consumer: &Consumer) -> String {
    format!("{}/{}", consumer.last_read_at.as_micros(), consumer.identity)
}

/// Whether a consumer comes after the row of a cursor: last reader first, then by name.
fn follows(consumer: &Consumer, after: &str) -> bool {
    let Some((micros, identity)) = after.split_once('/') else { return false };
    let Ok(micros) = micros.parse::<i64>() else { return false };
    let at = consumer.last_read_at.as_micros();
    at < micros || (at == micros && consumer.identity.as_ref() > identity)
}

fn row(consumer: &Consumer, current_version: Option<u32>) -> Row<'_> {
    let versions = consumer.versions.iter();
    Row {
        identity_id: &consumer.identity,
        identity_type: IdentityId::parse(&consumer.identity).map(|identity| identity.kind().as_str()),
        moved: consumer.versions.iter().any(|reads| Some(reads.version) == current_version),
        last_version: consumer.last_version,
        last_read_at: consumer.last_read_at,
        read_count: consumer.read_count,
        versions: versions
            .map(|reads| VersionRow {
                version: reads.version,
                read_count: reads.read_count,
                last_read_at: reads.last_read_at,
            })
            .collect(),
    }
}
