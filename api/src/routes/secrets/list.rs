//! `GET /v1/secrets`: secrets by path.

use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::secret::SecretType;
use scaivault_domain::{ErrorCode, Scope, SecretPath};
use scaivault_projections::secrets::Filter;
use serde::Serialize;

use super::secret_operation;
use super::view::{Policies, Row};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Parameter, Shape};
use crate::response::Done;

/// Page size.
pub const LIMIT: Parameter =
    Parameter { name: "limit", shape: Shape::Integer(1, 200), meaning: "Rows of a page, 50 if absent." };
/// Where to go on.
pub const CURSOR: Parameter = Parameter { name: "cursor", shape: Shape::Text, meaning: "`cursor` of the page before." };

secret_operation!(LIST, GET, "", "list_secrets", {
    summary: "Lists secrets by path, without values.",
    access: Access::Scopes(&[Scope::SecretsList]),
    category: Category::SecretsList,
    action: Some(Action::List),
    idempotent: false,
    query: &[
        Parameter { name: "prefix", shape: Shape::Text, meaning: "Plain text that paths start with." },
        Parameter { name: "tag", shape: Shape::Texts, meaning: "Tags that all must be present." },
        Parameter { name: "secret_type", shape: Shape::Choice(&["kv", "json", "certificate", "ssh_key", "api_key"]), meaning: "One type." },
        Parameter { name: "expires_before", shape: Shape::Timestamp, meaning: "End earlier than this." },
        Parameter { name: "updated_after", shape: Shape::Timestamp, meaning: "Changed later than this." },
        Parameter { name: "include_expired", shape: Shape::Boolean, meaning: "Also secrets past their end." },
        Parameter { name: "include_deleted", shape: Shape::Boolean, meaning: "Also soft-deleted secrets." },
        Parameter { name: "include_metadata", shape: Shape::Boolean, meaning: "Rows with metadata and attachments." },
        LIMIT,
        CURSOR,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("SecretList"))],
    errors: &[ErrorCode::InvalidPath, ErrorCode::InvalidSecretType, ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
});

#[derive(Serialize)]
struct Page<'a> {
    secrets: Vec<Row<'a>>,
    cursor: Option<String>,
    has_more: bool,
    total_count: usize,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let filter = filter(call);
    let with_metadata = call.query.boolean("include_metadata");
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    let filters = call.query.filters();
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(&call.app.engine, cursor)).transpose()?;
    let view = call.app.engine.projections().view();
    let catalogue = view.secrets(&call.target.owner);
    let page = catalogue.list(&filter, after.as_deref(), limit, call.now(), |path| call.sees(path));
    let last = page.rows.last().filter(|_| page.has_more).map(|held| held.secret.path.as_str());
    let cursor = last.map(|key| binding.cursor(&call.app.engine, key)).transpose()?;
    let policies = with_metadata.then(|| Policies::of(&view, &call.target.owner));
    let rows: Vec<_> = page.rows.iter().map(|held| Row::new(&held.secret, policies)).collect();
    let size = 1_024 + rows.len() * if with_metadata { 512 } else { 256 };
    let page = Page { secrets: rows, cursor, has_more: page.has_more, total_count: page.total };
    Ok(Done::Reply(Reply::json_sized(200, &page, size)?))
}

fn filter(call: &mut Call) -> Filter {
    let query = &mut call.query;
    let prefix = query.text("prefix").unwrap_or_default().to_owned();
    if let Err(rejection) = SecretPath::check_prefix(&prefix) {
        query.faults.special(rejection);
    }
    let secret_type = query.text("secret_type").map(SecretType::parse);
    let secret_type = secret_type.and_then(|parsed| query.faults.take(parsed));
    Filter {
        prefix,
        secret_type,
        tags: query.texts("tag"),
        expires_before: query.timestamp("expires_before"),
        updated_after: query.timestamp("updated_after"),
        include_expired: query.boolean("include_expired"),
        include_deleted: query.boolean("include_deleted"),
    }
}
