//! Shapes of webhooks and their deliveries.

use serde_json::{Value, json};

use super::{closed, nullable, object, page, secret_type, time, time_or_null};

/// Its schemas.
pub(super) fn all() -> Value {
    json!({
        "Webhook": closed(&["name", "url", "secret", "events"], properties(false)),
        "WebhookChange": closed(&[], properties(true)),
        "WebhookShown": object(SHOWN, shown()),
        "WebhookDetail": detail(),
        "WebhookList": page("webhooks", row()),
        "WebhookTest": object(
            &["delivery_id", "status", "response_code", "duration_ms", "error"],
            json!({
                "delivery_id": {"type": "string"}, "status": delivery_status(), "response_code": nullable("integer"),
                "duration_ms": nullable("integer"), "error": nullable("string"),
            }),
        ),
        "WebhookDelivery": object(DELIVERY, delivery()),
        "WebhookDeliveryDetail": delivery_detail(),
        "WebhookDeliveryList": page("deliveries", json!({"$ref": "#/components/schemas/WebhookDelivery"})),
        "WebhookReplay": closed(&["from"], json!({"from": time(), "to": time_or_null(), "events": events()})),
        "WebhookReplayQueued": object(
            &["webhook_id", "from", "to", "status", "events_queued"],
            json!({
                "webhook_id": {"type": "string"}, "from": time(), "to": time(),
                "status": {"type": "string", "enum": ["queued"]}, "events_queued": {"type": "integer"},
            }),
        ),
    })
}

fn events() -> Value {
    json!({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 100, "examples": [["secret.rotated", "rotation.*"]]})
}

fn properties(patching: bool) -> Value {
    let or_null = |kind: &str| if patching { json!([kind, "null"]) } else { json!(kind) };
    let filters = closed(
        &[],
        json!({
            "path_prefix": {"type": ["string", "null"], "maxLength": 512},
            "secret_type": {"anyOf": [secret_type(), {"type": "null"}]},
            "tags": {"type": ["array", "null"], "items": {"type": "string", "minLength": 1, "maxLength": 64}, "maxItems": 50},
        }),
    );
    let mut properties = json!({
        "name": {"type": "string", "minLength": 1, "maxLength": 128},
        "url": {"type": "string", "format": "uri", "maxLength": 2048},
        "secret": {"type": "string", "format": "password", "minLength": 8, "maxLength": 256},
        "events": events(),
        "filters": {"anyOf": [filters, {"type": "null"}]},
        "format": {"type": or_null("string"), "enum": ["scaivault", "cloudevents"]},
        "ed25519": {"type": or_null("boolean")},
        "ca_pem": {"type": ["string", "null"], "maxLength": 65536},
        "enabled": {"type": or_null("boolean")},
    });
    if let (true, Some(properties)) = (patching, properties.as_object_mut()) {
        properties
            .insert("format".into(), json!({"type": ["string", "null"], "enum": ["scaivault", "cloudevents", null]}));
        properties.insert("previous_secret_ttl".into(), json!({"type": ["string", "null"]}));
    }
    properties
}

const SHOWN: &[&str] = &[
    "id",
    "name",
    "url",
    "events",
    "filters",
    "format",
    "ed25519",
    "public_key",
    "ca_pem",
    "enabled",
    "status",
    "disabled_reason",
    "previous_secret_expires_at",
    "created_by",
    "created_at",
    "updated_at",
];

fn status() -> Value {
    json!({"type": "string", "enum": ["healthy", "degraded", "failing", "disabled"]})
}

fn shown() -> Value {
    let filters = json!({
        "path_prefix": {"type": "string"}, "secret_type": secret_type(),
        "tags": {"type": "array", "items": {"type": "string"}},
    });
    json!({
        "id": {"type": "string", "pattern": "^wh_"}, "name": {"type": "string"}, "url": {"type": "string"},
        "events": events(), "filters": object(&[], filters),
        "format": {"type": "string", "enum": ["scaivault", "cloudevents"]}, "ed25519": {"type": "boolean"},
        "public_key": nullable("string"), "ca_pem": nullable("string"), "enabled": {"type": "boolean"}, "status": status(),
        "disabled_reason": {"type": ["string", "null"], "enum": ["requested", "gone", "failing", null]},
        "previous_secret_expires_at": time_or_null(), "created_by": {"type": "string"}, "created_at": time(),
        "updated_at": time(),
    })
}

fn detail() -> Value {
    let required: Vec<&str> = SHOWN.iter().copied().chain(["statistics", "last_delivery"]).collect();
    let statistics = object(
        &["deliveries_24h", "success_rate_24h", "avg_latency_ms"],
        json!({
            "deliveries_24h": {"type": "integer"}, "success_rate_24h": nullable("number"),
            "avg_latency_ms": nullable("integer"),
        }),
    );
    let last = object(
        &["id", "timestamp", "status", "response_code"],
        json!({
            "id": {"type": "string"}, "timestamp": time(), "status": delivery_status(), "response_code": nullable("integer"),
        }),
    );
    let mut properties = shown();
    if let Some(properties) = properties.as_object_mut() {
        properties.insert("statistics".into(), statistics);
        properties.insert("last_delivery".into(), json!({"anyOf": [last, {"type": "null"}]}));
    }
    object(&required, properties)
}

fn row() -> Value {
    object(
        &["id", "name", "url", "events", "enabled", "status", "created_at"],
        json!({
            "id": {"type": "string"}, "name": {"type": "string"}, "url": {"type": "string"}, "events": events(),
            "enabled": {"type": "boolean"}, "status": status(), "created_at": time(),
        }),
    )
}

fn delivery_status() -> Value {
    json!({"type": "string", "enum": ["success", "failed", "pending"]})
}

const DELIVERY: &[&str] = &[
    "id",
    "event_id",
    "event_type",
    "timestamp",
    "status",
    "response_code",
    "duration_ms",
    "attempt",
    "next_attempt_at",
    "error",
];

fn delivery() -> Value {
    json!({
        "id": {"type": "string", "pattern": "^del_"}, "event_id": {"type": "string"}, "event_type": {"type": "string"},
        "timestamp": time(), "status": delivery_status(), "response_code": nullable("integer"),
        "duration_ms": nullable("integer"), "attempt": {"type": "integer"}, "next_attempt_at": time_or_null(),
        "error": nullable("string"),
    })
}

fn delivery_detail() -> Value {
    let attempt = object(
        &["attempt", "timestamp", "response_code", "duration_ms", "error", "response_body"],
        json!({
            "attempt": {"type": "integer"}, "timestamp": time(), "response_code": nullable("integer"),
            "duration_ms": nullable("integer"), "error": nullable("string"), "response_body": nullable("string"),
        }),
    );
    let required: Vec<&str> = DELIVERY.iter().copied().chain(["attempts"]).collect();
    let mut properties = delivery();
    if let Some(properties) = properties.as_object_mut() {
        properties.insert("attempts".into(), json!({"type": "array", "items": attempt}));
    }
    object(&required, properties)
}
