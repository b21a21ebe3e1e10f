//! Version, API description, metrics, development clock.

mod clock;
mod metrics;

use serde_json::json;

use crate::call::{Call, Stop};
use crate::openapi;
use crate::operation::Operation;
use crate::response::Done;

/// The operations of this group.
pub fn operations(dev: bool) -> Vec<&'static Operation> {
    let mut operations = vec![&VERSION, &OPENAPI, &DOCS, &metrics::METRICS];
    if dev {
        operations.extend([&clock::SHOW, &clock::MOVE]);
    }
    operations
}

static VERSION: Operation = Operation::public(
    "/v1/version",
    "version",
    "Shows the version of server and API.",
    &[(200, Some("Version"))],
    |call| Box::pin(version(call)),
);

static OPENAPI: Operation = Operation::public(
    "/v1/openapi.json",
    "openapi",
    "The OpenAPI 3.1 description of every route of this build.",
    &[(200, Some("OpenApi"))],
    |call| Box::pin(document(call)),
);

static DOCS: Operation =
    Operation::public("/docs", "docs", "The API description as a page.", &[(200, None)], |call| Box::pin(page(call)));

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
