//! `DELETE /v1/auth/issuers/{id}`: an issuer is trusted no more, and neither are the tokens it made.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};

use super::issuer_to_change;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static DELETE: Operation = Operation {
    method: Method::DELETE,
    path: "/v1/auth/issuers/{id}",
    id: "delete_issuer",
    summary: "Deletes a trusted issuer that no exchange rule names; its tokens are refused from then on.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::Auth,
    action: Some(Action::Delete),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(204, None)],
    errors: &[ErrorCode::ResourceInUse],
    handler: |call| Box::pin(delete(call)),
};

async fn delete(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    call.query.finish()?;
    let issuer = issuer_to_change(call, &call.app.engine.projections().view())?;
    call.entry.owner = issuer.owner();
    let answer = call.app.engine.delete_issuer(&call.change(), &issuer.owner(), &issuer.id).await?;
    Ok(Done::Changed(answer))
}
