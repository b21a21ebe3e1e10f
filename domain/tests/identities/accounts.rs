//! Service accounts: the scopes of their roles, and what an access role opens.

use scaivault_domain::access::Permission;
use scaivault_domain::service_account::{DEFAULT_KEY_LIFE_SECONDS, MAX_KEY_LIFE_SECONDS, scopes_of};
use scaivault_domain::{DurationText, Role, Scope, Scopes};

use Role::{PartnerAdmin, SecretsReader, SecretsWriter, SuperAdmin, TenantAdmin};

#[test]
fn scopes_that_are_not_named_are_those_of_the_roles() {
    let reading = [Scope::SecretsRead, Scope::SecretsList];
    let writing = [Scope::SecretsRead, Scope::SecretsList, Scope::SecretsWrite, Scope::SecretsRotate];
    for (roles, expected) in [
        (&[][..], &[][..]),
        (&[SecretsReader], &reading),
        (&[SecretsWriter], &writing),
        (&[SecretsReader, SecretsWriter], &writing),
        (&[TenantAdmin], &[Scope::Admin]),
        (&[PartnerAdmin], &[Scope::Admin]),
        (&[SuperAdmin, SecretsReader], &[Scope::Admin, Scope::SecretsRead, Scope::SecretsList]),
    ] {
        assert_eq!(scopes_of(roles), expected.iter().copied().collect::<Scopes>(), "{roles:?}");
    }
}

#[test]
fn a_role_permits_what_its_implicit_policy_says() {
    use Permission::{List, Read, Rotate, Write};
    for (role, name, permitted) in [
        (SuperAdmin, "super_admin", &Permission::ALL[..]),
        (PartnerAdmin, "partner_admin", &Permission::ALL),
        (TenantAdmin, "tenant_admin", &Permission::ALL),
        (SecretsReader, "secrets-reader", &[Read, List]),
        (SecretsWriter, "secrets-writer", &[Read, List, Write, Rotate]),
    ] {
        for permission in Permission::ALL {
            assert_eq!(role.permits(permission), permitted.contains(&permission), "{role:?} {permission:?}");
        }
        assert_eq!((role.as_str(), Role::parse(name)), (name, Some(role)));
        assert_eq!(serde_json::to_value(role).unwrap(), name);
    }
    assert_eq!(Role::parse("owner"), None);
}

#[test]
fn keys_live_a_year_and_ten_at_most() {
    let seconds = |text: &str| DurationText::parse(text).unwrap().seconds();
    assert_eq!((DEFAULT_KEY_LIFE_SECONDS, MAX_KEY_LIFE_SECONDS), (seconds("365d"), seconds("3650d")));
}
