//! Shapes of audit exports.

use serde_json::{Value, json};

use super::{closed, nullable, object, page, time, time_or_null};

/// Its schemas.
pub(super) fn all() -> Value {
    json!({
        "CreateAuditExport": create(),
        "AuditExportCreated": object(&["id", "status", "created_at", "status_url"], json!({
            "id": {"type": "string"}, "status": status(), "created_at": time(), "status_url": {"type": "string"},
        })),
        "AuditExport": export(),
        "AuditExportList": page("exports", json!({"$ref": "#/components/schemas/AuditExport"})),
    })
}

fn format() -> Value {
    json!({"type": "string", "enum": ["jsonl", "csv", "cef", "ocsf"]})
}

fn status() -> Value {
    json!({"type": "string", "enum": ["pending", "running", "completed", "failed"]})
}

fn store() -> Value {
    json!({"type": "string", "enum": ["s3", "gcs", "azure_blob", "file"]})
}

fn filters() -> Value {
    closed(
        &[],
        json!({
            "action": {"type": "array", "items": {"type": "string"}}, "identity_id": {"type": "string"},
            "identity_type": {"type": "string", "enum": ["user", "service_account", "group", "system"]},
            "path_prefix": {"type": "string"}, "success": {"type": "boolean"}, "source_ip": {"type": "string"},
        }),
    )
}

fn create() -> Value {
    let destination = closed(
        &["type"],
        json!({
            "type": store(), "bucket": nullable("string"), "prefix": nullable("string"), "credentials_path": nullable("string"),
            "region": nullable("string"), "endpoint": nullable("string"),
        }),
    );
    closed(
        &["format", "from", "to", "destination"],
        json!({
            "format": format(), "from": time(), "to": time(), "filters": filters(), "platform": {"type": "boolean"},
            "destination": destination,
        }),
    )
}

fn export() -> Value {
    let destination = object(
        &["type", "bucket", "prefix", "region", "endpoint", "credentials_path"],
        json!({
            "type": store(), "bucket": nullable("string"), "prefix": {"type": "string"}, "region": nullable("string"),
            "endpoint": nullable("string"), "credentials_path": nullable("string"),
        }),
    );
    let file = object(
        &["name", "sha256", "bytes", "entries"],
        json!({
            "name": {"type": "string"}, "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "bytes": {"type": "integer"}, "entries": {"type": "integer"},
        }),
    );
    object(
        &[
            "id",
            "status",
            "format",
            "from",
            "to",
            "filters",
            "destination",
            "created_at",
            "created_by",
            "completed_at",
            "entries",
            "entries_total",
            "manifest",
            "error",
        ],
        json!({
            "id": {"type": "string"}, "status": status(), "format": format(), "from": time(), "to": time(), "filters": filters(),
            "destination": destination, "created_at": time(), "created_by": {"type": "string"},
            "completed_at": time_or_null(), "entries": {"type": "integer"}, "entries_total": nullable("integer"),
            "manifest": {"type": ["array", "null"], "items": file},
            "error": {"type": ["object", "null"], "required": ["code", "message"], "properties": {
                "code": {"type": "string"}, "message": {"type": "string"},
            }},
        }),
    )
}
