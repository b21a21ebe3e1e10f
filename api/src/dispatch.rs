//! The one way in: every request passes the same checks in the same order.
//!
//! 1 route and verb · 2 able to record · 3 token · 4 rate limit · 5 tenant and partner · 6 scope ·
//! 7 format · then the handler: 8 path policy · 9 values · 10 state. Whatever passes 2 leaves an
//! audit entry, durable before the answer leaves.

mod arrival;
mod body;
mod checks;
pub(crate) use checks::limited;
mod finish;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{Request, Response};

use crate::app::App;
use crate::call::{Call, Stop};
use crate::error;
use crate::operation::{Access, Operation};
use crate::response::Done;
use crate::router::{Matched, Unmatched};
use arrival::Arrival;
use finish::Finished;

/// The API as a service.
pub fn service(app: Arc<App>) -> Router {
    Router::new().fallback(handle).with_state(app)
}

async fn handle(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let (parts, body) = request.into_parts();
    let arrival = Arrival::new(&app, parts, peer);
    let matched = app.router.find(&arrival.method, arrival.uri.path());
    let finished = match matched {
        Err(Unmatched::NotFound) => Finished::unmatched(&app, &arrival, None),
        Err(Unmatched::MethodNotAllowed(allow)) => Finished::unmatched(&app, &arrival, Some(allow)),
        Ok(matched) => {
            let category = matched.operation.category.as_str();
            metrics::gauge!("scaivault_active_requests", "path_category" => category).increment(1.0);
            let finished = serve(&app, &arrival, matched, body).await;
            metrics::gauge!("scaivault_active_requests", "path_category" => category).decrement(1.0);
            finished
        }
    };
    finished.into_response(&app, &arrival)
}

async fn serve(app: &Arc<App>, arrival: &Arrival, matched: Matched, body: Body) -> Finished {
    let operation = matched.operation;
    let answering = async {
        match operation.access {
            Access::Public => public(app, arrival, operation).await,
            Access::Scopes(scopes) => authenticated(app, arrival, matched, scopes, body).await,
        }
    };
    match tokio::time::timeout(app.settings.request_timeout, answering).await {
        Ok(finished) => finished,
        Err(_) => Finished::refused(app, arrival, operation, error::unavailable("timeout")),
    }
}

/// A public operation: no token, no entry.
async fn public(app: &Arc<App>, arrival: &Arrival, operation: &'static Operation) -> Finished {
    let mut call = checks::public_call(app, arrival, operation);
    let done = (operation.handler)(&mut call).await;
    match done {
        Ok(done) => Finished::done(app, arrival, operation, done),
        Err(Stop::Failure(failure)) => Finished::failed(app, arrival, operation, &failure),
        Err(Stop::Repetition(answer)) => Finished::done(app, arrival, operation, Done::Changed(answer)),
    }
}

async fn authenticated(
    app: &Arc<App>,
    arrival: &Arrival,
    matched: Matched,
    scopes: &'static [scaivault_domain::Scope],
    body: Body,
) -> Finished {
    let operation = matched.operation;
    if let Err(rejection) = checks::able(app).await {
        return Finished::refused(app, arrival, operation, rejection);
    }
    let admitted = match checks::admit(app, arrival, &matched, scopes).await {
        Ok(admitted) => admitted,
        Err(refusal) => return finish::refusal(app, arrival, operation, *refusal).await,
    };
    let level = admitted.level;
    let who = admitted.caller.clone();
    let mut call = admitted.into_call(app, arrival, matched);
    let done = match checks::format(&mut call, arrival, body).await {
        Ok(()) => (operation.handler)(&mut call).await,
        Err(failure) => Err(Stop::Failure(failure)),
    };
    finish::conclude(app, arrival, &mut call, done).await.with_level(level).of(&who, &call.target)
}

/// Makes entries for floods of rejected tokens that were folded. Called about once a second.
pub async fn record_folded_failures(app: &App) {
    finish::record_folded(app).await;
}

/// Fresh state for one request.
impl Call {
    fn resource_of(operation: &Operation, path: &str) -> String {
        let template = operation.path.trim_start_matches("/v1/");
        match template.split_once("/{path}") {
            Some((before, _)) => before.to_owned(),
            None => path.trim_start_matches("/v1/").chars().take(128).collect(),
        }
    }
}
