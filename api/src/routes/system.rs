//! Version, API description, metrics, development clock.

mod clock;
mod metrics;

use axum::http::Method;
use serde_json::json;

use crate::call::{Call, Stop};
use crate::category::Category;
use crate::openapi;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operations of this group.
pub fn operations(dev: bool) -> Vec<&'static Operation> {
    let mut operations = vec![&VERSION, &OPENAPI, &DOCS, &metrics::METRICS];
    if dev {
        operations.extend([&clock::SHOW, &clock::MOVE]);
    }
    operations
}

static VERSION: Operation = Operation {
    method: Method::GET,
    path: "/v1/version",
    id: "version",
    summary: "Shows the version of server and API.",
    access: Access::Public,
    place: Place::Installation,
    category: Category::Public,
    action: None,
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("Version"))],
    errors: &[],
    handler: |call| Box::pin(version(call)),
};

static OPENAPI: Operation = Operation {
    method: Method::GET,
    path: "/v1/openapi.json",
    id: "openapi",
    summary: "The OpenAPI 3.1 description of every route of this build.",
    access: Access::Public,
    place: Place::Installation,
    category: Category::Public,
    action: None,
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("OpenApi"))],
    errors: &[],
    handler: |call| Box::pin(document(call)),
};

static DOCS: Operation = Operation {
    method: Method::GET,
    path: "/docs",
    id: "docs",
    summary: "The API description as a page.",
    access: Access::Public,
    place: Place::Installation,
    category: Category::Public,
    action: None,
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, None)],
    errors: &[],
    handler: |call| Box::pin(page(call)),
};

async fn version(call: &mut Call) -> Result<Done, Stop> {
    let settings = &call.app.settings;
    Ok(Done::json(&json!({
        "version": settings.version,
        "api_version": "v1",
        "commit": settings.commit,
        "build_date": settings.build_date,
    }))?)
}

async fn document(call: &mut Call) -> Result<Done, Stop> {
    Ok(Done::json(call.app.description())?)
}

async fn page(call: &mut Call) -> Result<Done, Stop> {
    Ok(Done::Text { content_type: "text/html; charset=utf-8".into(), body: openapi::page(call.app.description()) })
}
