//! `DELETE /v1/identity/service-accounts/{id}`.

use axum::http::Method;
use scaivault_domain::ErrorCode;
use scaivault_domain::audit::Action;

use super::named;
use crate::call::{Call, Stop};
use crate::operation::Operation;
use crate::response::Done;

/// The operation.
pub static DELETE: Operation = Operation::identity_change(
    Method::DELETE,
    "/v1/identity/service-accounts/{id}",
    "delete_service_account",
    "Deletes a service account: its tokens end, and its policy bindings are removed.",
    Action::Delete,
    &[(204, None)],
    |call| Box::pin(delete(call)),
)
.in_tenant()
.refusing(&[ErrorCode::ServiceAccountNotFound]);

async fn delete(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    call.query.finish()?;
    let view = call.app.engine.projections().view();
    let held = named(call, &view)?;
    let request = call.change();
    let deleted = call.app.engine.delete_account(&request, (&call.caller, &call.target), &held.account.id);
    Ok(Done::Changed(deleted.await?))
}
