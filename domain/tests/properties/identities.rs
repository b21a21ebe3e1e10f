//! Changes of identities, of any shape.

use proptest::prelude::*;
use scaivault_domain::directory::{
    Change, Group, IdentityEvent, Membership, Noted, Partner, Provenance, Source, Status, Tenant, User,
};
use scaivault_domain::id::{GroupId, ServiceAccountId, SyncId, UserId};
use scaivault_domain::scaikey::{
    HookHandled, Registration, RegistrationScope, SyncCounts, SyncEnded, SyncError, SyncStarted, SyncTarget, Trigger,
};
use scaivault_domain::service_account::{Content, ServiceAccount};
use scaivault_domain::tenant::TenantSettings;
use scaivault_domain::{IdentityId, PartnerId, Role, Scope, SecretPath, TenantId, TokenId};

use crate::codec::{duration, identity, moment, option, text};

fn of<T: Clone + std::fmt::Debug + 'static>(values: &[T]) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(values.to_vec())
}

fn roles() -> impl Strategy<Value = Vec<Role>> {
    prop::collection::vec(of(&Role::ALL), 0..4)
}

fn partner() -> impl Strategy<Value = PartnerId> {
    "ptn_[a-z]{1,9}".prop_map(|text| PartnerId::parse(&text).unwrap())
}

fn tenant() -> impl Strategy<Value = TenantId> {
    "tnt_[a-z]{1,9}".prop_map(|text| TenantId::parse(&text).unwrap())
}

fn user() -> impl Strategy<Value = UserId> {
    "usr_[a-z]{1,9}".prop_map(|text| UserId::parse(&text).unwrap())
}

fn group() -> impl Strategy<Value = GroupId> {
    "grp_[a-z]{1,9}".prop_map(|text| GroupId::parse(&text).unwrap())
}

fn account() -> impl Strategy<Value = ServiceAccountId> {
    "sva_[a-z]{1,9}".prop_map(|text| ServiceAccountId::parse(&text).unwrap())
}

fn sync() -> impl Strategy<Value = SyncId> {
    "sync_[a-z]{1,9}".prop_map(|text| SyncId::parse(&text).unwrap())
}

fn provenance() -> impl Strategy<Value = Provenance> {
    let source = of(&[Source::Scaikey, Source::Local, Source::Token]);
    (source, option(moment()), option(moment())).prop_map(|(source, synced_at, changed_at)| Provenance {
        source,
        synced_at,
        changed_at,
    })
}

fn noted<T: std::fmt::Debug>(record: impl Strategy<Value = T>) -> impl Strategy<Value = Noted<T>> {
    (of(&[Change::Created, Change::Updated, Change::Deleted]), option(sync()), record)
        .prop_map(|(change, sync_id, record)| Noted { change, sync_id, record })
}

fn content() -> impl Strategy<Value = Content> {
    let scopes = prop::collection::vec(of(Scope::ALL), 0..5);
    (option(text()), roles(), scopes, any::<bool>()).prop_map(|(description, roles, scopes, is_active)| Content {
        description: description.map(Into::into),
        roles,
        scopes: scopes.into_iter().collect(),
        is_active,
    })
}

fn records() -> impl Strategy<Value = IdentityEvent> {
    let partner_record = (partner(), text(), text(), option(text()), of(&Status::ALL), provenance()).prop_map(
        |(id, name, slug, region, status, provenance)| Partner { id, name, slug, region, status, provenance },
    );
    let ends = (option(moment()), option(moment()));
    let tenant_record = ((tenant(), partner()), text(), text(), option(text()), of(&Status::ALL), provenance(), ends)
        .prop_map(|((id, partner_id), name, slug, region, status, provenance, (doomed_at, shredded_at))| Tenant {
            id,
            partner_id,
            name,
            slug,
            region,
            status,
            provenance,
            doomed_at,
            shredded_at,
        });
    let user_record = (
        (user(), option(user())),
        identity(),
        option(text()),
        text(),
        of(&Status::ALL),
        any::<bool>(),
        roles(),
        provenance(),
    )
        .prop_map(|((id, provider_id), identity, email, display_name, status, mfa_enabled, roles, provenance)| User {
            id,
            provider_id,
            identity,
            email,
            display_name,
            status,
            mfa_enabled,
            roles,
            provenance,
        });
    let parents = prop::collection::vec(group(), 0..3);
    let group_record = (group(), "[a-z-]{1,9}", text(), parents, of(&Status::ALL), provenance()).prop_map(
        |(id, name, display_name, parent_ids, status, provenance)| Group {
            id,
            identity: IdentityId::group(&name),
            name,
            display_name,
            parent_ids,
            status,
            provenance,
        },
    );
    let membership = (group(), user(), any::<bool>(), moment(), provenance()).prop_map(
        |(group_id, user_id, is_member, added_at, provenance)| Membership {
            group_id,
            user_id,
            is_member,
            added_at,
            provenance,
        },
    );
    prop_oneof![
        noted(partner_record).prop_map(IdentityEvent::Partner),
        noted(tenant_record).prop_map(IdentityEvent::Tenant),
        noted(user_record).prop_map(IdentityEvent::User),
        noted(group_record).prop_map(IdentityEvent::Group),
        noted(membership).prop_map(IdentityEvent::Membership),
        (tenant(), moment()).prop_map(|(id, at)| IdentityEvent::TenantShredded { id, at }),
        (user(), roles()).prop_map(|(id, roles)| IdentityEvent::RolesAssigned { id, roles }),
        (option(any::<u32>()), option(duration()), option(duration()), option(any::<u32>())).prop_map(
            |(default_max_versions, recovery_window, audit_retention, max_leases)| {
                IdentityEvent::SettingsChanged(TenantSettings {
                    default_max_versions,
                    recovery_window,
                    audit_retention,
                    max_leases,
                })
            }
        ),
    ]
}

fn provider() -> impl Strategy<Value = IdentityEvent> {
    let scope = of(&[RegistrationScope::Platform, RegistrationScope::Partner, RegistrationScope::Tenant]);
    let trigger = of(&[Trigger::Manual, Trigger::Schedule, Trigger::Registration]);
    let counts = any::<(u64, u64, u64, u64)>().prop_map(|(created, updated, deleted, unchanged)| SyncCounts {
        created,
        updated,
        deleted,
        unchanged,
    });
    let error = (text(), text()).prop_map(|(code, message)| SyncError { code, message });
    prop_oneof![
        (scope, option(text()), option(text()), text()).prop_map(|(scope, tenant_slug, partner_slug, email)| {
            IdentityEvent::Registered(Registration { scope, tenant_slug, partner_slug, email })
        }),
        (text(), any::<bool>())
            .prop_map(|(event_id, applied)| IdentityEvent::HookHandled(HookHandled { event_id, applied })),
        (sync(), trigger, option(partner()), option(tenant())).prop_map(|(id, trigger, partner_id, tenant_id)| {
            IdentityEvent::SyncStarted(SyncStarted { id, trigger, target: SyncTarget { partner_id, tenant_id } })
        }),
        (sync(), counts, option(error)).prop_map(|(id, counts, error)| IdentityEvent::SyncEnded(SyncEnded {
            id,
            counts,
            error
        })),
    ]
}

pub fn identity_event() -> impl Strategy<Value = IdentityEvent> {
    let key = "key_[0-9A-Z]{26}".prop_map(|text| TokenId::parse_key(&text).unwrap());
    let stored =
        ("[a-z]{1,9}/x", any::<u32>()).prop_map(|(path, version)| (SecretPath::parse(&path).unwrap(), version));
    prop_oneof![
        6 => records(),
        3 => provider(),
        1 => (account(), text(), identity(), content()).prop_map(|(id, name, identity, content)| {
            IdentityEvent::AccountCreated(ServiceAccount { id, name: name.into(), identity, content })
        }),
        1 => (account(), content()).prop_map(|(id, content)| IdentityEvent::AccountUpdated { id, content }),
        1 => (account(), key, option(stored))
            .prop_map(|(id, key_id, stored)| IdentityEvent::KeyAdded { id, key_id, stored }),
        1 => (account(), identity()).prop_map(|(id, identity)| IdentityEvent::AccountDeleted { id, identity }),
    ]
}
