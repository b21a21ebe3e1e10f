//! One event of each stored type, with all its fields; where fields are optional, one without.

#[path = "export_samples.rs"]
mod export_samples;
mod identities;
#[path = "issuer_samples.rs"]
mod issuer_samples;
#[path = "replay_samples.rs"]
mod replay_samples;
#[path = "rotation_samples.rs"]
mod rotation_samples;
#[path = "secret_policy_samples.rs"]
mod secret_policy_samples;
#[path = "subscription_samples.rs"]
mod subscription_samples;
#[path = "webhook_samples.rs"]
mod webhook_samples;

use std::collections::BTreeMap;
use std::sync::Arc;

use scaivault_domain::access::{Narrowing, Permission};
use scaivault_domain::audit::AuditErased;
use scaivault_domain::id::{BindingId, UserId};
use scaivault_domain::idempotency::OutcomeKept;
use scaivault_domain::installation::{ClockMoved, PartnerCreated, TenantCreated, UserCreated};
use scaivault_domain::policy::condition::IpRange;
use scaivault_domain::policy::window::WindowText;
use scaivault_domain::policy::{Binding, Conditions, Content, PolicyEvent, Rule, TimeWindow};
use scaivault_domain::secret::event::{DestroyReason, Rotation};
use scaivault_domain::secret::metadata::OwnValue;
use scaivault_domain::secret::{Metadata, NoticeTimes, Options, SecretEvent, SecretType};
use scaivault_domain::token::{TokenCreated, TokenKind, TokenRevoked};
use scaivault_domain::{
    DurationText, Event, EventBody, IdentityId, PartnerId, Pattern, PolicyId, Role, Scope, SecretPath, TenantId,
    Timestamp, TokenId,
};

/// 2026-04-23T14:00:00.123456Z.
const AT: i64 = 1_776_952_800_123_456;

fn at(days: i64) -> Timestamp {
    Timestamp::from_micros(AT).plus_seconds(days * 86_400)
}

fn alice() -> IdentityId {
    IdentityId::user("alice@acme.example")
}

fn body(event: Event) -> EventBody {
    EventBody { at: at(0), actor: alice(), request_id: "req_01JX5T3ZHVB2D4F6H8K0M2P4R6".into(), event }
}

fn tenant() -> TenantId {
    TenantId::parse("tnt_acme_prod").unwrap()
}

fn partner() -> PartnerId {
    PartnerId::parse("ptn_acme").unwrap()
}

fn token(last: char) -> TokenId {
    TokenId::parse(&format!("tok_01JX5T3ZHVB2D4F6H8K0M2P4R{last}")).unwrap()
}

fn metadata() -> Metadata {
    let tags: Vec<Arc<str>> = vec!["salesforce".into(), "oauth".into()];
    Metadata {
        description: Some("Salesforce OAuth credentials".into()),
        tags: Some(tags.into()),
        owner: Some("team:integrations".into()),
        own: BTreeMap::from([
            ("critical".into(), OwnValue::Boolean(true)),
            ("region".into(), OwnValue::Text("eu".into())),
            ("share".into(), OwnValue::Number(serde_json::Number::from_f64(0.25).unwrap())),
            ("tier".into(), OwnValue::Number((-3).into())),
        ])
        .into(),
    }
}

fn options() -> Options {
    Options {
        max_versions: 5,
        expires_in: DurationText::parse("90d"),
        notify_before: NoticeTimes::parse("30d, 7d,1d"),
        secret_policy: None,
    }
}

fn bare_options() -> Options {
    Options { max_versions: 10, expires_in: None, notify_before: None, secret_policy: None }
}

/// Samples with the names of their files.
pub(crate) fn all() -> Vec<(&'static str, EventBody)> {
    let secrets = secrets().into_iter().chain(rotation_samples::secrets()).map(|(name, event)| {
        let path = SecretPath::parse("environments/production/salesforce/oauth").unwrap();
        (name, body(Event::Secret(path, event)))
    });
    let policies = policies().into_iter().map(|(name, event)| (name, Event::Policy(event)));
    let identities = identities::all().into_iter().map(|(name, event)| (name, Event::Identity(event)));
    let others = others().into_iter().chain(identities).chain(policies).chain(issuer_samples::all(at(1), &alice()));
    let others = others.chain(replay_samples::all().into_iter().map(|(name, event)| (name, Event::Replay(event))));
    let others = others
        .chain(export_samples::all(at(1)))
        .chain(secret_policy_samples::all())
        .chain(rotation_samples::policies())
        .chain(webhook_samples::all(at(1)))
        .chain(subscription_samples::all(at(1), &alice()));
    secrets.chain(others.map(|(name, event)| (name, body(event)))).collect()
}

fn policy(last: char) -> PolicyId {
    PolicyId::parse(&format!("pol_01JX5T3ZHVB2D4F6H8K0M2P4R{last}")).unwrap()
}

fn binding_id() -> BindingId {
    BindingId::parse("bnd_01JX5T3ZHVB2D4F6H8K0M2P4R8").unwrap()
}

fn policies() -> Vec<(&'static str, PolicyEvent)> {
    let window = WindowText {
        days: Some(vec!["mon".into(), "fri".into()]),
        start: "22:00".into(),
        end: "06:00".into(),
        timezone: Some("Europe/Amsterdam".into()),
    };
    let full = Content {
        name: "production-read-only".into(),
        description: Some("Developers read production".into()),
        rules: vec![
            Rule {
                path_pattern: Pattern::parse("environments/production/**").unwrap(),
                permissions: vec![Permission::Read, Permission::List],
                conditions: Conditions {
                    ip_ranges: Some(vec![
                        IpRange::parse("10.0.0.0/8").unwrap(),
                        IpRange::parse("2001:db8::1").unwrap(),
                    ]),
                    require_mfa: Some(true),
                    mfa_max_age: Some(DurationText::parse("30m").unwrap()),
                    time_window: Some(TimeWindow::parse(window).unwrap()),
                    expires_at: Some(at(30)),
                },
            },
            Rule {
                path_pattern: Pattern::parse("@pki/issue/*").unwrap(),
                permissions: vec![Permission::Write],
                conditions: Conditions::default(),
            },
        ],
        is_active: true,
    };
    let bare =
        Content { description: None, rules: full.rules.get(1..).unwrap().to_vec(), is_active: false, ..full.clone() };
    let identity = IdentityId::parse("group:developers").unwrap();
    let binding =
        Binding { id: binding_id(), policy_id: policy('7'), identity: identity.clone(), expires_at: Some(at(7)) };
    let unbound = |expired| PolicyEvent::Unbound {
        id: binding_id(),
        policy_id: policy('7'),
        identity: identity.clone(),
        expired,
    };
    vec![
        ("policy.created", PolicyEvent::Created { id: policy('7'), content: full.clone() }),
        ("policy.created.bare", PolicyEvent::Created { id: policy('7'), content: bare.clone() }),
        ("policy.updated", PolicyEvent::Updated { id: policy('7'), revision: 4, content: full }),
        ("policy.updated.bare", PolicyEvent::Updated { id: policy('7'), revision: 4, content: bare }),
        (
            "policy.deleted",
            PolicyEvent::Deleted { id: policy('7'), revision: 4, name: "production-read-only".into(), rule_count: 2 },
        ),
        ("policy.binding.created", PolicyEvent::Bound(binding.clone())),
        ("policy.binding.created.bare", PolicyEvent::Bound(Binding { expires_at: None, ..binding })),
        (
            "policy.binding.renewed",
            PolicyEvent::Renewed { id: binding_id(), policy_id: policy('7'), expires_at: Some(at(9)) },
        ),
        (
            "policy.binding.renewed.bare",
            PolicyEvent::Renewed { id: binding_id(), policy_id: policy('7'), expires_at: None },
        ),
        ("policy.binding.deleted", unbound(true)),
        ("policy.binding.deleted.bare", unbound(false)),
    ]
}

fn secrets() -> Vec<(&'static str, SecretEvent)> {
    use SecretEvent::*;
    vec![
        (
            "secret.created",
            Created {
                secret_type: SecretType::Json,
                metadata: metadata(),
                options: options(),
                expires_at: Some(at(90)),
            },
        ),
        (
            "secret.created.bare",
            Created {
                secret_type: SecretType::Kv,
                metadata: Metadata::default(),
                options: bare_options(),
                expires_at: None,
            },
        ),
        (
            "secret.version_added",
            VersionAdded {
                version: 4,
                previous_version: Some(3),
                secret_type: SecretType::SshKey,
                metadata: Some(metadata()),
                options: Some(options()),
                expires_at: Some(at(90)),
                rotation: Some(Rotation { grace_ends_at: at(2), reason: Some("leaked".into()), under: None }),
            },
        ),
        (
            "secret.version_added.bare",
            VersionAdded {
                version: 2,
                previous_version: None,
                secret_type: SecretType::Certificate,
                metadata: None,
                options: None,
                expires_at: None,
                rotation: None,
            },
        ),
        (
            "secret.version_added.rotated",
            VersionAdded {
                version: 2,
                previous_version: Some(1),
                secret_type: SecretType::ApiKey,
                metadata: None,
                options: None,
                expires_at: None,
                rotation: Some(Rotation { grace_ends_at: at(2), reason: None, under: None }),
            },
        ),
        (
            "secret.metadata_updated",
            MetadataUpdated {
                version: Some(3),
                metadata: Some(metadata()),
                options: Some(options()),
                expires_at: Some(at(90)),
            },
        ),
        (
            "secret.metadata_updated.bare",
            MetadataUpdated { version: None, metadata: None, options: Some(bare_options()), expires_at: None },
        ),
        (
            "secret.metadata_updated.attached",
            MetadataUpdated {
                version: Some(1),
                metadata: None,
                options: Some(Options {
                    secret_policy: Some(Arc::new(secret_policy_samples::reference())),
                    ..bare_options()
                }),
                expires_at: None,
            },
        ),
        ("secret.version_destroyed", VersionDestroyed { version: 1, reason: DestroyReason::AgedOut }),
        ("secret.version_deleted", VersionDeleted { version: 2, recoverable_until: at(30) }),
        ("secret.version_restored", VersionRestored { version: 2, with_secret: true }),
        ("secret.current_version_changed", CurrentVersionChanged { old_version: 3, new_version: 2 }),
        ("secret.deleted", Deleted { recoverable_until: at(30), version_count: 3 }),
        ("secret.restored", Restored { version: 3 }),
        ("secret.destroyed", Destroyed { reason: DestroyReason::RecoveryEnded, version_count: 3 }),
        ("secret.destroyed.requested", Destroyed { reason: DestroyReason::Requested, version_count: 0 }),
        (
            "secret.expiry_announced",
            ExpiryAnnounced { threshold: DurationText::parse("7d").unwrap(), expires_at: at(7), days_remaining: 7 },
        ),
        ("secret.expired", Expired { expires_at: at(0) }),
    ]
}

fn others() -> Vec<(&'static str, Event)> {
    let pattern = |text: &str| Pattern::parse(text).unwrap();
    let full = TokenCreated {
        id: token('7'),
        kind: TokenKind::Personal,
        name: "laptop".into(),
        hash: "0123456789abcdef".repeat(4),
        prefix: "skt_0aB4".into(),
        identity: alice(),
        tenant_id: Some(tenant()),
        partner_id: Some(partner()),
        scopes: [Scope::SecretsRead, Scope::SecretsWrite].into_iter().collect(),
        narrowing: Narrowing {
            allowed_paths: vec![vec![pattern("app/**"), pattern("@partner/**")], vec![pattern("app/db/*")]],
            allowed_ips: vec![vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()]],
            highest_role: None,
        },
        own_narrowing: (true, false),
        made_with: Some(token('6')),
        made_with_jwt: None,
        exchange_rule: None,
        expires_at: Some(at(90)),
    };
    let bare = TokenCreated {
        kind: TokenKind::DevRoot,
        tenant_id: None,
        partner_id: None,
        scopes: [Scope::Admin].into_iter().collect(),
        narrowing: Narrowing::default(),
        own_narrowing: (false, false),
        made_with: None,
        expires_at: None,
        ..full.clone()
    };
    let outcome = OutcomeKept {
        identity: alice(),
        key_sha256: "89abcdef".repeat(8),
        request_sha256: "01234567".repeat(8),
        status: 201,
        etag: Some("\"4\"".into()),
        expires_at: at(1),
    };
    vec![
        ("token.created", Event::TokenCreated(full)),
        ("token.created.bare", Event::TokenCreated(bare)),
        (
            "token.revoked",
            Event::TokenRevoked(TokenRevoked { id: token('7'), kind: TokenKind::Bootstrap, identity: alice() }),
        ),
        (
            "partner.created",
            Event::PartnerCreated(PartnerCreated { id: partner(), name: "Acme".into(), slug: "acme".into() }),
        ),
        (
            "tenant.created",
            Event::TenantCreated(TenantCreated {
                id: tenant(),
                partner_id: partner(),
                name: "Acme Production".into(),
                slug: "acme-prod".into(),
            }),
        ),
        (
            "user.created",
            Event::UserCreated(UserCreated {
                id: UserId::parse("usr_01JX5T3ZHVB2D4F6H8K0M2P4R6").unwrap(),
                identity: alice(),
                tenant_id: tenant(),
                partner_id: partner(),
                display_name: "Alice Smith".into(),
                roles: vec![Role::SuperAdmin, Role::PartnerAdmin, Role::TenantAdmin],
            }),
        ),
        ("clock.moved", Event::ClockMoved(ClockMoved { offset_micros: 86_400_000_000 })),
        ("audit.erased", Event::AuditErased(AuditErased { up_to: 41_207 })),
        ("outcome.kept", Event::OutcomeKept(outcome.clone())),
        ("outcome.kept.bare", Event::OutcomeKept(OutcomeKept { etag: None, ..outcome })),
    ]
}
