//! What answers while the node is still starting, and hands over once it has.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use scaivault_commands::Clock as _;
use serde_json::json;
use tower::ServiceExt as _;

use crate::clock::SystemClock;

/// The door of the main listener.
#[derive(Default)]
pub(super) struct Front {
    service: OnceLock<Router>,
}

impl Front {
    /// The router to listen with.
    pub(super) fn router(self: &Arc<Self>) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    /// From now on `service` answers.
    pub(super) fn open(&self, service: Router) {
        // Opened once, by the one start.
        let _ = self.service.set(service);
    }
}

async fn answer(State(front): State<Arc<Front>>, request: Request<Body>) -> Response {
    match front.service.get() {
        Some(service) => service.clone().oneshot(request).await.into_response(),
        None => starting(request.uri().path()),
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
