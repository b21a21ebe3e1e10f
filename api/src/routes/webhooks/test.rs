//! `POST /v1/webhooks/{id}/test`: a test is sent at once.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::delivery::Attempt;
use scaivault_domain::{ErrorCode, Scope};
use serde::Serialize;

use super::id;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static TEST: Operation = Operation {
    method: Method::POST,
    path: "/v1/webhooks/{id}/test",
    id: "test_webhook",
    summary: "Sends a test event at once, also to a disabled webhook, and tells what came of it.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::WebhookOps,
    action: Some(Action::WebhookDelivery),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("WebhookTest"))],
    errors: &[ErrorCode::WebhookNotFound],
    handler: |call| Box::pin(test(call)),
};

#[derive(Serialize)]
struct TestView<'a> {
    delivery_id: &'a str,
    status: &'static str,
    response_code: Option<u16>,
    duration_ms: Option<u64>,
    error: Option<&'a str>,
}

async fn test(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    call.query.finish()?;
    let id = id(call)?;
    let tell = |attempt: &Attempt| {
        let view = TestView {
            delivery_id: attempt.id.as_str(),
            status: attempt.outcome.as_str(),
            response_code: attempt.response_code,
            duration_ms: attempt.duration_ms,
            error: attempt.error.as_deref(),
        };
        Reply::json(200, &view)
    };
    let answer = call.app.engine.test_webhook(&call.change(), &id, tell).await?;
    Ok(Done::Changed(answer))
}
