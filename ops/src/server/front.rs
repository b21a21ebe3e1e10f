//! What answers while the node is still starting, and hands over once it has.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::{Either, Ready, ready};
use scaivault_api::Api;
use scaivault_api::service::Answering;
use scaivault_commands::Clock as _;
use serde_json::json;
use tower::Service;

use crate::clock::SystemClock;

/// The door of the main listener.
#[derive(Clone, Default)]
pub(super) struct Front {
    api: Arc<OnceLock<Api>>,
}

impl Front {
    /// From now on `api` answers.
    pub(super) fn open(&self, api: Api) {
        // Opened once, by the one start.
        let _ = self.api.set(api);
    }
}

impl Service<Request<Body>> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Answering, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.api.get() {
            Some(api) => Either::Left(api.answer(request)),
            None => Either::Right(ready(Ok(starting(request.uri().path())))),
        }
    }
}

fn starting(path: &str) -> Response {
    let id = request_id();
    let (status, body) = match path {
        "/health" | "/v1/health" => (StatusCode::OK, json!({"status": "healthy", "timestamp": SystemClock.now()})),
        "/health/ready" | "/v1/health/ready" => {
            let checks = json!({"database": "error", "bus": "ok", "encryption": "error", "projections": "error"});
            (
                StatusCode::SERVICE_UNAVAILABLE,
                json!({"status": "not_ready", "checks": checks, "errors": {"projections": "starting"}}),
            )
        }
        _ => {
            let error = json!({"code": "service_unavailable", "message": "The server is starting", "details": {"reason": "starting"},
                               "request_id": id});
            (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": error }))
        }
    };
    let headers =
        [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store"), (header::RETRY_AFTER, "1")];
    (status, headers, [("x-request-id", id)], body.to_string()).into_response()
}

fn request_id() -> String {
    scaivault_commands::ids::request_id(SystemClock.now()).unwrap_or_default()
}
