//! From an outcome to an HTTP answer: entry recorded, headers set, metrics counted, one log line.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LINK,
    RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Response};
use scaivault_commands::audit::{EntryFacts, Outcome};
use scaivault_commands::{Answer, EntryDraft, Failure, Reply, ids};
use scaivault_domain::access::{Caller, Target};
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, IdentityId, Rejection, TenantId, Timestamp};

use super::arrival::Arrival;
use super::checks::Refusal;
use crate::app::App;
use crate::authentication::AuthFailure;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::error;
use crate::headers::POSITION;
use crate::operation::Operation;
use crate::rate_limit::Level;
use crate::response::Done;

/// The page brings its own script and style, and needs nothing else.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'";

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const RATE_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const RATE_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RATE_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// An answer with what the log line says of it.
pub(super) struct Finished {
    reply: Reply,
    content_type: Option<String>,
    /// What is sent instead of the reply's body.
    content: Option<Body>,
    extra: Vec<(HeaderName, String)>,
    /// Of the caller's bucket; that of its address if there is no caller.
    level: Option<Level>,
    operation: Option<&'static Operation>,
    error_code: Option<&'static str>,
    chain: Option<String>,
    identity: Option<IdentityId>,
    tenant: Option<TenantId>,
}

impl Finished {
    fn new(operation: Option<&'static Operation>, reply: Reply) -> Self {
        Self {
            reply,
            content_type: None,
            content: None,
            extra: Vec::new(),
            level: None,
            operation,
            error_code: None,
            chain: None,
            identity: None,
            tenant: None,
        }
    }

    /// 404, or 405 with the verbs that are offered.
    pub(super) fn unmatched(arrival: &Arrival, allow: Option<String>) -> Self {
        let rejection = match &allow {
            None => Rejection::new(ErrorCode::NotFound, "There is no such route"),
            Some(verbs) => Rejection::new(ErrorCode::MethodNotAllowed, format!("This route offers {verbs}")),
        };
        let mut finished = Self::new(None, error::reply(&rejection, &arrival.request_id));
        finished.error_code = Some(rejection.code.as_str());
        finished.extra.extend(allow.map(|verbs| (ALLOW, verbs)));
        finished
    }

    /// A refusal that leaves no entry.
    pub(super) fn refused(arrival: &Arrival, operation: &'static Operation, rejection: Rejection) -> Self {
        Self::failed(arrival, operation, &Failure::Rejected(rejection))
    }

    /// A failure whose entry, if it leaves one, has been recorded.
    pub(super) fn failed(arrival: &Arrival, operation: &'static Operation, failure: &Failure) -> Self {
        let rejection = error::rejection_of(failure);
        let mut finished = Self::new(Some(operation), error::reply(&rejection, &arrival.request_id));
        finished.error_code = Some(rejection.code.as_str());
        if rejection.code.status() == 403 {
            let reason = rejection.details.get("reason").and_then(|reason| reason.as_str());
            let reason = reason.unwrap_or(rejection.code.as_str()).to_owned();
            metrics::counter!("scaivault_access_denied_total", "reason" => reason).increment(1);
        }
        match rejection.code.status() {
            401 => finished.extra.push((WWW_AUTHENTICATE, "Bearer".into())),
            429 => {
                let seconds = rejection.details.get("retry_after").and_then(serde_json::Value::as_u64).unwrap_or(1);
                finished.extra.push((RETRY_AFTER, seconds.to_string()));
            }
            503 => finished.extra.push((RETRY_AFTER, "1".into())),
            _ => {}
        }
        if rejection.code.status() >= 500 {
            finished.chain = Some(chain(failure));
        }
        finished
    }

    /// A success whose entry, if it leaves one, has been recorded.
    pub(super) fn done(operation: &'static Operation, done: Done) -> Self {
        match done {
            Done::Reply(reply) | Done::Recorded(reply) | Done::Unrecorded(reply) => {
                let mut finished = Self::new(Some(operation), reply);
                if finished.reply.status == 503 {
                    finished.extra.push((RETRY_AFTER, "1".into()));
                }
                finished
            }
            Done::Changed(answer) => Self::new(Some(operation), answer.reply.clone()).with_answer(&answer),
            Done::Attachment { name, reply } => {
                let mut finished = Self::new(Some(operation), reply);
                finished.extra.push((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")));
                finished
            }
            Done::Text { content_type, body } => {
                let reply = Reply { status: 200, etag: None, body: body.into_bytes().into() };
                let mut finished = Self::new(Some(operation), reply);
                finished.content_type = Some(content_type);
                finished
            }
            Done::Events(pieces) => {
                let mut finished = Self::new(Some(operation), Reply { status: 200, ..Reply::no_content() });
                finished.content_type = Some("text/event-stream".into());
                finished.content = Some(Body::from_stream(pieces));
                finished
            }
            Done::File(object) => {
                let mut finished = Self::new(Some(operation), Reply { status: 200, ..Reply::no_content() });
                finished.content_type = Some("application/octet-stream".into());
                finished.extra.push((CONTENT_LENGTH, object.bytes.to_string()));
                finished.content = Some(Body::from_stream(object.content));
                finished
            }
        }
    }

    fn with_answer(mut self, answer: &Answer) -> Self {
        if answer.replayed {
            self.extra.push((HeaderName::from_static("idempotency-replayed"), "true".into()));
            self.error_code = kept_code(&self.reply).map(ErrorCode::as_str);
        }
        if self.reply.status < 400 {
            self.extra.push((POSITION, answer.position.to_string()));
        }
        self
    }

    pub(super) fn with_level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    pub(super) fn of(mut self, caller: &Caller, target: &Target) -> Self {
        self.identity = Some(caller.identity.clone());
        self.tenant = target.owner.tenant().cloned();
        self
    }

    pub(super) fn into_response(mut self, app: &App, arrival: &Arrival) -> Response<Body> {
        app.measures.answered(self.operation, self.reply.status, arrival.started.elapsed());
        self.log(arrival);
        let is_page = self.content_type.as_ref().is_some_and(|content_type| content_type.starts_with("text/html"));
        let content_type = match self.content_type.map(HeaderValue::try_from) {
            Some(content_type) => content_type.ok(),
            None => (!self.reply.body.is_empty()).then_some(HeaderValue::from_static("application/json")),
        };
        // The buffer itself is sent, and wiped once it is.
        let body = Bytes::from_owner(std::mem::take(&mut self.reply.body));
        let body = self.content.unwrap_or_else(|| Body::from(body));
        let mut response = Response::new(body);
        *response.status_mut() = error::status(self.reply.status);
        let level = self
            .level
            .unwrap_or_else(|| app.rate_limits.level(&arrival.address.to_string(), Category::Public, arrival.started));
        let full_at = app.engine.now().as_seconds().saturating_add_unsigned(level.full_in_seconds);
        let headers = response.headers_mut();
        headers.reserve(10);
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(RATE_LIMIT, level.limit.into());
        headers.insert(RATE_REMAINING, level.remaining.into());
        headers.insert(RATE_RESET, full_at.into());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if is_page {
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
        }
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, content_type);
        }
        if let Some(successor) = self.operation.and_then(Operation::successor) {
            headers.insert(DEPRECATION, HeaderValue::from_static("true"));
            let link = format!("<{successor}>; rel=\"successor-version\"");
            headers.extend(HeaderValue::try_from(link).ok().map(|link| (LINK, link)));
        }
        if let Ok(request_id) = HeaderValue::from_str(&arrival.request_id) {
            headers.insert(REQUEST_ID, request_id);
        }
        let tag = self.reply.etag.map(|tag| (ETAG, tag));
        for (name, value) in tag.into_iter().chain(self.extra) {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        response
    }

    fn log(&self, arrival: &Arrival) {
        macro_rules! line {
            ($level:ident $(, $field:ident = $value:expr)?) => {
                tracing::$level!(
                    target: "http",
                    request_id = %arrival.request_id,
                    method = self.operation.map_or("other", |operation| operation.method.as_str()),
                    route = self.operation.map(|operation| operation.path),
                    category = self.operation.map(|operation| operation.category.as_str()),
                    status = self.reply.status,
                    duration_ms = u64::try_from(arrival.started.elapsed().as_millis()).unwrap_or(u64::MAX),
                    tenant_id = self.tenant.as_ref().map(TenantId::as_str),
                    identity_id = self.identity.as_ref().map(IdentityId::as_str),
                    source_ip = %arrival.address,
                    error_code = self.error_code,
                    $($field = $value,)?
                    "request"
                )
            };
        }
        let quiet = self
            .operation
            .is_some_and(|operation| operation.path.starts_with("/v1/health") || operation.path == "/v1/metrics");
        match (&self.chain, quiet) {
            (Some(chain), _) => line!(error, error = chain.as_str()),
            (None, true) => line!(debug),
            (None, false) => line!(info),
        }
    }
}

/// Records the entry of a handled request and gives its answer.
pub(super) async fn conclude(app: &Arc<App>, arrival: &Arrival, call: &mut Call, done: Result<Done, Stop>) -> Finished {
    let operation = call.operation;
    let concluded = match done {
        Ok(
            other @ (Done::Reply(_) | Done::Text { .. } | Done::Attachment { .. } | Done::File(_) | Done::Events(_)),
        ) => {
            let reads = matches!(operation.action, Some(Action::Read | Action::List));
            let entry = call.entry.finish(Outcome::Success);
            let recorded = if reads { record_read(app, entry).await } else { record(app, entry).await };
            recorded.map(|()| other)
        }
        Ok(Done::Changed(answer)) if answer.replayed => return repeated(app, arrival, call, answer).await,
        Ok(other @ (Done::Changed(_) | Done::Recorded(_) | Done::Unrecorded(_))) => {
            return Finished::done(operation, other);
        }
        Err(Stop::Repetition(answer)) => return repeated(app, arrival, call, answer).await,
        Err(Stop::Failure(failure)) => return failed(app, arrival, call, failure).await,
    };
    match concluded {
        Ok(done) => Finished::done(operation, done),
        Err(failure) => Finished::failed(arrival, operation, &failure),
    }
}

/// The answer of an earlier request with the same key; this one has an entry of its own.
async fn repeated(app: &Arc<App>, arrival: &Arrival, call: &mut Call, answer: Answer) -> Finished {
    call.entry.facts.replayed = true;
    let code = kept_code(&answer.reply);
    let outcome = code.map_or(Outcome::Success, |code| Outcome::Error(code.as_str()));
    match record(app, call.entry.finish(outcome)).await {
        Ok(()) => Finished::done(call.operation, Done::Changed(answer)),
        Err(failure) => Finished::failed(arrival, call.operation, &failure),
    }
}

/// A failure of a handler: kept if its key was claimed, recorded in any case.
async fn failed(app: &Arc<App>, arrival: &Arrival, call: &mut Call, failure: Failure) -> Finished {
    let rejection = error::rejection_of(&failure);
    remember(&mut call.entry, &rejection);
    if call.claim.is_some() && error::is_kept(rejection.code) {
        let reply = error::reply(&rejection, &arrival.request_id);
        return match app.engine.keep_refusal(&call.change(), rejection.code, reply).await {
            // Another request took the key first: its outcome is this one's too.
            Ok(answer) if answer.replayed => repeated(app, arrival, call, answer).await,
            Ok(_) => Finished::failed(arrival, call.operation, &failure),
            Err(unrecorded) => Finished::failed(arrival, call.operation, &unrecorded),
        };
    }
    if matches!(failure, Failure::Undecided) {
        // If the change stands, so does its entry; a second one would contradict it.
        return Finished::failed(arrival, call.operation, &failure);
    }
    let by_itself = is_recorded_singly(app, arrival, &call.entry, &rejection);
    let recorded = match by_itself {
        true => record(app, call.entry.finish(Outcome::Error(rejection.code.as_str()))).await,
        false => Ok(()),
    };
    // What was to be told already says that nothing could be recorded.
    let failure = if rejection.code.status() >= 500 { failure } else { recorded.err().unwrap_or(failure) };
    Finished::failed(arrival, call.operation, &failure)
}

/// A refusal in checks 3 to 6.
pub(super) async fn refusal(
    app: &Arc<App>,
    arrival: &Arrival,
    operation: &'static Operation,
    mut refusal: Refusal,
) -> Finished {
    let rejection = error::rejection_of(&refusal.failure);
    remember(&mut refusal.entry, &rejection);
    let by_itself = is_recorded_singly(app, arrival, &refusal.entry, &rejection);
    let recorded = match by_itself {
        true => record(app, refusal.entry.finish(Outcome::Error(rejection.code.as_str()))).await,
        false => Ok(()),
    };
    let failure = recorded.err().unwrap_or(refusal.failure);
    let mut finished = Finished::failed(arrival, operation, &failure);
    if let Some(level) = refusal.level {
        finished = finished.with_level(level);
    }
    if let Some(caller) = refusal.caller {
        finished.identity = Some(caller.identity.clone());
        finished.tenant = refusal.entry.owner.tenant().cloned();
    }
    finished
}

/// Whether a refusal has an entry of its own: not one that is part of a flood.
fn is_recorded_singly(app: &App, arrival: &Arrival, entry: &EntryDraft, rejection: &Rejection) -> bool {
    let failure = || AuthFailure {
        address: arrival.address,
        code: rejection.code.as_str(),
        owner: entry.owner.clone(),
        identity: entry.identity.clone(),
    };
    entry.action != Action::AuthFailure || app.failures.admit(failure(), app.engine.now())
}

/// Keeps why a request was denied beside its entry.
fn remember(entry: &mut EntryDraft, rejection: &Rejection) {
    if matches!(rejection.code.status(), 401 | 403) {
        entry.facts.denial = rejection.details.get("reason").and_then(|reason| reason.as_str()).map(str::to_owned);
    }
}

async fn record(app: &App, entry: Result<scaivault_commands::FinishedEntry, Failure>) -> Result<(), Failure> {
    app.engine.record(vec![entry?]).await
}

async fn record_read(app: &App, entry: Result<scaivault_commands::FinishedEntry, Failure>) -> Result<(), Failure> {
    app.engine.record_reads(vec![entry?]).await
}

/// One entry for each second with more identical rejected tokens than are recorded singly. At the `end` for the current
/// one too.
pub(super) async fn record_folded(app: &App, end: bool) {
    let now = app.engine.now();
    let until = if end { now.plus_seconds(1) } else { now };
    for (failure, count) in app.failures.folded(until) {
        let entry = folded_entry(&failure, count, now).and_then(|entry| entry.finish(Outcome::Error(failure.code)));
        if let Err(unrecorded) = record(app, entry).await {
            app.failures.put_back(failure, count, now);
            tracing::warn!(target: "audit", error = chain(&unrecorded), count, "rejected tokens could not be recorded");
        }
    }
}

fn folded_entry(failure: &AuthFailure, count: u64, now: Timestamp) -> Result<EntryDraft, Failure> {
    let request_id = ids::request_id(now)?.into();
    let entry = EntryDraft::without_client(failure.owner.clone(), Action::AuthFailure, None, request_id, now);
    let facts = EntryFacts { count: Some(count), ..EntryFacts::default() };
    Ok(EntryDraft { source_ip: Some(failure.address), identity: failure.identity.clone(), facts, ..entry })
}

/// Code of a kept refusal; `None` for a success.
fn kept_code(reply: &Reply) -> Option<ErrorCode> {
    let body: serde_json::Value = serde_json::from_slice(&reply.body).ok().filter(|_| reply.status >= 400)?;
    ErrorCode::parse(body.pointer("/error/code")?.as_str()?)
}

fn chain(failure: &Failure) -> String {
    let mut text = failure.to_string();
    let mut source = std::error::Error::source(failure);
    while let Some(cause) = source {
        text = text + ": " + &cause.to_string();
        source = cause.source();
    }
    text
}
