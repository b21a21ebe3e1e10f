//! The one way in: every request passes the same checks in the same order.
//!
//! 1 route and verb · 2 able to record · 3 token · 4 rate limit · 5 tenant and partner · 6 scope ·
//! 7 format · then the handler: 8 path policy · 9 values · 10 state. Whatever passes 2 leaves an
//! audit entry, durable before the answer leaves.

mod arrival;
mod body;
mod checks;
mod finish;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{Request, Response};
use scaivault_commands::Failure;
use scaivault_domain::Scope;

pub(crate) use checks::{bucket_of, limited};

use crate::app::App;
use crate::call::Stop;
use crate::operation::{Access, Operation};
use crate::response::Done;
use crate::router::{Matched, Unmatched};
use arrival::Arrival;
use finish::Finished;

/// What a request may take beyond its time to record how it ended.
const CONCLUSION: Duration = Duration::from_secs(1);

/// The API as a service.
pub fn service(app: Arc<App>) -> Router {
    Router::new().fallback(handle).with_state(app)
}

async fn handle(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let (parts, body) = request.into_parts();
    let arrival = Arc::new(Arrival::new(&app, parts, peer));
    let finished = match app.router.find(&arrival.method, arrival.uri.path()) {
        Err(Unmatched::NotFound) => Finished::unmatched(&app, &arrival, None),
        Err(Unmatched::MethodNotAllowed(allow)) => Finished::unmatched(&app, &arrival, Some(allow)),
        Ok(matched) => {
            let operation = matched.operation;
            let serving = serve(app.clone(), arrival.clone(), matched, body);
            // A task of its own: a client that leaves must not leave its request unrecorded.
            #[allow(clippy::disallowed_methods, reason = "joined at once; it outlives only a client that left")]
            let served = tokio::spawn(serving).await;
            served.unwrap_or_else(|panic| {
                let failure = Failure::Internal(Box::new(panic));
                Finished::failed(&app, &arrival, operation, &failure)
            })
        }
    };
    finished.into_response(&app, &arrival)
}

async fn serve(app: Arc<App>, arrival: Arc<Arrival>, matched: Matched, body: Body) -> Finished {
    let operation = matched.operation;
    let _active = Active::enter(operation.category.as_str());
    match operation.access {
        Access::Public => public(&app, &arrival, operation).await,
        Access::Scopes(scopes) => authenticated(&app, &arrival, matched, scopes, body).await,
    }
}

/// Counts a request as active until it is dropped.
struct Active(&'static str);

impl Active {
    fn enter(category: &'static str) -> Self {
        metrics::gauge!("scaivault_active_requests", "path_category" => category).increment(1.0);
        Self(category)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        metrics::gauge!("scaivault_active_requests", "path_category" => self.0).decrement(1.0);
    }
}

/// A public operation: no token, no entry.
async fn public(app: &Arc<App>, arrival: &Arrival, operation: &'static Operation) -> Finished {
    let mut call = checks::public_call(app, arrival, operation);
    let unknown = call.query.finish().map_err(Stop::from);
    let done = match unknown {
        Ok(()) => within(app, arrival, (operation.handler)(&mut call)).await,
        Err(stop) => Some(Err(stop)),
    };
    match done.unwrap_or_else(|| Err(Stop::Failure(Failure::unavailable("timeout")))) {
        Ok(done) => Finished::done(app, arrival, operation, done),
        Err(Stop::Failure(failure)) => Finished::failed(app, arrival, operation, &failure),
        Err(Stop::Repetition(answer)) => Finished::done(app, arrival, operation, Done::Changed(answer)),
    }
}

async fn authenticated(
    app: &Arc<App>,
    arrival: &Arrival,
    matched: Matched,
    scopes: &'static [Scope],
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
    let done = match within(app, arrival, checks::format(&mut call, arrival, body)).await {
        Some(Ok(())) => match within(app, arrival, (operation.handler)(&mut call)).await {
            Some(done) => done,
            // A change may be on its way into the log, with its own entry.
            None if operation.idempotent => Err(Stop::Failure(Failure::Undecided)),
            None => Err(Stop::Failure(Failure::unavailable("timeout"))),
        },
        Some(Err(failure)) => Err(Stop::Failure(failure)),
        None => Err(Stop::Failure(Failure::unavailable("timeout"))),
    };
    let concluding = tokio::time::timeout(left(app, arrival), finish::conclude(app, arrival, &mut call, done));
    // What was handed to the log goes its way: whether the entry stands is not known.
    let concluded = concluding.await.unwrap_or_else(|_| Finished::failed(app, arrival, operation, &Failure::Undecided));
    concluded.with_level(level).of(&who, &call.target)
}

/// What comes of a part of the work, or `None` if it takes longer than a request may.
async fn within<T>(app: &App, arrival: &Arrival, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(left(app, arrival), work).await.ok()
}

/// How much longer a request may take; a little in any case, to say how it ended.
fn left(app: &App, arrival: &Arrival) -> Duration {
    app.settings.request_timeout.saturating_sub(arrival.started.elapsed()).max(CONCLUSION)
}

/// Makes entries for floods of rejected tokens that were folded. Called about once a second.
pub async fn record_folded_failures(app: &App) {
    finish::record_folded(app).await;
}
