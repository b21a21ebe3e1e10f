//! `DELETE /v1/identity/service-accounts/{id}/keys/{key_id}`.

use axum::http::Method;
use scaivault_commands::service_account_key::unknown_key;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, TokenId};

use super::named;
use crate::call::{Call, Stop};
use crate::operation::Operation;
use crate::response::Done;

/// The operation.
pub static DELETE_KEY: Operation = Operation::identity_change(
    Method::DELETE,
    "/v1/identity/service-accounts/{id}/keys/{key_id}",
    "delete_service_account_key",
    "Revokes a key of a service account.",
    Action::TokenRevoke,
    &[(204, None)],
    |call| Box::pin(delete(call)),
)
.in_tenant()
.refusing(&[ErrorCode::ServiceAccountNotFound, ErrorCode::KeyNotFound]);

async fn delete(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    call.query.finish()?;
    let view = call.app.engine.projections().view();
    let account = named(call, &view)?;
    let id = TokenId::parse_key(call.captures.second()).ok_or_else(unknown_key)?;
    Ok(Done::Changed(call.app.engine.delete_key(&call.change(), &account, &id).await?))
}
