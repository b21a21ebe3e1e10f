//! `DELETE /v1/webhooks/{id}`: a webhook ends, with what is on its way to it.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};

use super::id;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static DELETE: Operation = Operation {
    method: Method::DELETE,
    path: "/v1/webhooks/{id}",
    id: "delete_webhook",
    summary: "Deletes a webhook, and drops its pending deliveries.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::WebhookOps,
    action: Some(Action::WebhookDelete),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(204, None)],
    errors: &[ErrorCode::WebhookNotFound],
    handler: |call| Box::pin(delete(call)),
};

async fn delete(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    call.query.finish()?;
    let id = id(call)?;
    let answer = call.app.engine.delete_webhook(&call.change(), &id).await?;
    Ok(Done::Changed(answer))
}
