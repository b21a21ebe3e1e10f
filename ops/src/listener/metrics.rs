//! The internal listener: metrics and nothing else, on an address that is not public.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use tokio::net::TcpListener;

use crate::configuration::MetricsListener;
use crate::telemetry::metrics::Metrics;

/// Whether the sender of these headers may read the metrics.
pub(crate) type Authorise = Arc<dyn Fn(HeaderMap) -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// Answer to those who may not, in the shape of every error.
const REFUSAL: &str =
    r#"{"error":{"code":"authentication_required","message":"Metrics need a token with scope 'admin'"}}"#;

/// Opens the listener. The default address may be taken, by another node on this host for one: then there is a warning
/// and no listener. An address that was asked for must be free.
pub(crate) async fn open(setting: &MetricsListener) -> io::Result<Option<TcpListener>> {
    match super::bind(&setting.address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if setting.explicit => Err(error),
        Err(error) => {
            let address = setting.address.to_string();
            let error = &error as &dyn std::error::Error;
            tracing::warn!(target: "listener", address, error, "no metrics listener, its default address cannot be used");
            Ok(None)
        }
    }
}

/// `GET /v1/metrics` and `GET /metrics`.
pub(crate) fn router(metrics: Arc<Metrics>, authorise: Authorise) -> Router {
    let show = get(show);
    Router::new().route("/v1/metrics", show.clone()).route("/metrics", show).with_state((metrics, authorise))
}

async fn show(State((metrics, authorise)): State<(Arc<Metrics>, Authorise)>, headers: HeaderMap) -> Response<Body> {
    if !authorise(headers.clone()).await {
        let mut response = Response::new(Body::from(REFUSAL));
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return response;
    }
    let (content_type, text) = metrics.answer(&headers);
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
