//! Every event comes back from its stored form as it was.

use std::sync::Arc;

use proptest::prelude::*;
use scaivault_domain::audit::AuditErased;
use scaivault_domain::event::{DecodeError, SCHEMA_VERSION};
use scaivault_domain::idempotency::OutcomeKept;
use scaivault_domain::installation::{ClockMoved, PartnerCreated, TenantCreated, UserCreated};
use scaivault_domain::secret::event::{DestroyReason, Rotation};
use scaivault_domain::secret::metadata::OwnValue;
use scaivault_domain::secret::{Metadata, NoticeTimes, Options, SecretEvent, SecretType};
use scaivault_domain::secret_policy::{PolicyUid, SecretPolicyId, SecretPolicyReference};
use scaivault_domain::token::{TokenCreated, TokenKind, TokenRevoked};
use scaivault_domain::{
    DurationText, Event, EventBody, IdentityId, PartnerId, Pattern, Role, Scope, SecretPath, TenantId, Timestamp,
    TokenId, access::Narrowing, id::UserId,
};

use crate::identities::identity_event;

pub fn moment() -> impl Strategy<Value = Timestamp> {
    (0_i64..=i64::MAX).prop_map(Timestamp::from_micros)
}

pub fn option<S: Strategy>(strategy: S) -> impl Strategy<Value = Option<S::Value>> {
    prop::option::of(strategy)
}

pub fn text() -> impl Strategy<Value = String> {
    "\\PC{0,12}|[\\x00-\\x7f]{0,12}"
}

pub fn identity() -> impl Strategy<Value = IdentityId> {
    "(user|sa|group|system|dynamic):[a-z@.ü-]{1,20}".prop_map(|text| IdentityId::parse(&text).unwrap())
}

pub fn duration() -> impl Strategy<Value = DurationText> {
    "[1-9][0-9]{0,2}[smhdw]".prop_map(|text| DurationText::parse(&text).unwrap())
}

fn secret_policy() -> impl Strategy<Value = Arc<SecretPolicyReference>> {
    ("[a-z0-9]{1,9}(_[a-z0-9]{1,9})?", any::<u128>()).prop_map(|(slug, uid)| {
        let id = SecretPolicyId::parse(&format!("sp_{slug}")).unwrap();
        Arc::new(SecretPolicyReference { id, uid: PolicyUid(uid.into()) })
    })
}

fn options() -> impl Strategy<Value = Options> {
    let notices = prop::sample::select(vec!["30d,7d,1d", "1h", " 1d , 2d"]).prop_map(NoticeTimes::parse);
    (1_u32..=100, option(duration()), prop_oneof![Just(None), notices], option(secret_policy())).prop_map(
        |(max_versions, expires_in, notify_before, secret_policy)| Options {
            max_versions,
            expires_in,
            notify_before,
            secret_policy,
        },
    )
}

fn own_value() -> impl Strategy<Value = OwnValue> {
    let number = prop_oneof![
        any::<i64>().prop_map(serde_json::Number::from),
        any::<u64>().prop_map(serde_json::Number::from),
        any::<f64>().prop_filter_map("finite", serde_json::Number::from_f64),
    ];
    prop_oneof![
        text().prop_map(|text| OwnValue::Text(text.into())),
        any::<bool>().prop_map(OwnValue::Boolean),
        number.prop_map(OwnValue::Number),
    ]
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let tags = prop::collection::vec(text().prop_map(Into::into), 0..4).prop_map(Into::into);
    let own = prop::collection::btree_map("[A-Za-z0-9_.-]{1,9}".prop_map(Into::into), own_value(), 0..4);
    (option(text()), option(tags), option(text()), own).prop_map(|(description, tags, owner, own)| Metadata {
        description: description.map(Into::into),
        tags,
        owner: owner.map(Into::into),
        own: own.into(),
    })
}

fn secret_event() -> impl Strategy<Value = SecretEvent> {
    let kind = prop::sample::select(SecretType::ALL.to_vec());
    let reason =
        prop::sample::select(vec![DestroyReason::Requested, DestroyReason::AgedOut, DestroyReason::RecoveryEnded]);
    let rotation =
        (moment(), option(text()), option(crate::rotations::under())).prop_map(|(grace_ends_at, reason, under)| {
            Rotation { grace_ends_at, reason: reason.map(Into::into), under: under.map(Box::new) }
        });
    let number = any::<u32>();
    prop_oneof![
        (kind.clone(), metadata(), options(), option(moment())).prop_map(
            |(secret_type, metadata, options, expires_at)| SecretEvent::Created {
                secret_type,
                metadata,
                options,
                expires_at
            }
        ),
        (number, option(number), kind, option(metadata()), option(options()), option(moment()), option(rotation))
            .prop_map(|(version, previous_version, secret_type, metadata, options, expires_at, rotation)| {
                SecretEvent::VersionAdded {
                    version,
                    previous_version,
                    secret_type,
                    metadata,
                    options,
                    expires_at,
                    rotation,
                }
            }),
        (option(number), option(metadata()), option(options()), option(moment())).prop_map(
            |(version, metadata, options, expires_at)| SecretEvent::MetadataUpdated {
                version,
                metadata,
                options,
                expires_at
            }
        ),
        (number, reason.clone()).prop_map(|(version, reason)| SecretEvent::VersionDestroyed { version, reason }),
        (number, moment())
            .prop_map(|(version, recoverable_until)| SecretEvent::VersionDeleted { version, recoverable_until }),
        (number, any::<bool>())
            .prop_map(|(version, with_secret)| SecretEvent::VersionRestored { version, with_secret }),
        (number, number)
            .prop_map(|(old_version, new_version)| SecretEvent::CurrentVersionChanged { old_version, new_version }),
        (moment(), number)
            .prop_map(|(recoverable_until, version_count)| SecretEvent::Deleted { recoverable_until, version_count }),
        number.prop_map(|version| SecretEvent::Restored { version }),
        (reason, number).prop_map(|(reason, version_count)| SecretEvent::Destroyed { reason, version_count }),
        (duration(), moment(), any::<i64>()).prop_map(|(threshold, expires_at, days_remaining)| {
            SecretEvent::ExpiryAnnounced { threshold, expires_at, days_remaining }
        }),
        moment().prop_map(|expires_at| SecretEvent::Expired { expires_at }),
        crate::rotations::event(),
    ]
}

fn token_kind() -> impl Strategy<Value = TokenKind> {
    prop::sample::select(vec![TokenKind::Personal, TokenKind::Bootstrap, TokenKind::DevRoot])
}

fn token_id() -> impl Strategy<Value = TokenId> {
    "tok_[0-9A-Z]{26}".prop_map(|text| TokenId::parse(&text).unwrap())
}

fn token_created() -> impl Strategy<Value = TokenCreated> {
    let narrowing = (any::<bool>(), any::<bool>()).prop_map(|(paths, addresses)| Narrowing {
        allowed_paths: if paths { vec![vec![Pattern::parse("app/**").unwrap()]] } else { Vec::new() },
        allowed_ips: if addresses { vec![vec!["10.0.0.0/8".parse().unwrap()]] } else { Vec::new() },
        highest_role: None,
    });
    let scopes = prop::collection::vec(prop::sample::select(Scope::ALL.to_vec()), 0..5);
    let ids = (option("tnt_[a-z]{1,9}"), option("ptn_[a-z]{1,9}"));
    let rest = (any::<(bool, bool)>(), option(token_id()), option(moment()));
    (token_id(), token_kind(), text(), identity(), ids, scopes, narrowing, rest).prop_map(
        |(id, kind, name, identity, (tenant, partner), scopes, narrowing, (own_narrowing, made_with, expires_at))| {
            TokenCreated {
                id,
                kind,
                name,
                hash: "ab".repeat(32),
                prefix: "skt_0aB4".into(),
                identity,
                tenant_id: tenant.and_then(|text| TenantId::parse(&text)),
                partner_id: partner.and_then(|text| PartnerId::parse(&text)),
                scopes: scopes.into_iter().collect(),
                narrowing,
                own_narrowing,
                made_with,
                made_with_jwt: None,
                exchange_rule: None,
                expires_at,
            }
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let path = "[a-z0-9_-]{1,9}(/[a-z0-9_-]{1,9}){0,3}/x".prop_map(|text| SecretPath::parse(&text));
    let path = path.prop_filter_map("reserved", Result::ok);
    let partner = "ptn_[a-z]{1,9}".prop_map(|text| PartnerId::parse(&text).unwrap());
    let tenant = "tnt_[a-z]{1,9}".prop_map(|text| TenantId::parse(&text).unwrap());
    let roles = prop::collection::vec(
        prop::sample::select(vec![Role::SuperAdmin, Role::PartnerAdmin, Role::TenantAdmin]),
        0..3,
    );
    prop_oneof![
        // Boxed: the choices of all of them at once are more than a thread's stack holds.
        12 => (path, secret_event()).prop_map(|(path, event)| Event::Secret(path, event)).boxed(),
        6 => identity_event().prop_map(Event::Identity).boxed(),
        3 => crate::issuers::event().boxed(),
        3 => crate::exports::event().prop_map(Event::Export).boxed(),
        3 => crate::policies::event().prop_map(Event::Policy).boxed(),
        2 => crate::replays::event().prop_map(Event::Replay).boxed(),
        1 => token_created().prop_map(Event::TokenCreated).boxed(),
        1 => (token_id(), token_kind(), identity())
            .prop_map(|(id, kind, identity)| Event::TokenRevoked(TokenRevoked { id, kind, identity })),
        1 => (partner.clone(), text(), text())
            .prop_map(|(id, name, slug)| Event::PartnerCreated(PartnerCreated { id, name, slug })),
        1 => (tenant.clone(), partner.clone(), text(), text()).prop_map(|(id, partner_id, name, slug)| {
            Event::TenantCreated(TenantCreated { id, partner_id, name, slug })
        }),
        1 => (identity(), tenant, partner, text(), roles).prop_map(
            |(identity, tenant_id, partner_id, display_name, roles)| Event::UserCreated(UserCreated {
                id: UserId::parse("usr_1").unwrap(), identity, tenant_id, partner_id, display_name, roles,
            })
        ),
        1 => any::<u64>().prop_map(|up_to| Event::AuditErased(AuditErased { up_to })),
        1 => any::<i64>().prop_map(|offset_micros| Event::ClockMoved(ClockMoved { offset_micros })),
        1 => (identity(), any::<u16>(), option(text()), moment()).prop_map(|(identity, status, etag, expires_at)| {
            Event::OutcomeKept(OutcomeKept {
                identity, key_sha256: "cd".repeat(32), request_sha256: "ef".repeat(32), status, etag, expires_at,
            })
        }),
    ]
}

pub fn body() -> impl Strategy<Value = EventBody> {
    (moment(), identity(), text(), event()).prop_map(|(at, actor, request_id, event)| EventBody {
        at,
        actor,
        request_id,
        event,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_event_comes_back_as_it_was(body in body()) {
        let json = body.encode().unwrap();
        let decoded = EventBody::decode(body.event.kind(), SCHEMA_VERSION, &json).unwrap();
        prop_assert_eq!(decoded, body);
    }

    #[test]
    fn what_a_later_version_adds_to_a_body_is_passed_over(body in body(), name in "later_[a-z]{1,9}") {
        let mut json: serde_json::Value = serde_json::from_slice(&body.encode().unwrap()).unwrap();
        json[&name] = serde_json::json!([1, {"two": null}]);
        // What happened to a secret stands in `data` under the name of its type.
        let mut data = &mut json["data"];
        if data.get(body.event.kind()).is_some() {
            data = &mut data[body.event.kind()];
        }
        data[&name] = "three".into();
        let decoded = EventBody::decode(body.event.kind(), SCHEMA_VERSION, json.to_string().as_bytes()).unwrap();
        prop_assert_eq!(decoded, body);
    }

    #[test]
    fn a_body_is_of_its_type_only(body in body()) {
        let json = body.encode().unwrap();
        for kind in SecretEvent::KINDS.into_iter().filter(|kind| *kind != body.event.kind()) {
            let refused = EventBody::decode(kind, SCHEMA_VERSION, &json);
            prop_assert!(matches!(refused, Err(DecodeError::Malformed { .. })), "{kind}");
        }
        let later = EventBody::decode(body.event.kind(), SCHEMA_VERSION + 1, &json);
        let unknown = matches!(later, Err(DecodeError::Unknown { .. }));
        prop_assert!(unknown);
    }

    #[test]
    fn no_stored_text_panics(kind in "[a-z._]{1,20}", json in text()) {
        let _ = EventBody::decode(&kind, SCHEMA_VERSION, json.as_bytes());
        for kind in Event::kinds() {
            let refused = EventBody::decode(kind, SCHEMA_VERSION, json.as_bytes());
            prop_assert!(refused.is_err());
        }
    }
}

#[test]
fn a_type_of_a_later_build_is_told_from_damage() {
    for kind in ["secret.renamed", "secret.", "token.renewed", "access.recorded", ""] {
        let refused = EventBody::decode(kind, SCHEMA_VERSION, b"{}");
        assert!(matches!(refused, Err(DecodeError::Unknown { .. })), "{kind}");
    }
}
