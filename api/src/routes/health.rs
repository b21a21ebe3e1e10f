//! Health: alive, ready, and in detail.

use std::time::Duration;

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::{Scope, Timestamp};
use scaivault_projections::ProjectorState;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::health::Status;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// Events the read models may lag behind the log.
const MAX_LAG: u64 = 1_000;
/// How long the read models may lag behind the log.
const LAG_PATIENCE: Duration = Duration::from_secs(2);

/// The operations of this group.
pub fn operations() -> [&'static Operation; 3] {
    [&ALIVE, &READY, &DETAILED]
}

static ALIVE: Operation =
    Operation::public("/v1/health", "health", "Says that the process runs.", &[(200, Some("Health"))], |call| {
        Box::pin(alive(call))
    });

static READY: Operation = Operation::public(
    "/v1/health/ready",
    "ready",
    "Says whether this node can serve requests.",
    &[(200, Some("Ready")), (503, Some("Ready"))],
    |call| Box::pin(ready(call)),
);

static DETAILED: Operation = Operation {
    method: Method::GET,
    path: "/v1/health/detailed",
    id: "health_detailed",
    summary: "Shows how each part of this node is doing.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Installation,
    category: Category::Auth,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("HealthDetailed")), (503, Some("HealthDetailed"))],
    errors: &[],
    handler: |call| Box::pin(detailed(call)),
};

async fn alive(call: &mut Call) -> Result<Done, Stop> {
    Ok(Done::json(&json!({ "status": "healthy", "timestamp": call.now() }))?)
}

async fn ready(call: &mut Call) -> Result<Done, Stop> {
    let checks = look(&call.app).await;
    let mut body = Map::new();
    let ready = checks.iter().all(|(_, status)| !matches!(status, Status::Error(_)));
    body.insert("status".into(), if ready { "ready" } else { "not_ready" }.into());
    body.insert(
        "checks".into(),
        checks.iter().map(|(name, status)| ((*name).to_owned(), Value::from(status.as_str()))).collect(),
    );
    let errors: Map<String, Value> = checks
        .iter()
        .filter_map(|(name, status)| match status {
            Status::Error(text) => Some(((*name).to_owned(), Value::from(text.as_str()))),
            Status::Ok | Status::Degraded(_) => None,
        })
        .collect();
    if !errors.is_empty() {
        body.insert("errors".into(), errors.into());
    }
    Ok(Done::Reply(Reply::json(if ready { 200 } else { 503 }, &body)?))
}

async fn detailed(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let app = call.app.clone();
    let (database, encryption, projections) =
        (app.checks.database().await, app.checks.encryption(), projections(&app).await);
    let bus = app.checks.bus();
    let all = [&database.status, &bus.status, &encryption.status, &projections];
    let status = match all {
        all if all.iter().any(|status| matches!(status, Status::Error(_))) => "unhealthy",
        all if all.iter().any(|status| matches!(status, Status::Degraded(_))) => "degraded",
        _ => "healthy",
    };
    let millis = |latency: Duration| u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
    let latency_ms = millis(database.latency);
    let applied = app.engine.projections().applied();
    let now: Timestamp = call.now();
    let key_status = if encryption.status == Status::Ok { "active" } else { "unavailable" };
    let body = json!({
        "status": status,
        "version": app.settings.version,
        "node_id": app.settings.node_id,
        "uptime_seconds": app.checks.uptime().as_secs(),
        "timestamp": now,
        "checks": {
            "database": {"status": database.status.as_str(), "kind": database.kind, "latency_ms": latency_ms,
                         "pool_size": database.pool.0, "pool_available": database.pool.1},
            "bus": {"status": bus.status.as_str(), "kind": bus.kind, "latency_ms": millis(bus.latency)},
            "encryption": {"status": encryption.status.as_str(), "provider": encryption.provider, "key_status": key_status, "last_rotation": null},
            "projections": {"status": projections.as_str(), "lag_events": database.log_position.saturating_sub(applied.0),
                            "applied_position": applied.0, "log_position": database.log_position},
            "audit": {"status": database.status.as_str(), "mode": if call.app.engine.is_deferring() { "async" } else { "strict" }, "append_latency_ms": latency_ms},
        },
    });
    Ok(Done::Reply(Reply::json(if status == "unhealthy" { 503 } else { 200 }, &body)?))
}

/// The checks of readiness.
async fn look(app: &App) -> Vec<(&'static str, Status)> {
    let database = if *app.serving.borrow() {
        app.checks.database().await.status
    } else {
        Status::Error("starting or stopping".into())
    };
    vec![
        ("database", database),
        ("bus", app.checks.bus().status),
        ("encryption", app.checks.encryption().status),
        ("projections", projections(app).await),
    ]
}

async fn projections(app: &App) -> Status {
    if let ProjectorState::Stopped(reason) = app.engine.projections().state() {
        return Status::Error(reason);
    }
    if app.engine.lag() <= MAX_LAG && app.engine.read_barrier_within(LAG_PATIENCE).await.is_ok() {
        let damage = app.engine.projections().damage();
        return damage.map_or(Status::Ok, |damage| Status::Degraded(damage.to_owned()));
    }
    Status::Error(format!("{} events behind the log", app.engine.lag()))
}
