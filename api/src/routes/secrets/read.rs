//! `GET /v1/secrets/{path}`: a value.

use scaivault_commands::Reply;
use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::secret::condition::Tag;
use scaivault_domain::secret::read::Selection;
use scaivault_domain::{ErrorCode, Scope, Timestamp};
use scaivault_projections::Reading;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::secret_operation;
use super::view::{Policies, SecretView, secret_type};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Parameter, Shape};
use crate::response::Done;
use crate::{conditions, error};

secret_operation!(READ, GET, "/{path}", "read_secret", {
    summary: "Reads the value of a secret: the current version, another one, or what was current at a moment.",
    access: Access::Scopes(&[Scope::SecretsRead]),
    category: Category::SecretsRead,
    action: Some(Action::Read),
    idempotent: false,
    query: &[
        Parameter { name: "version", shape: Shape::Integer(1, i64::MAX), meaning: "That version instead of the current one." },
        Parameter { name: "at", shape: Shape::Timestamp, meaning: "The value that was current then; excludes `version`." },
        Parameter { name: "include_expired", shape: Shape::Boolean, meaning: "Also values past their end; needs permission `admin` where it matters." },
    ],
    headers: &["If-None-Match"],
    body: Body::None,
    answers: &[(200, Some("Secret")), (304, None)],
    errors: &[ErrorCode::InvalidPath, ErrorCode::SecretNotFound, ErrorCode::VersionNotFound, ErrorCode::SecretExpired],
    handler: |call| Box::pin(read(call)),
});

async fn read(call: &mut Call) -> Result<Done, Stop> {
    let path = call.secret(Permission::Read)?;
    let (mut selection, at) = selection(call)?;
    selection.may_include_expired = selection.include_expired && call.is_path_admin(&path);
    call.entry.facts.as_of = at;
    call.entry.secret_version = selection.version;
    let reading =
        call.app.reader.read(&call.target.owner, &path, selection, at, call.now()).await.map_err(error::of_read)?;
    call.entry.secret_version = Some(reading.version);
    count_read(call, &reading);
    let held = match conditions::of(&call.headers)?.if_none_match {
        Some(Tag::Any) => true,
        Some(Tag::Version(number)) => number == reading.version,
        None => false,
    };
    if held {
        let unchanged = Reply { status: 304, etag: None, body: Zeroizing::default() };
        return Ok(Done::Reply(unchanged.with_version_tag(reading.version)));
    }
    let data: &RawValue = serde_json::from_slice(&reading.data)?;
    let view = call.app.engine.projections().view();
    let policies = Policies::of(&view, &call.target.owner);
    let shown = SecretView::new(&reading.secret, reading.version, data, policies, at);
    let reply = Reply::json_sized(200, &shown, reading.data.len() + 640)?;
    Ok(Done::Reply(reply.with_version_tag(reading.version)))
}

fn selection(call: &mut Call) -> Result<(Selection, Option<Timestamp>), Stop> {
    let now = call.now();
    let query = &mut call.query;
    let version = query.version("version");
    let at = query.timestamp("at");
    if at.is_some_and(|at| at > now) {
        query.faults.field("query.at", "must not be in the future");
    }
    if version.is_some() && at.is_some() {
        query.faults.field("query.at", "excludes query.version");
    }
    let include_expired = query.boolean("include_expired");
    query.finish()?;
    Ok((Selection { version, include_expired, may_include_expired: false }, at))
}

/// Counts a served value.
pub(super) fn count_read(call: &Call, reading: &Reading) {
    call.app.measures.read(&call.target.owner, secret_type(&reading.secret, reading.version));
}
