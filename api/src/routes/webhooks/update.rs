//! `PATCH /v1/webhooks/{id}`: parts of a webhook change.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::webhook::Webhook;
use scaivault_domain::{ErrorCode, Scope};

use super::view::WebhookView;
use super::{day, id, input};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static UPDATE: Operation = Operation {
    method: Method::PATCH,
    path: "/v1/webhooks/{id}",
    id: "update_webhook",
    summary: "Changes a webhook; what is delivered from then on goes by that, pending deliveries included.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::WebhookOps,
    action: Some(Action::WebhookUpdate),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::MergePatch("WebhookChange"),
    answers: &[(200, Some("WebhookShown"))],
    errors: &[
        ErrorCode::WebhookNotFound,
        ErrorCode::NameTaken,
        ErrorCode::InvalidSecretType,
        ErrorCode::InvalidDuration,
    ],
    handler: |call| Box::pin(update(call)),
};

async fn update(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let given = input::change(call)?;
    let id = id(call)?;
    let (day, now) = (day(call, &id), call.now());
    let edit = |webhook: &Webhook| given.over(webhook);
    let tell = |webhook: &Webhook| Reply::json(200, &WebhookView::new(webhook, day, now));
    let answer = call.app.engine.update_webhook(&call.change(), &id, given.signing(), edit, tell).await?;
    Ok(Done::Changed(answer))
}
