//! `PATCH /v1/subscriptions/{id}`: parts of a subscription change.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::endpoint::Signing;
use scaivault_domain::audit::Action;
use scaivault_domain::subscription::Subscription;
use scaivault_domain::{ErrorCode, Scope};

use super::view::SubscriptionView;
use super::{id, input, is_seen, listener};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static UPDATE: Operation = Operation {
    method: Method::PATCH,
    path: "/v1/subscriptions/{id}",
    id: "update_subscription",
    summary: "Changes a subscription. Events that wait stay; `delivery` has a disabled one pushed again.",
    access: Access::Scopes(&[Scope::SubscriptionsWrite]),
    place: Place::Tenant,
    category: Category::SubscriptionOps,
    action: Some(Action::SubscriptionUpdate),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::MergePatch("SubscriptionChange"),
    answers: &[(200, Some("SubscriptionShown"))],
    errors: &[
        ErrorCode::SubscriptionNotFound,
        ErrorCode::InvalidGlob,
        ErrorCode::InvalidSecretType,
        ErrorCode::InvalidDuration,
        ErrorCode::NameTaken,
    ],
    handler: |call| Box::pin(update(call)),
};

async fn update(call: &mut Call) -> Result<Done, Stop> {
    let id = id(call);
    call.begin().await?;
    let given = input::given(call, false)?;
    let id = id?;
    let (engine, target) = (&call.app.engine, &call.target);
    let is_seen = |held: &Subscription| is_seen(&call.caller, target, held);
    let tell = |after: &Subscription| {
        let view = engine.projections().view();
        let listener = listener(call, &view);
        Reply::json(200, &SubscriptionView::new(engine, (&view, &listener), &target.owner, after, None))
    };
    let edit = |before: &Subscription| Ok(given.over(before)?);
    let nothing = Signing::default();
    let signing = given.signing().unwrap_or(&nothing);
    Ok(Done::Changed(engine.update_subscription(&call.change(), &id, is_seen, signing, edit, tell).await?))
}
