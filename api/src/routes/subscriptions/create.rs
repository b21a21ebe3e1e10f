//! `POST /v1/subscriptions`: a feed for the caller.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::subscription::{Home, Subscription};
use scaivault_domain::{ErrorCode, Scope};

use super::view::SubscriptionView;
use super::{input, listener};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static CREATE: Operation = Operation {
    method: Method::POST,
    path: "/v1/subscriptions",
    id: "create_subscription",
    summary: "Makes a subscription of the caller; it sees events from this moment on.",
    access: Access::Scopes(&[Scope::SubscriptionsWrite]),
    place: Place::Tenant,
    category: Category::SubscriptionOps,
    action: Some(Action::SubscriptionCreate),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("Subscription"),
    answers: &[(201, Some("SubscriptionShown"))],
    errors: &[ErrorCode::InvalidGlob, ErrorCode::InvalidSecretType, ErrorCode::NameTaken, ErrorCode::ResourceInUse],
    handler: |call| Box::pin(create(call)),
};

async fn create(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let given = input::given(call, true)?;
    let (content, pushed) = given.alone()?;
    let (secrets, shown) = pushed.map(input::Pushed::secrets).transpose()?.unzip();
    let (engine, owner) = (&call.app.engine, &call.target.owner);
    let shown = shown.flatten();
    let tell = |made: &Subscription| {
        let secret = shown.as_ref().map(|secret| secret.expose());
        let view = engine.projections().view();
        let listener = listener(call, &view);
        Reply::json(201, &SubscriptionView::new(engine, (&view, &listener), owner, made, secret))
    };
    let home = Home::of(&call.caller, owner);
    Ok(Done::Changed(engine.create_subscription(&call.change(), home, content, secrets, tell).await?))
}
