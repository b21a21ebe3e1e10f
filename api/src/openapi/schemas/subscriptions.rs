//! Shapes of subscriptions and their events.

use serde_json::{Value, json};

use super::{closed, duration, nullable, object, page, time, time_or_null};

/// Its schemas.
pub(super) fn all() -> Value {
    let event_ids = json!({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 1000});
    json!({
        "Subscription": closed(&["name", "paths", "events", "delivery"], properties(false)),
        "SubscriptionChange": closed(&[], properties(true)),
        "SubscriptionShown": shown(),
        "SubscriptionList": page("subscriptions", json!({"$ref": "#/components/schemas/SubscriptionShown"})),
        "PolledEvents": object(&["events", "has_more"], json!({
            "events": {"type": "array", "items": event()}, "has_more": {"type": "boolean"}, "truncated": {"type": "boolean"},
        })),
        "AcknowledgeEvents": closed(&["event_ids"], json!({"event_ids": event_ids})),
        "EventsAcknowledged": object(&["acknowledged"], json!({"acknowledged": {"type": "integer"}})),
    })
}

fn event() -> Value {
    object(
        &["event_id", "event_type", "timestamp", "data"],
        json!({
            "event_id": {"type": "string"}, "event_type": {"type": "string"}, "timestamp": time(),
            "path": {"type": "string"}, "data": {"type": "object"},
        }),
    )
}

fn properties(patching: bool) -> Value {
    let or_null = |kind: &str| if patching { nullable(kind) } else { json!({"type": kind}) };
    let with = |mut shape: Value, more: Value| {
        if let (Some(shape), Some(more)) = (shape.as_object_mut(), more.as_object()) {
            shape.extend(more.clone());
        }
        shape
    };
    let mut delivery = json!({
        "type": {"type": "string", "enum": ["webhook", "polling"]},
        "url": {"type": "string", "maxLength": 2048},
        "secret": {"type": "string", "minLength": 8, "maxLength": 256},
        "format": or_null("string"),
        "ed25519": or_null("boolean"),
        "ca_pem": nullable("string"),
        "buffer_size": with(or_null("integer"), json!({"minimum": 1, "maximum": 100_000})),
    });
    if let (true, Some(delivery)) = (patching, delivery.as_object_mut()) {
        delivery.insert("previous_secret_ttl".into(), duration());
    }
    let filters = closed(
        &[],
        json!({
            "path_prefix": nullable("string"), "secret_type": nullable("string"),
            "tags": {"type": ["array", "null"], "items": {"type": "string"}},
        }),
    );
    json!({
        "name": {"type": "string", "minLength": 1, "maxLength": 128},
        "paths": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 50},
        "events": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 100},
        "filters": {"anyOf": [filters, {"type": "null"}]},
        "delivery": closed(if patching { &[] } else { &["type"] }, delivery),
    })
}

fn shown() -> Value {
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let delivery = object(
        &["type"],
        json!({
            "type": {"type": "string", "enum": ["webhook", "polling"]}, "buffer_size": {"type": "integer"},
            "url": {"type": "string"}, "format": {"type": "string"}, "ed25519": {"type": "boolean"},
            "public_key": nullable("string"), "ca_pem": nullable("string"), "secret": {"type": "string"},
        }),
    );
    object(
        &[
            "id",
            "name",
            "status",
            "identity_id",
            "paths",
            "events",
            "filters",
            "delivery",
            "pending_events",
            "oldest_pending_at",
            "truncated",
            "last_delivery_at",
            "created_at",
            "updated_at",
        ],
        json!({
            "id": {"type": "string"}, "name": {"type": "string"},
            "status": {"type": "string", "enum": ["active", "paused", "disabled"]}, "identity_id": {"type": "string"},
            "paths": texts, "events": texts, "filters": {"type": "object"}, "delivery": delivery,
            "pending_events": {"type": "integer"}, "oldest_pending_at": time_or_null(), "truncated": {"type": "boolean"},
            "last_delivery_at": time_or_null(), "created_at": time(), "updated_at": time(),
        }),
    )
}
