//! `GET /v1/identity/sync/history`: newest first.

use scaivault_domain::audit::Action;
use serde::Serialize;

use super::{SyncView, sees};
use crate::call::{Call, Stop};
use crate::operation::{Operation, Parameter, Shape};
use crate::paging::{PAGE, PAGE_SIZE, Paging};
use crate::response::Done;

const STATUSES: &[&str] = &["running", "completed", "failed"];

/// The operation.
pub static LIST: Operation = Operation::identity_read(
    "/v1/identity/sync/history",
    "list_identity_syncs",
    "Lists synchronisations, newest first.",
    Action::List,
    &[(200, Some("IdentitySyncList"))],
    |call| Box::pin(list(call)),
)
.asking(&[Parameter { name: "status", shape: Shape::Choice(STATUSES), meaning: "Only those." }, PAGE, PAGE_SIZE]);

#[derive(Serialize)]
struct Page<'a> {
    syncs: Vec<SyncView<'a>>,
    total: usize,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let status = call.query.text("status").map(str::to_owned);
    if status.as_deref().is_some_and(|status| !STATUSES.contains(&status)) {
        call.query.faults.field("query.status", "must be running, completed or failed");
    }
    let paging = Paging::of(&mut call.query);
    call.query.finish()?;
    let view = call.app.engine.projections().view();
    let seen = view.installation.syncs().filter(|sync| sees(&view, &call.caller, sync));
    let found: Vec<_> = seen.filter(|sync| status.as_deref().is_none_or(|status| sync.status() == status)).collect();
    let total = found.len();
    let syncs = paging.cut(found).into_iter().map(|sync| sync.as_ref().into()).collect();
    Ok(Done::json(&Page { syncs, total })?)
}
