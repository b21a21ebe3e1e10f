//! The OpenAPI 3.1 document, made from the operations themselves, and the page that shows it.

mod schemas;

use std::collections::BTreeSet;

use scaivault_domain::ErrorCode;
use serde_json::{Map, Value, json};

use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::router::Router;

/// The document.
pub fn document(router: &Router, version: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in router.operations() {
        let described = describe(operation);
        insert(&mut paths, operation.path.to_owned(), operation, described.clone());
        if operation.place.takes_tenant() {
            let prefixed = operation.path.replacen("/v1/", "/v1/t/{tenant_id}/", 1);
            insert(&mut paths, prefixed, operation, in_tenant(described));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ScaiVault",
            "version": version,
            "description": "Secrets and certificates for many tenants. Errors, lists, conditional and idempotent requests work alike on every route.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    })
}

/// The page: complete in itself, nothing is loaded from elsewhere.
pub fn page(document: &Value) -> String {
    // Inside a script element only `</` could end it early.
    let embedded = document.to_string().replace("</", "<\\/");
    include_str!("openapi/page.html").replace("{{document}}", &embedded)
}

fn insert(paths: &mut Map<String, Value>, path: String, operation: &Operation, described: Value) {
    let item = paths.entry(path).or_insert_with(|| json!({}));
    if let Some(item) = item.as_object_mut() {
        item.insert(operation.method.as_str().to_ascii_lowercase(), described);
    }
}

fn in_tenant(mut described: Value) -> Value {
    let id = described.get("operationId").and_then(Value::as_str).map(|id| format!("{id}_in_tenant"));
    if let Some(object) = described.as_object_mut() {
        object.insert("operationId".into(), id.into());
        if let Some(parameters) = object.get_mut("parameters").and_then(Value::as_array_mut) {
            parameters.push(path_parameter("tenant_id", "Tenant acted upon.", json!({"type": "string"})));
        }
    }
    described
}

fn describe(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.category.as_str()],
        "parameters": parameters(operation),
        "responses": responses(operation),
    });
    let Some(object) = described.as_object_mut() else { return described };
    if let Access::Scopes(scopes) = operation.access {
        let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        object.insert("security".into(), json!([{"token": []}]));
        object.insert("x-scopes".into(), names.into());
    }
    let (schema, types): (&str, &[&str]) = match operation.body {
        Body::None => return described,
        Body::Json(schema) => (schema, &["application/json"]),
        Body::MergePatch(schema) => (schema, &["application/json", "application/merge-patch+json"]),
        Body::JsonOrForm(schema) => (schema, &["application/json", "application/x-www-form-urlencoded"]),
    };
    let content: Map<String, Value> =
        types.iter().map(|media_type| ((*media_type).to_owned(), json!({"schema": reference(schema)}))).collect();
    object.insert("requestBody".into(), json!({"required": true, "content": content}));
    described
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let mut parameters: Vec<Value> = operation.query.iter().map(query_parameter).collect();
    if operation.path.contains("{path}") {
        // No pattern: slashes in path parameters keep generators from finding examples.
        let shape = json!({"type": "string", "minLength": 1, "maxLength": 512});
        let meaning = "Path of the secret: 1 to 10 segments of a-z, 0-9, '-', '_', joined by '/'.";
        parameters.push(path_parameter("path", meaning, shape));
    }
    let names = operation.path.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name);
    for name in names.filter(|name| *name != "path") {
        let meaning = match name {
            "id" => "Id of the record.",
            "binding_id" => "Id of the binding.",
            "request_id" => "The `X-Request-ID` of the request.",
            _ => "Id of the object.",
        };
        parameters.push(path_parameter(name, meaning, json!({"type": "string"})));
    }
    let meaning = |name: &str| match name {
        "Last-Event-ID" => "The last event received: the stream goes on after it.",
        _ => "Conditional request.",
    };
    let mut headers: Vec<(&str, &str)> = operation.headers.iter().map(|name| (*name, meaning(name))).collect();
    if operation.idempotent {
        headers.push(("Idempotency-Key", "Makes repeating safe: the first outcome is kept for 24 hours."));
    }
    match (operation.access, operation.place) {
        (Access::Public, _) => {}
        (Access::Open | Access::Scopes(_), Place::Tenant | Place::TenantIfAny) => {
            headers.push(("X-Tenant-ID", "Tenant acted upon."));
        }
        (Access::Open | Access::Scopes(_), Place::Partner) => headers.push(("X-Partner-ID", "Partner acted upon.")),
        (Access::Open | Access::Scopes(_), Place::Installation) => {}
    }
    parameters.extend(headers.into_iter().map(|(name, meaning)| {
        json!({"name": name, "in": "header", "description": meaning, "required": false, "schema": {"type": "string"}})
    }));
    parameters
}

fn path_parameter(name: &str, meaning: &str, schema: Value) -> Value {
    json!({"name": name, "in": "path", "description": meaning, "required": true, "schema": schema})
}

fn query_parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.shape {
        Shape::Text => json!({"type": "string"}),
        Shape::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Shape::Boolean => json!({"type": "boolean", "default": false}),
        Shape::Integer(low, high) => json!({"type": "integer", "minimum": low, "maximum": high}),
        Shape::Timestamp => json!({"type": "string", "format": "date-time"}),
        Shape::Choice(choices) => json!({"type": "string", "enum": choices}),
    };
    json!({"name": parameter.name, "in": "query", "description": parameter.meaning, "required": false, "schema": schema})
}

fn responses(operation: &Operation) -> Value {
    let mut responses: Map<String, Value> = Map::new();
    let mut errors: BTreeSet<u16> = operation.errors.iter().map(|code| code.status()).collect();
    match operation.access {
        Access::Public => {}
        Access::Open => errors.extend([400, 422, 429, 500, 503]),
        Access::Scopes(_) => errors.extend([400, 401, 403, 404, 422, 429, 500, 503]),
    }
    if !matches!(operation.body, Body::None) || operation.idempotent {
        errors.extend([413, 415]);
    }
    for status in errors {
        let codes: Vec<&str> =
            ErrorCode::ALL.iter().filter(|code| code.status() == status).map(|code| code.as_str()).collect();
        let response = json!({
            "description": codes.join(", "),
            "content": {"application/json": {"schema": reference("Error")}},
        });
        responses.insert(status.to_string(), response);
    }
    for (status, schema) in operation.answers {
        let mut response = json!({"description": if *status < 300 { "Success" } else if *status == 304 { "Not changed" } else { "Not ready" }});
        if let (Some(schema), Some(object)) = (schema, response.as_object_mut()) {
            let mut content = json!({"application/json": {"schema": reference(schema)}});
            if let Some(content) = content.as_object_mut().filter(|_| operation.id == "read_audit_checkpoint") {
                // The signed note itself, unless JSON is preferred.
                content.insert("text/plain".into(), json!({"schema": {"type": "string"}}));
            }
            object.insert("content".into(), content);
        } else if *status == 200
            && let Some(object) = response.as_object_mut()
        {
            let media_type = match operation.path {
                "/docs" => "text/html",
                path if path.ends_with("/stream") => "text/event-stream",
                path if path.ends_with("/files/{name}") => "application/octet-stream",
                _ => "text/plain",
            };
            object.insert("content".into(), json!({media_type: {"schema": {"type": "string"}}}));
        }
        responses.insert(status.to_string(), response);
    }
    Value::Object(responses)
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}
