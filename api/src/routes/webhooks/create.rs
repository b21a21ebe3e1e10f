//! `POST /v1/webhooks`: a webhook.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::home::Home;
use scaivault_domain::webhook::Webhook;
use scaivault_domain::{ErrorCode, Scope};
use scaivault_projections::outboxes::Day;

use super::input;
use super::view::WebhookView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static CREATE: Operation = Operation {
    method: Method::POST,
    path: "/v1/webhooks",
    id: "create_webhook",
    summary: "Makes a webhook: events of the tenant are pushed to its URL from then on.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::WebhookOps,
    action: Some(Action::WebhookCreate),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("Webhook"),
    answers: &[(201, Some("WebhookShown"))],
    errors: &[ErrorCode::NameTaken, ErrorCode::ResourceInUse, ErrorCode::InvalidSecretType],
    handler: |call| Box::pin(create(call)),
};

async fn create(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let (wanted, secrets) = input::whole(call)?.alone()?;
    let home = Home::of(&call.caller, &call.target.owner);
    let tell = |webhook: &Webhook| Reply::json(201, &WebhookView::new(webhook, Day::default(), webhook.created_at));
    let answer = call.app.engine.create_webhook(&call.change(), home, wanted, secrets, tell).await?;
    Ok(Done::Changed(answer))
}
