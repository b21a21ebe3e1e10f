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
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use futures_util::FutureExt as _;
use futures_util::future::poll_immediate;
use scaivault_commands::Failure;
use scaivault_domain::Scope;

pub(crate) use checks::{bucket_of, lacks, limited};

use crate::app::App;
use crate::call::{Call, Stop};
use crate::operation::{Access, Operation};
use crate::response::Done;
use crate::router::{Matched, Unmatched};
use arrival::Arrival;
use finish::Finished;

/// What a request may take beyond its time to record how it ended.
const CONCLUSION: Duration = Duration::from_secs(1);

/// A handler panicked. What it said may hold anything, and stays untold.
#[derive(Debug)]
struct Panicked;

impl std::error::Error for Panicked {}

impl std::fmt::Display for Panicked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the handler panicked")
    }
}

/// Answers one request. To be awaited to its end: see [`crate::service`].
pub(crate) async fn answer(app: Arc<App>, request: Request<Body>) -> Response<Body> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let (parts, body) = request.into_parts();
    let arrival = Arrival::new(&app, parts, peer);
    let finished = match app.router.find(&arrival.method, arrival.uri.path()) {
        Err(Unmatched::NotFound) => Finished::unmatched(&arrival, None),
        Err(Unmatched::MethodNotAllowed(allow)) => Finished::unmatched(&arrival, Some(allow)),
        Ok(matched) => {
            let operation = matched.operation;
            let served = AssertUnwindSafe(serve(&app, &arrival, matched, body)).catch_unwind().await;
            served.unwrap_or_else(|_| Finished::failed(&arrival, operation, &Failure::Internal(Box::new(Panicked))))
        }
    };
    finished.into_response(&app, &arrival)
}

async fn serve(app: &Arc<App>, arrival: &Arrival, matched: Matched, body: Body) -> Finished {
    let operation = matched.operation;
    let _active = app.measures.begin(operation);
    match operation.access {
        Access::Public => public(app, arrival, operation).await,
        Access::Open => open(app, arrival, matched, body).await,
        Access::Scopes(scopes) => authenticated(app, arrival, matched, scopes, body).await,
    }
}

/// A public operation: no token, no entry.
async fn public(app: &Arc<App>, arrival: &Arrival, operation: &'static Operation) -> Finished {
    let mut call = checks::public_call(app, arrival, operation);
    let unknown = call.query.finish().map_err(Stop::from);
    let done = match unknown {
        Ok(()) => within(app, arrival, operation, (operation.handler)(&mut call)).await,
        Err(stop) => Some(Err(stop)),
    };
    match done.unwrap_or_else(|| Err(Stop::Failure(Failure::unavailable("timeout")))) {
        Ok(done) => Finished::done(operation, done),
        Err(Stop::Failure(failure)) => Finished::failed(arrival, operation, &failure),
        Err(Stop::Repetition(answer)) => Finished::done(operation, Done::Changed(answer)),
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
    if let Err(rejection) = checks::able(app, operation.category).await {
        return Finished::refused(arrival, operation, rejection);
    }
    let admitted = match checks::admit(app, arrival, &matched, scopes).await {
        Ok(admitted) => admitted,
        Err(refusal) => return finish::refusal(app, arrival, operation, *refusal).await,
    };
    let (level, who) = (admitted.level, admitted.caller.clone());
    let mut call = admitted.into_call(app, arrival, matched);
    let concluded = handle(app, arrival, &mut call, body).await;
    concluded.with_level(level).of(&who, &call.target)
}

/// An operation whose caller is found out by its handler.
async fn open(app: &Arc<App>, arrival: &Arrival, matched: Matched, body: Body) -> Finished {
    let operation = matched.operation;
    if let Err(rejection) = checks::able(app, operation.category).await {
        return Finished::refused(arrival, operation, rejection);
    }
    let admitted = match checks::open(app, arrival, &matched) {
        Ok(admitted) => admitted,
        Err(refusal) => return finish::refusal(app, arrival, operation, *refusal).await,
    };
    let level = admitted.level;
    let mut call = admitted.into_call(app, arrival, matched);
    handle(app, arrival, &mut call, body).await.with_level(level)
}

/// Check 7, the handler, and the entry of what came of it.
async fn handle(app: &Arc<App>, arrival: &Arrival, call: &mut Call, body: Body) -> Finished {
    let operation = call.operation;
    let done = match within(app, arrival, operation, checks::format(call, arrival, body)).await {
        Some(Ok(())) => match within(app, arrival, operation, (operation.handler)(call)).await {
            Some(done) => done,
            // It is on its way into the log, with its own entry.
            None if call.handed.is_set() => Err(Stop::Failure(Failure::Undecided)),
            None => Err(Stop::Failure(Failure::unavailable("timeout"))),
        },
        Some(Err(failure)) => Err(Stop::Failure(failure)),
        None => Err(Stop::Failure(Failure::unavailable("timeout"))),
    };
    let concluding = tokio::time::timeout(left(app, arrival, operation), finish::conclude(app, arrival, call, done));
    // What was handed to the log goes its way: whether the entry stands is not known.
    concluding.await.unwrap_or_else(|_| Finished::failed(arrival, operation, &Failure::Undecided))
}

/// What comes of a part of the work, or `None` if it takes longer than a request may.
async fn within<T>(app: &App, arrival: &Arrival, operation: &Operation, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    // Much of it never waits, and then needs no timer.
    match poll_immediate(&mut work).await {
        Some(done) => Some(done),
        None => tokio::time::timeout(left(app, arrival, operation), work).await.ok(),
    }
}

/// How much longer a request may take; a little in any case, to say how it ended.
fn left(app: &App, arrival: &Arrival, operation: &Operation) -> Duration {
    let whole = app.settings.request_timeout + operation.waits();
    whole.saturating_sub(arrival.started.elapsed()).max(CONCLUSION)
}

/// Makes entries for floods of rejected tokens that were folded. Called about once a second, and at the `end`, when no
/// more will come.
pub async fn record_folded_failures(app: &App, end: bool) {
    finish::record_folded(app, end).await;
}
