//! `POST /v1/audit/exports`: entries are to be written to files.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::export::credentials::StoreCredentials;
use scaivault_commands::export::reading_entry;
use scaivault_domain::access::{Decision, Permission};
use scaivault_domain::audit::Action;
use scaivault_domain::export::{CredentialsPlace, Export, StoreKind};
use scaivault_domain::secret::read::Selection;
use scaivault_domain::{ErrorCode, Rejection, Scope, SecretPath, Timestamp};
use serde::Serialize;
use std::sync::Arc;

use super::input;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::error::of_read;
use crate::fields::Faults;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;
use crate::routes::audit::owners;

/// The operation.
pub static CREATE: Operation = Operation {
    method: Method::POST,
    path: "/v1/audit/exports",
    id: "create_audit_export",
    summary: "Writes audit entries to files: on the server, or in an object store.",
    access: Access::Scopes(&[Scope::AuditExport]),
    place: Place::TenantIfAny,
    category: Category::AuditExport,
    action: Some(Action::ExportCreated),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("CreateAuditExport"),
    answers: &[(202, Some("AuditExportCreated"))],
    errors: &[ErrorCode::InvalidPath, ErrorCode::SecretNotFound, ErrorCode::VersionNotFound, ErrorCode::SecretExpired],
    handler: |call| Box::pin(create(call)),
};

#[derive(Serialize)]
struct Created<'a> {
    id: &'a str,
    status: &'static str,
    created_at: Timestamp,
    status_url: String,
}

/// The path of the credentials, once it is clear that the caller may read it.
type Granted = (SecretPath, Arc<Decision>);

async fn create(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let granted = credentials_path(call)?;
    let mut content = input::content(call, granted.is_some())?;
    let owners = owners(call, content.platform)?;
    let owner = owners.first().cloned().unwrap_or_else(|| call.target.owner.clone());
    let read = match granted {
        Some(granted) => {
            let (place, entry) = read(call, granted, content.destination.kind).await?;
            content.destination.credentials = Some(place);
            Some(entry)
        }
        None => None,
    };
    let query = if content.platform { "?platform=true" } else { "" };
    let tell = |export: &Export| {
        let status_url = format!("/v1/audit/exports/{}{query}", export.id);
        let (id, status) = (export.id.as_str(), export.status().as_str());
        Reply::json(202, &Created { id, status, created_at: export.created_at, status_url })
    };
    let answer = call.app.engine.create_export(&call.change(), &owner, &content, read.as_ref(), tell).await?;
    Ok(Done::Changed(answer))
}

/// Whether the credentials may be read is a matter of policy, and comes before the values.
fn credentials_path(call: &mut Call) -> Result<Option<Granted>, Rejection> {
    // Values of other types are told with the other values.
    let mut unheard = Faults::default();
    let destination = call.fields().object("destination", &mut unheard).flatten();
    let given = destination.and_then(|mut fields| fields.text("credentials_path", &mut unheard).flatten());
    let Some(text) = given else { return Ok(None) };
    if !call.caller.scopes.grants(Scope::SecretsRead) {
        let sentence = "Reading the credentials needs the scope secrets:read";
        let rejection = Rejection::denied("insufficient_scope", sentence);
        return Err(rejection.detail("required_scope", Scope::SecretsRead.as_str()));
    }
    let path = SecretPath::parse(&text)?;
    let (decision, denied) = call.decide(Permission::Read, &path);
    match denied {
        Some(rejection) => {
            call.entry.secret_path = Some(path.shared());
            call.entry.facts.decision = Some(decision);
            Err(rejection)
        }
        None => Ok(Some((path, decision))),
    }
}

/// Reads the credentials, to see that they are some. The entry of that read goes with the export.
async fn read(
    call: &mut Call,
    (path, decision): Granted,
    kind: StoreKind,
) -> Result<(CredentialsPlace, scaivault_commands::EntryDraft), Stop> {
    let owner = call.target.owner.clone();
    let reading = call.app.reader.read(&owner, &path, Selection::default(), None, call.now()).await;
    let reading = reading.map_err(of_read).inspect_err(|_| call.entry.secret_path = Some(path.shared()))?;
    if let Err(fault) = StoreCredentials::parse(kind, &reading.data) {
        // It has been looked at, and what is told says something of it.
        call.entry.secret_path = Some(path.shared());
        call.entry.secret_version = Some(reading.version);
        return Err(Rejection::field("destination.credentials_path", fault).into());
    }
    let mut entry = reading_entry(&call.entry, &owner, &path, reading.version);
    entry.facts.decision = Some(decision);
    Ok((CredentialsPlace::new(&owner, path, reading.version), entry))
}
