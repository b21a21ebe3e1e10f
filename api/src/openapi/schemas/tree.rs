//! Shapes of what proves the audit log.

use serde_json::{Value, json};

use super::{closed, nullable, object, page, time};

pub(super) fn all() -> Value {
    json!({
        "AuditCheckpoint": object(&["origin", "tree_size", "root_hash", "timestamp", "note"], json!({
            "origin": {"type": "string"}, "tree_size": {"type": "integer"}, "root_hash": base64(), "timestamp": time(),
            "note": {"type": "string", "description": "The signed note: what is answered as text/plain unless JSON is asked for."},
        })),
        "AuditPublicKey": object(&["origin", "algorithm", "verifier_key", "public_key_pem", "previous"], json!({
            "origin": {"type": "string"}, "algorithm": {"type": "string", "const": "ed25519"},
            "verifier_key": {"type": "string"}, "public_key_pem": {"type": "string"},
            "previous": {"type": "array", "items": {"type": "string"}},
        })),
        "AuditInclusion": object(
            &["position", "leaf_index", "tree_size", "leaf_data", "leaf_hash", "hashes", "root_hash", "entry"],
            json!({
                "position": {"type": "integer"}, "leaf_index": {"type": "integer"}, "tree_size": {"type": "integer"},
                "leaf_data": nullable("string"), "leaf_hash": base64(), "hashes": {"type": "array", "items": base64()},
                "root_hash": base64(), "entry": nullable("object"),
            }),
        ),
        "AuditBundle": object(
            &["format", "created_at", "origin", "verifier_key", "previous_keys", "checkpoint", "tree_size", "query", "records"],
            json!({
                "format": {"type": "string", "const": "scaivault-audit-bundle/1"}, "created_at": time(),
                "origin": {"type": "string"}, "verifier_key": {"type": "string"},
                "previous_keys": {"type": "array", "items": {"type": "string"}}, "checkpoint": {"type": "string"},
                "tree_size": {"type": "integer"}, "query": {"type": "object"},
                "records": {"type": "array", "items": object(
                    &["position", "leaf_data", "hashes", "entry_count", "entries"],
                    json!({
                        "position": {"type": "integer"}, "leaf_data": base64(), "hashes": {"type": "array", "items": base64()},
                        "entry_count": {"type": "integer"},
                        "entries": {"type": "array", "items": object(&["index", "salt", "hashes", "entry"], json!({
                            "index": {"type": "integer"}, "salt": base64(), "hashes": {"type": "array", "items": base64()},
                            "entry": {"$ref": "#/components/schemas/AuditEntry"},
                        }))},
                    }),
                )},
            }),
        ),
        "AuditConsistency": object(&["from", "to", "from_root", "to_root", "hashes"], json!({
            "from": {"type": "integer"}, "to": {"type": "integer"}, "from_root": base64(), "to_root": base64(),
            "hashes": {"type": "array", "items": base64()},
        })),
        "AuditLeaves": page("leaves", object(&["position", "leaf_hash", "leaf_data"], json!({
            "position": {"type": "integer"}, "leaf_hash": base64(), "leaf_data": nullable("string"),
        }))),
        "VerifyAudit": closed(&[], json!({
            "from_position": {"type": "integer", "minimum": 1}, "limit": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
        })),
        "AuditVerified": object(
            &["ok", "from_position", "to_position", "complete", "tree_size", "root_hash", "first_bad_position", "reason", "duration_ms"],
            json!({
                "ok": {"type": "boolean"}, "from_position": {"type": "integer"}, "to_position": {"type": "integer"},
                "complete": {"type": "boolean"}, "tree_size": {"type": "integer"}, "root_hash": base64(),
                "first_bad_position": nullable("integer"),
                "reason": {"type": ["string", "null"], "enum": [
                    "hole", "body_mismatch", "seal_broken", "entry_mismatch", "leaf_mismatch", "root_mismatch", "truncated",
                    "checkpoint_invalid", null,
                ]},
                "duration_ms": {"type": "integer"},
            }),
        ),
    })
}

fn base64() -> Value {
    json!({"type": "string", "contentEncoding": "base64"})
}
