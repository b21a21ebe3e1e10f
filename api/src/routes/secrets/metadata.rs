//! `GET /v1/secrets/metadata/{path}`: all but the value.

use std::sync::Arc;

use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::secret::{Secret, not_found};
use scaivault_domain::{ErrorCode, Rejection, Scope, SecretPath};

use super::secret_operation;
use super::view::{MetadataView, Policies, Usage};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body};
use crate::response::Done;

secret_operation!(METADATA, GET, "/metadata/{path}", "read_secret_metadata", {
    summary: "Shows metadata, options and usage of a secret. No value is read.",
    access: Access::Scopes(&[Scope::SecretsList]),
    category: Category::SecretsList,
    action: Some(Action::List),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("SecretMetadata"))],
    errors: &[ErrorCode::InvalidPath, ErrorCode::SecretNotFound],
    handler: |call| Box::pin(show(call)),
});

async fn show(call: &mut Call) -> Result<Done, Stop> {
    let path = call.secret(Permission::List)?;
    call.query.finish()?;
    let secret = live(call, &path)?;
    let (last_accessed_at, access_count_30d) = call
        .app
        .engine
        .projections()
        .accesses(|accesses| accesses.usage(&call.target.owner, path.as_str(), call.now()));
    let view = call.app.engine.projections().view();
    let policies = Policies::of(&view, &call.target.owner);
    let usage = Usage { last_accessed_at, access_count_30d };
    Ok(Done::json(&MetadataView::new(&secret, policies, call.now(), Some(usage)))?)
}

/// The live secret at a path, settled for now.
pub(super) fn live(call: &Call, path: &SecretPath) -> Result<Arc<Secret>, Rejection> {
    let view = call.app.engine.projections().view();
    let settled = view.secrets(&call.target.owner).settled(path, call.now());
    match settled.map(|settled| settled.secret) {
        Some(secret) if secret.deleted.is_none() => Ok(secret),
        Some(secret) => Err(not_found(path, secret.deleted)),
        None => Err(not_found(path, None)),
    }
}
