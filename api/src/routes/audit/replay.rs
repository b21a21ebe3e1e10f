//! `POST /v1/audit/replay`: policies, secrets or access as of a past moment, rebuilt from the log.

mod question;
mod rows;

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use scaivault_commands::{Failure, Reply};
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, IdentityId, Owner, Rejection, Scope, Timestamp};
use scaivault_projections::View;
use scaivault_projections::audit::Position;
use scaivault_projections::past::PastError;

use self::question::{Moment, Question, Whom};
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
    let identity = identity(call, &question, &then.view)?;
    let (position, target, after) = (then.position, call.target.clone(), after.map(|(_, key)| key.to_owned()));
    let asked = Asked { target, then, question, identity, after };
    // Whoever has much waits for his own answer, and nobody else does.
    let answered = tokio::task::spawn_blocking(move || asked.answer());
    let (body, last) = answered.await.map_err(|panic| Failure::Internal(Box::new(panic)))??;
    let key = |last: String| binding.cursor(&engine, &format!("{position} {last}"));
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

/// Who is asked about: a record's identity is the one that it had then, or has now if it was not there yet.
fn identity(call: &Call, question: &Question, view: &View) -> Result<Option<IdentityId>, Rejection> {
    match &question.identity {
        None => Ok(None),
        Some(Whom::Typed(identity)) => Ok(Some(identity.clone())),
        Some(Whom::Recorded(id)) => {
            let then = call.target.owner.tenant().and_then(|tenant| view.installation.recorded(tenant, id));
            then.map_or_else(|| call.identity(id), |identity| Ok(Some(identity)))
        }
    }
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
    let view = past.view(&call.target, position, patience).await;
    let view = view.map_err(|error: PastError| Failure::from(error))?;
    Ok(Then { at, position, view })
}
