//! `POST /v1/audit/replay`: policies, secrets or access as of a past moment, rebuilt from the log.

mod question;
mod rows;

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use scaivault_commands::{Failure, Reply};
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Owner, Rejection, Scope, Timestamp};
use scaivault_projections::View;
use scaivault_projections::audit::Position;
use scaivault_projections::past::PastError;

use self::question::{Moment, Question, What};
use self::rows::Asked;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::context::tenant_required;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// What of the time of a request is left for all else.
const RESERVE: Duration = Duration::from_secs(5);

/// The operation.
pub static REPLAY: Operation = Operation {
    method: Method::POST,
    path: "/v1/audit/replay",
    id: "replay_audit",
    summary: "Shows policies, secrets or who had access as of a past moment or position, rebuilt from the log. Changes \
              nothing.",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::Tenant,
    category: Category::AuditQuery,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::Json("ReplayAudit"),
    answers: &[(200, Some("AuditReplay"))],
    errors: &[ErrorCode::InvalidPath, ErrorCode::InvalidCursor, ErrorCode::IdentityNotFound],
    handler: |call| Box::pin(replay(call)),
};

/// The state asked about.
struct Then {
    at: Timestamp,
    position: Position,
    view: Arc<View>,
}

async fn replay(call: &mut Call) -> Result<Done, Stop> {
    let question = question::read(call)?;
    let Owner::Tenant(_) = &call.target.owner else { return Err(tenant_required().into()) };
    let engine = call.app.engine.clone();
    let filters = question.canonical();
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: &filters };
    let after = question.cursor.as_deref().map(|cursor| binding.key(&engine, cursor)).transpose()?;
    // The pages of an answer are of one position, whatever is written meanwhile.
    let after = after.as_deref().map(split).transpose()?;
    let then = state(call, &question, after.map(|(position, _)| position)).await?;
    let asked = Asked { target: &call.target, then: &then, question: &question, after: after.map(|(_, key)| key) };
    let (body, last) = match question.what {
        What::Policies => asked.policies()?,
        What::Secrets => asked.secrets()?,
        What::Access => asked.access()?,
    };
    let key = |last: String| binding.cursor(&engine, &format!("{} {last}", then.position));
    let cursor = last.map(key).transpose()?;
    Ok(Done::Reply(Reply::json(200, &body.with_cursor(cursor))?))
}

/// Where the page before ended, and as of which position it was.
fn split(key: &str) -> Result<(Position, &str), Rejection> {
    let read = || {
        let (position, key) = key.split_once(' ')?;
        Some((Position(position.parse().ok()?), key))
    };
    read().ok_or_else(|| Rejection::new(ErrorCode::InvalidCursor, "The cursor is from another query"))
}

async fn state(call: &Call, question: &Question, pinned: Option<Position>) -> Result<Then, Stop> {
    let past = call.app.engine.past();
    let (at, position) = match (question.moment, pinned) {
        (Moment::At(at), Some(position)) => (at, position),
        (Moment::At(at), None) => (at, past.last_up_to(at).await.map_err(Failure::from)?),
        (Moment::Position(position), _) => {
            if position > past.end().await.map_err(Failure::from)? {
                return Err(Rejection::field("position", "must not be above the end of the log").into());
            }
            (past.recorded_at(position).await.map_err(Failure::from)?, position)
        }
    };
    let whole = call.app.settings.request_timeout;
    let patience = whole.saturating_sub(RESERVE).max(whole / 2);
    let view = past.view(position, patience).await;
    let view = view.map_err(|error: PastError| Failure::from(error))?;
    Ok(Then { at, position, view })
}
