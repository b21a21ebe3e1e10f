//! Failures become HTTP here, and nowhere else.

use axum::http::StatusCode;
use scaivault_commands::{Failure, Reply};
use scaivault_domain::{ErrorCode, Rejection};
use scaivault_projections::ReadError;
use serde_json::{Value, json};

/// What the caller is told of a failure. The chain beneath stays in the log.
pub fn rejection_of(failure: &Failure) -> Rejection {
    match failure {
        Failure::Rejected(rejection) => rejection.clone(),
        Failure::Unavailable { reason, .. } => unavailable(reason),
        Failure::Undecided => unavailable("outcome_unknown"),
        Failure::Internal(_) => internal(),
        // The enum may grow; what is not known here is unexpected.
        _ => internal(),
    }
}

/// `service_unavailable` with its reason.
pub fn unavailable(reason: &str) -> Rejection {
    let sentence = match reason {
        "audit_unavailable" => "The request cannot be recorded now, so it was not carried out",
        "position_not_applied" => "The named log position is not applied here yet",
        "starting" => "The server is starting or stopping",
        "stopping" => "The server is stopping",
        "timeout" => "The request took too long",
        "replay_running" => "The state of that moment is still being rebuilt; repeat the request",
        "outcome_unknown" => {
            "The change may have been carried out: look before repeating it, or repeat it with the same Idempotency-Key"
        }
        _ => "The request cannot be carried out now",
    };
    Rejection::new(ErrorCode::ServiceUnavailable, sentence).detail("reason", reason)
}

fn internal() -> Rejection {
    Rejection::new(ErrorCode::InternalError, "Something unexpected happened; the log has details under the request id")
}

/// The envelope of a refusal.
pub fn envelope(rejection: &Rejection, request_id: &str) -> Value {
    let mut error = json!({
        "code": rejection.code.as_str(),
        "message": rejection.message,
        "request_id": request_id,
    });
    if let (false, Some(object)) = (rejection.details.is_empty(), error.as_object_mut()) {
        object.insert("details".into(), Value::Object(rejection.details.clone()));
    }
    json!({ "error": error })
}

/// The reply of a refusal.
pub fn reply(rejection: &Rejection, request_id: &str) -> Reply {
    let body = envelope(rejection, request_id).to_string().into_bytes();
    Reply { status: rejection.code.status(), etag: None, body: body.into() }
}

/// Status as a type.
pub fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A failed read, as a failure.
pub fn of_read(error: ReadError) -> Failure {
    error.into()
}

/// Whether a refusal is kept as the outcome of an idempotency key.
pub fn is_kept(code: ErrorCode) -> bool {
    matches!(code.status(), 400 | 404 | 409 | 410 | 422) && code != ErrorCode::IdempotencyKeyReuse
}
