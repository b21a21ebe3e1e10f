//! Audit exports: asked for, looked at, and their files fetched.

pub mod create;
pub mod file;
mod input;
pub mod list;
pub mod show;

use std::sync::Arc;

use scaivault_commands::Engine;
use scaivault_commands::export::unknown;
use scaivault_domain::export::{Export, ExportFault, ExportFilter, ExportStatus, FileRow};
use scaivault_domain::id::ExportId;
use scaivault_domain::{Owner, Rejection, SecretPath, Timestamp};
use scaivault_projections::HeldExport;
use serde::Serialize;

use super::owners;
use crate::call::Call;

/// An export as answers show it.
#[derive(Serialize)]
struct ExportView<'a> {
    id: &'a str,
    status: &'static str,
    format: &'static str,
    from: Timestamp,
    to: Timestamp,
    filters: &'a ExportFilter,
    destination: DestinationView<'a>,
    created_at: Timestamp,
    created_by: &'a str,
    completed_at: Option<Timestamp>,
    entries: u64,
    entries_total: Option<u64>,
    manifest: Option<&'a [FileRow]>,
    error: Option<&'a ExportFault>,
}

#[derive(Serialize)]
struct DestinationView<'a> {
    r#type: &'static str,
    bucket: Option<&'a str>,
    prefix: &'a str,
    region: Option<&'a str>,
    endpoint: Option<&'a str>,
    credentials_path: Option<&'a str>,
}

impl<'a> ExportView<'a> {
    fn new(engine: &Engine, export: &'a Export) -> Self {
        let (content, status) = (&export.content, export.status());
        let destination = &content.destination;
        let is_completed = status == ExportStatus::Completed;
        Self {
            id: export.id.as_str(),
            status: status.as_str(),
            format: content.format.as_str(),
            from: content.from,
            to: content.to,
            filters: &content.filters,
            destination: DestinationView {
                r#type: destination.kind.as_str(),
                bucket: destination.bucket.as_deref(),
                prefix: &destination.prefix,
                region: destination.region.as_deref(),
                endpoint: destination.endpoint.as_deref(),
                credentials_path: destination.credentials.as_ref().map(|place| SecretPath::as_str(&place.path)),
            },
            created_at: export.created_at,
            created_by: export.created_by.as_str(),
            completed_at: export.ended_at.filter(|_| is_completed),
            entries: engine.exported_entries(export),
            entries_total: export.extent.map(|extent| extent.entries),
            manifest: is_completed.then_some(export.files.as_slice()),
            error: export.error.as_ref(),
        }
    }
}

/// The export that a route names, if the caller may see it.
fn named(call: &mut Call) -> Result<Arc<HeldExport>, Rejection> {
    let owners = asked_owners(call)?;
    let id = ExportId::parse(call.captures.first()).ok_or_else(unknown)?;
    let view = call.app.engine.projections().view();
    owners.iter().find_map(|owner| view.exports.of(owner, &id)).cloned().ok_or_else(unknown)
}

/// Whose exports a request is about.
fn asked_owners(call: &mut Call) -> Result<Vec<Owner>, Rejection> {
    let platform = call.query.boolean("platform");
    call.query.finish()?;
    owners(call, platform)
}
