//! `POST /v1/policies/replay`: past decisions judged again under proposed policies, in the background.

mod input;
mod proposal;
pub mod status;

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope, Timestamp};
use scaivault_projections::replays::HeldReplay;
use serde::Serialize;

use super::owners;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static REPLAY: Operation = Operation {
    method: Method::POST,
    path: "/v1/policies/replay",
    id: "replay_policies",
    summary: "Judges the recorded decisions of a period again under proposed policies, in the background. Changes no policy.",
    access: Access::Scopes(&[Scope::AuditRead, Scope::PoliciesRead]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::Read),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("ReplayPolicies"),
    answers: &[(202, Some("PolicyReplayAccepted"))],
    errors: &[
        ErrorCode::InvalidPolicy,
        ErrorCode::InvalidGlob,
        ErrorCode::PolicyNotFound,
        ErrorCode::IdentityNotFound,
        ErrorCode::NameTaken,
    ],
    handler: |call| Box::pin(replay(call)),
};

#[derive(Serialize)]
struct Accepted<'a> {
    id: &'a str,
    status: &'static str,
    created_at: Timestamp,
    status_url: String,
}

async fn replay(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let asked = input::read(call)?;
    let engine = call.app.engine.clone();
    let owners = owners(&call.target);
    engine.require_policies(&owners, asked.proposal.touched()).await?;
    proposal::check_names(&engine.projections().view(), &owners, &asked.proposal)?;
    let tell = |held: &HeldReplay| {
        let id = held.created.id.as_str();
        let status_url = format!("/v1/policies/replay/{id}");
        Reply::json(202, &Accepted { id, status: "pending", created_at: held.created_at, status_url })
    };
    Ok(Done::Changed(engine.create_policy_replay(&call.change(), &asked, tell).await?))
}
