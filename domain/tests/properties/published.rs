//! Published events: ids in log order, envelopes with every field of the catalogue.

use proptest::prelude::*;
use scaivault_domain::endpoint::DisabledReason;
use scaivault_domain::id::WebhookId;
use scaivault_domain::publication::{EventKey, publish, publish_entry};
use scaivault_domain::webhook::WebhookEvent;
use scaivault_domain::{Event, EventBody, IdentityId, Owner, PartnerId, Recorded, TenantId, Timestamp};
use serde_json::{Value, json};

use crate::codec::body;

/// `data` fields of the catalogue; `?` marks one that may be left out.
const CATALOGUE: [(&str, &str); 25] = [
    ("secret.created", "version secret_type created_by tags expires_at"),
    ("secret.updated", "old_version new_version updated_by is_rotation"),
    ("secret.metadata_updated", "version changed updated_by"),
    ("secret.deleted", "version_count deleted_by permanent recoverable_until?"),
    ("secret.restored", "version restored_by"),
    ("secret.version_destroyed", "version reason destroyed_by"),
    (
        "secret.rotated",
        "old_version new_version rotation_policy_id rotation_policy_name grace_period_ends auto_generated",
    ),
    ("rotation.due", "rotation_policy_id rotation_policy_name due_at threshold warn_before due_now"),
    ("rotation.overdue", "rotation_policy_id rotation_policy_name due_at overdue_since"),
    ("rotation.completed", "old_version new_version rotation_policy_id duration_ms auto_generated"),
    ("rotation.failed", "rotation_policy_id error attempt next_attempt_at"),
    (
        "rotation.stragglers",
        "old_version new_version rotation_policy_id rotation_policy_name grace_period_ends ended moved_count \
         straggler_count stragglers",
    ),
    ("secret.expiring", "expires_at days_remaining threshold"),
    ("secret.expired", "expires_at"),
    ("token.created", "token_id kind name identity_id scopes expires_at"),
    ("identity.synced", "sync_id status created updated deleted unchanged error"),
    ("token.revoked", "token_id kind identity_id revoked_by"),
    ("policy.created", "policy_id name revision rule_count changed_by"),
    ("policy.updated", "policy_id name revision rule_count changed_by"),
    ("policy.deleted", "policy_id name revision rule_count changed_by"),
    ("policy.binding.created", "policy_id binding_id identity_type identity_id"),
    ("policy.binding.deleted", "policy_id binding_id identity_type identity_id"),
    ("secret.accessed", "version access"),
    ("policy.violation", "permission reason failed_condition source_ip"),
    ("webhook.disabled", "webhook_id name reason last_error"),
];

fn check_fields(event_type: &str, data: &serde_json::Value) {
    let (_, fields) = CATALOGUE.iter().find(|(name, _)| *name == event_type).expect(event_type);
    let object = data.as_object().unwrap();
    for field in fields.split(' ').filter(|field| !field.ends_with('?')) {
        assert!(object.contains_key(field), "{event_type} lacks {field}");
    }
    for key in object.keys() {
        assert!(fields.split(' ').any(|field| field.trim_end_matches('?') == key), "{event_type} has {key}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ids_sort_in_log_order(
        start in 0_i64..4_000_000_000_000_000,
        records in prop::collection::vec((0_i64..3_000, body()), 1..20),
        first in 1_u64..1 << 55,
    ) {
        let owner = Owner::Tenant(TenantId::parse("tnt_acme_prod").unwrap());
        let mut at = start;
        let mut ids = Vec::new();
        for (position, (later, body)) in (first..).zip(records) {
            at += later;
            let recorded = Recorded { position, recorded_at: Timestamp::from_micros(at), body };
            let told: Vec<_> = publish(&recorded, &owner, None).into_iter().map(|event| event.event_id).collect();
            let again: Vec<_> = publish(&recorded, &owner, None).into_iter().map(|event| event.event_id).collect();
            prop_assert_eq!(&told, &again);
            ids.extend(told);
        }
        let mut sorted = ids.clone();
        sorted.sort();
        sorted.dedup();
        prop_assert_eq!(ids, sorted);
    }

    #[test]
    fn envelopes_hold_what_the_catalogue_says(body in body()) {
        let tenant = TenantId::parse("tnt_acme_prod").unwrap();
        let partner = PartnerId::parse("ptn_acme").unwrap();
        let EventBody { actor, request_id, .. } = body.clone();
        let recorded = Recorded { position: 7, recorded_at: body.at, body };
        for event in publish(&recorded, &Owner::Tenant(tenant), Some(&partner)) {
            check_fields(event.event_type, &event.data);
            let envelope = event.envelope();
            assert_eq!(envelope["tenant_id"], "tnt_acme_prod");
            assert_eq!(envelope["partner_id"], "ptn_acme");
            assert_eq!(envelope["identity_id"], actor.as_str());
            assert_eq!(envelope["request_id"], request_id.as_str());
            assert_eq!(envelope["timestamp"], event.timestamp.to_string());
            assert_eq!(envelope.get("path").is_some(), ["secret.", "rotation."].iter().any(|of| event.event_type.starts_with(of)));
        }
        for event in publish(&recorded, &Owner::Partner(partner.clone()), Some(&partner)) {
            assert!(event.envelope()["tenant_id"].is_null());
        }
    }
}

#[test]
fn an_id_is_a_prefixed_ulid() {
    let id = EventKey::of(1).id(Timestamp::from_micros(1_776_952_800_000_000));
    let ulid = id.strip_prefix("evt_").unwrap();
    assert_eq!(ulid.len(), 26);
    assert!(ulid.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()));
}

#[test]
fn what_is_given_up_read_or_denied_is_told_by_the_catalogue() {
    let at = Timestamp::from_micros(1_776_952_800_000_000);
    let owner = Owner::Tenant(TenantId::parse("tnt_acme_prod").unwrap());
    let event = Event::Webhook(WebhookEvent::Disabled {
        id: WebhookId::parse("wh_1").unwrap(),
        name: "w".into(),
        reason: DisabledReason::Failing,
        last_error: None,
    });
    let actor = IdentityId::system(IdentityId::WEBHOOK_DISPATCHER);
    let body = EventBody { at, actor, request_id: "req_1".into(), event };
    let told = publish(&Recorded { position: 7, recorded_at: at, body }, &owner, None);
    assert_eq!((told.len(), told[0].event_type), (1, "webhook.disabled"));
    check_fields(told[0].event_type, &told[0].data);
    let entry = |action: &str, success: bool, version: Option<u32>, extra: Value| {
        let entry = json!({
            "action": action, "identity_id": "user:alice@acme.example", "request_id": "req_1", "secret_path": "app/db",
            "secret_version": version, "source_ip": "10.0.0.1", "success": success, "timestamp": at, "extra_data": extra,
        });
        publish_entry((&entry.to_string(), None), EventKey::of(8), at, &owner, None)
    };
    let read = entry("read", true, Some(3), json!({"permission": "read", "policy_id": null})).unwrap();
    let denied = entry("read", false, None, json!({"permission": "read"})).unwrap();
    assert_eq!((read.event_type, denied.event_type), ("secret.accessed", "policy.violation"));
    assert_eq!(denied.data["reason"], "no_matching_rule");
    for told in [read, denied] {
        check_fields(told.event_type, &told.data);
        assert_eq!(told.envelope()["path"], "app/db");
    }
    assert_eq!(entry("list", true, None, json!({})), None);
}
