//! `GET /v1/identity/sync/{id}`.

use scaivault_domain::audit::Action;
use scaivault_domain::id::SyncId;
use scaivault_domain::{ErrorCode, Rejection};

use super::{SyncView, sees};
use crate::call::{Call, Stop};
use crate::operation::Operation;
use crate::response::Done;

/// The operation.
pub static SHOW: Operation = Operation::identity_read(
    "/v1/identity/sync/{id}",
    "read_identity_sync",
    "Shows a synchronisation.",
    Action::Read,
    &[(200, Some("IdentitySync"))],
    |call| Box::pin(show(call)),
);

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let view = call.app.engine.projections().view();
    let found = SyncId::parse(call.captures.first()).and_then(|id| view.installation.sync(&id));
    let found = found.filter(|sync| sees(&view, &call.caller, sync));
    let sync = found.ok_or_else(|| Rejection::new(ErrorCode::NotFound, "Synchronisation not found"))?;
    Ok(Done::json(&SyncView::from(sync.as_ref()))?)
}
