//! One event of each stored type that changes identities.

use scaivault_domain::directory::{
    Change, Group, IdentityEvent, Membership, Noted, Partner, Provenance, Source, Status, Tenant, User,
};
use scaivault_domain::id::{GroupId, ServiceAccountId, SyncId, UserId};
use scaivault_domain::scaikey::{
    HookHandled, Registration, RegistrationScope, SyncCounts, SyncEnded, SyncError, SyncStarted, SyncTarget, Trigger,
};
use scaivault_domain::service_account::{Content, ServiceAccount};
use scaivault_domain::tenant::TenantSettings;
use scaivault_domain::{DurationText, IdentityId, Role, Scope, SecretPath, TokenId};

use super::{alice, at, partner, tenant};

fn user_id() -> UserId {
    UserId::parse("usr_abc").unwrap()
}

fn group_id() -> GroupId {
    GroupId::parse("grp_sre").unwrap()
}

fn account_id() -> ServiceAccountId {
    ServiceAccountId::parse("sva_01JX5T3ZHVB2D4F6H8K0M2P4R6").unwrap()
}

fn sync_id() -> SyncId {
    SyncId::parse("sync_01JX5T3ZHVB2D4F6H8K0M2P4R6").unwrap()
}

fn content() -> Content {
    Content {
        description: Some("Builds and deploys".into()),
        roles: vec![Role::TenantAdmin, Role::SecretsReader],
        scopes: [Scope::SecretsRead, Scope::SecretsList].into_iter().collect(),
        is_active: true,
    }
}

/// Samples with the names of their files.
pub(super) fn all() -> Vec<(&'static str, IdentityEvent)> {
    let mut samples = records();
    samples.extend(accounts());
    samples.extend(provider());
    samples
}

fn records() -> Vec<(&'static str, IdentityEvent)> {
    let mirrored = Provenance::mirrored(at(0), at(1));
    let partner_record = Partner {
        id: partner(),
        name: "Acme Group".into(),
        slug: "acme".into(),
        region: Some("eu".into()),
        status: Status::Active,
        provenance: mirrored,
    };
    let tenant_record = Tenant {
        id: tenant(),
        partner_id: partner(),
        name: "Acme Production".into(),
        slug: "acme-prod".into(),
        region: None,
        status: Status::Suspended,
        provenance: Provenance::local(),
        doomed_at: None,
        shredded_at: None,
    };
    let doomed = Tenant {
        region: Some("eu".into()),
        status: Status::Deleted,
        doomed_at: Some(at(1)),
        shredded_at: Some(at(2)),
        ..tenant_record.clone()
    };
    let user = User {
        id: user_id(),
        provider_id: Some(UserId::parse("usr_at_scaikey").unwrap()),
        identity: alice(),
        email: Some("alice@acme.example".into()),
        display_name: "Alice Smith".into(),
        status: Status::Active,
        mfa_enabled: true,
        roles: vec![Role::TenantAdmin],
        provenance: mirrored,
    };
    let met = User {
        provider_id: None,
        email: None,
        roles: Vec::new(),
        provenance: Provenance { source: Source::Token, ..Provenance::default() },
        ..user.clone()
    };
    let group = Group {
        id: group_id(),
        identity: IdentityId::group("sre"),
        name: "sre".into(),
        display_name: "SRE".into(),
        parent_ids: vec![GroupId::parse("grp_oncall").unwrap()],
        status: Status::Active,
        provenance: mirrored,
    };
    let membership =
        Membership { group_id: group_id(), user_id: user_id(), is_member: true, added_at: at(0), provenance: mirrored };
    let settings = TenantSettings {
        default_max_versions: Some(5),
        recovery_window: DurationText::parse("7d"),
        audit_retention: DurationText::parse("365d"),
        max_leases: Some(1_000),
    };
    let in_sync = Noted { change: Change::Updated, sync_id: Some(sync_id()), record: partner_record };
    vec![
        ("partner.changed", IdentityEvent::Partner(in_sync)),
        ("tenant.changed", IdentityEvent::Tenant(Noted::single(Change::Deleted, doomed))),
        ("tenant.changed.bare", IdentityEvent::Tenant(Noted::single(Change::Created, tenant_record))),
        ("tenant.shredded", IdentityEvent::TenantShredded { id: tenant(), at: at(0) }),
        ("tenant.settings_changed", IdentityEvent::SettingsChanged(settings)),
        ("tenant.settings_changed.bare", IdentityEvent::SettingsChanged(TenantSettings::default())),
        ("user.changed", IdentityEvent::User(Noted::single(Change::Created, user))),
        ("user.changed.bare", IdentityEvent::User(Noted::single(Change::Created, met))),
        ("user.roles_assigned", IdentityEvent::RolesAssigned { id: user_id(), roles: vec![Role::SuperAdmin] }),
        ("group.changed", IdentityEvent::Group(Noted::single(Change::Updated, group))),
        ("membership.changed", IdentityEvent::Membership(Noted::single(Change::Created, membership))),
    ]
}

fn accounts() -> Vec<(&'static str, IdentityEvent)> {
    let identity = IdentityId::service_account("ci-pipeline");
    let account =
        ServiceAccount { id: account_id(), name: "CI Pipeline".into(), identity: identity.clone(), content: content() };
    let key_id = TokenId::parse_key("key_01JX5T3ZHVB2D4F6H8K0M2P4R6").unwrap();
    let stored = Some((SecretPath::parse("app/ci/key").unwrap(), 3));
    let bare = Content { description: None, roles: Vec::new(), is_active: false, ..content() };
    vec![
        ("service_account.created", IdentityEvent::AccountCreated(account)),
        ("service_account.updated", IdentityEvent::AccountUpdated { id: account_id(), content: bare }),
        ("service_account.key_added", IdentityEvent::KeyAdded { id: account_id(), key_id: key_id.clone(), stored }),
        ("service_account.key_added.bare", IdentityEvent::KeyAdded { id: account_id(), key_id, stored: None }),
        ("service_account.deleted", IdentityEvent::AccountDeleted { id: account_id(), identity }),
    ]
}

fn provider() -> Vec<(&'static str, IdentityEvent)> {
    let registration = Registration {
        scope: RegistrationScope::Tenant,
        tenant_slug: Some("acme-prod".into()),
        partner_slug: Some("acme".into()),
        email: "admin@acme.example".into(),
    };
    let bare = Registration {
        scope: RegistrationScope::Platform,
        tenant_slug: None,
        partner_slug: None,
        ..registration.clone()
    };
    let target = SyncTarget { partner_id: Some(partner()), tenant_id: Some(tenant()) };
    let started = SyncStarted { id: sync_id(), trigger: Trigger::Registration, target };
    let everything = SyncStarted { trigger: Trigger::Manual, target: SyncTarget::default(), ..started.clone() };
    let counts = SyncCounts { created: 3, updated: 1, deleted: 0, unchanged: 212 };
    let error = SyncError { code: "backend_error".into(), message: "ScaiKey answered 500".into() };
    let failed = SyncEnded { id: sync_id(), counts: SyncCounts::default(), error: Some(error) };
    vec![
        ("scaikey.registered", IdentityEvent::Registered(registration)),
        ("scaikey.registered.bare", IdentityEvent::Registered(bare)),
        (
            "scaikey.hook_handled",
            IdentityEvent::HookHandled(HookHandled { event_id: "evt_9f2c".into(), applied: true }),
        ),
        ("identity.sync_started", IdentityEvent::SyncStarted(started)),
        ("identity.sync_started.bare", IdentityEvent::SyncStarted(everything)),
        ("identity.sync_ended", IdentityEvent::SyncEnded(SyncEnded { id: sync_id(), counts, error: None })),
        ("identity.sync_ended.failed", IdentityEvent::SyncEnded(failed)),
    ]
}
