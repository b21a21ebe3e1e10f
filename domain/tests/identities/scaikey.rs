//! ScaiKey, the issuer that is built in: its record and what its claims mean.

use scaivault_domain::issuer::{Algorithm, Unmapped, scaikey as built_in};
use scaivault_domain::{IdentityType, Role, Scope, Scopes};
use serde_json::{Value, json};

use super::sample::{mapped, moment, now, partner, scaikey, tenant};

#[test]
fn it_appears_as_the_contract_says() {
    let issuer = built_in("https://scaikey.example//", Some("https://keys.example/jwks"), "vault", now());
    assert!(issuer.is_builtin && issuer.tenant.is_none() && issuer.content.is_active);
    assert_eq!((&*issuer.content.name, &*issuer.content.issuer), ("ScaiKey", "https://scaikey.example"));
    assert_eq!(issuer.content.jwks_url.as_deref(), Some("https://keys.example/jwks"));
    assert_eq!(issuer.content.audiences, ["vault".into()]);
    assert_eq!(issuer.content.algorithms, Algorithm::ALL);
    assert_eq!(issuer.content.identity_type, IdentityType::User);
    assert!(issuer.content.default_scopes.is_empty() && issuer.binds("anybody"));
    assert_eq!((issuer.created_at, issuer.updated_at), (now(), now()));
    assert_eq!(issuer.id, scaikey().id, "the same on every node and after every start");
}

#[test]
fn it_also_speaks_as_each_of_its_tenants() {
    for (iss, expected) in [
        ("https://scaikey.example", true),
        ("https://scaikey.example/tenants/tnt_acme", true),
        ("https://scaikey.example/tenants/acme", true),
        ("https://scaikey.example/", false),
        ("https://scaikey.example/tenants/", false),
        ("https://scaikey.example/tenants/tnt_", false),
        ("https://scaikey.example/tenants/tnt_acme/", false),
        ("https://scaikey.example/tenants/acme/../other", false),
        ("https://scaikey.example/partners/tnt_acme", false),
        ("https://scaikey.example.evil.example/tenants/tnt_acme", false),
        ("https://evil.example/tenants/tnt_acme", false),
    ] {
        assert_eq!(scaikey().is_named(iss), expected, "{iss}");
    }
}

#[test]
fn programs_are_named_by_their_client_and_people_by_their_address() {
    for (object, expected) in [
        (json!({"sub": "7", "email": "Alice@Acme.example"}), Some("user:alice@acme.example")),
        (json!({"sub": "00uA7", "email": ""}), Some("user:00uA7")),
        (json!({"sub": "00uA7"}), Some("user:00uA7")),
        (json!({"sub": "00uA7", "email": 7}), Some("user:00uA7")),
        (json!({"sub": "7", "client_id": "web"}), Some("user:7")),
        (
            json!({"sub": "7", "email": "a@b.example", "token_type": "access", "client_id": "web"}),
            Some("user:a@b.example"),
        ),
        (json!({"sub": "7", "token_type": "client_credentials", "client_id": "billing"}), Some("sa:billing")),
        (
            json!({"sub": "7", "email": "a@b.example", "token_type": "client_credentials", "client_id": "billing"}),
            Some("sa:billing"),
        ),
        (json!({"sub": "7", "email": "a@b.example", "token_type": "client_credentials"}), None),
        (json!({"sub": "7", "token_type": "client_credentials", "client_id": "a b"}), None),
        (json!({"sub": "7", "email": "a b@acme.example"}), None),
        (json!({}), None),
    ] {
        let identity = mapped(&scaikey(), object.clone()).map(|bearer| bearer.identity.as_str().to_owned());
        assert_eq!(identity, expected.map(str::to_owned).ok_or(Unmapped::Identity), "{object}");
    }
}

#[test]
fn the_tenant_stands_in_iss_or_in_a_claim_and_never_in_two_ways() {
    let of = |path: &str| json!(format!("https://scaikey.example{path}"));
    let acme = || Ok(Some(tenant("tnt_acme")));
    for (iss, claim, expected) in [
        (of(""), Value::Null, Ok(None)),
        (of(""), json!("tnt_acme"), acme()),
        (of(""), json!("acme"), acme()),
        (of("/tenants/tnt_acme"), Value::Null, acme()),
        (of("/tenants/acme"), json!("tnt_acme"), acme()),
        (of("/tenants/tnt_acme"), json!("tnt_other"), Err(Unmapped::OtherTenant)),
        (of("/tenants/tnt_acme"), json!(""), Err(Unmapped::Tenant)),
        (of("/tenants/tnt_acme"), json!(7), Err(Unmapped::Tenant)),
        (of(""), json!("tnt_"), Err(Unmapped::Tenant)),
        (of(""), json!("acme/other"), Err(Unmapped::Tenant)),
        (json!("https://other.example/tenants/tnt_acme"), Value::Null, Ok(None)),
    ] {
        let object = json!({"sub": "7", "iss": iss, "tenant_id": claim});
        assert_eq!(mapped(&scaikey(), object.clone()).map(|bearer| bearer.tenant), expected, "{object}");
    }
}

#[test]
fn the_partner_is_read_under_either_prefix() {
    for (claim, expected) in [
        (json!("ptn_acme"), Ok(Some(partner("ptn_acme")))),
        (json!("prt_acme"), Ok(Some(partner("ptn_acme")))),
        (json!("acme"), Ok(Some(partner("ptn_acme")))),
        (Value::Null, Ok(None)),
        (json!("prt_"), Err(Unmapped::Partner)),
        (json!(""), Err(Unmapped::Partner)),
        (json!("a b"), Err(Unmapped::Partner)),
        (json!(7), Err(Unmapped::Partner)),
    ] {
        let bearer = mapped(&scaikey(), json!({"sub": "7", "partner_id": claim}));
        assert_eq!(bearer.map(|bearer| bearer.partner), expected, "{claim}");
    }
}

#[test]
fn roles_stand_in_role_or_in_roles_and_scopes_in_scope() {
    for (object, expected) in [
        (json!({"role": "tenant_admin"}), &[Role::TenantAdmin][..]),
        (json!({"roles": ["tenant_admin", "member"]}), &[Role::TenantAdmin]),
        (json!({"role": "partner_admin", "roles": ["tenant_admin"]}), &[Role::PartnerAdmin, Role::TenantAdmin]),
        (json!({"role": "super_admin tenant_admin"}), &[]),
        (json!({}), &[]),
    ] {
        let mut full = object.clone();
        full["sub"] = json!("7");
        full["scope"] = json!("openid secrets:read");
        full["groups"] = json!(["Site Reliability"]);
        full["name"] = json!("Alice Smith");
        let bearer = mapped(&scaikey(), full).unwrap();
        assert_eq!(bearer.roles, expected, "{object}");
        assert_eq!(bearer.scopes, [Scope::SecretsRead].into_iter().collect::<Scopes>());
        assert_eq!(bearer.groups.iter().map(|group| group.as_str()).collect::<Vec<_>>(), ["group:site-reliability"]);
        assert_eq!(bearer.display_name.as_deref(), Some("Alice Smith"));
    }
}

#[test]
fn a_second_factor_was_shown_if_the_methods_say_so() {
    let at = || Some(moment("2026-04-23T14:00:00Z"));
    for (methods, time, expected) in [
        (json!(["pwd", "mfa"]), json!(1_776_952_800), at()),
        (json!("pwd mfa"), json!(1_776_952_800), at()),
        (json!(["pwd"]), json!(1_776_952_800), None),
        (json!(["mfa2"]), json!(1_776_952_800), None),
        (Value::Null, json!(1_776_952_800), None),
        (json!(["mfa"]), json!("yesterday"), None),
        (json!(["mfa"]), Value::Null, None),
    ] {
        let bearer = mapped(&scaikey(), json!({"sub": "7", "amr": methods, "auth_time": time})).unwrap();
        assert_eq!(bearer.mfa_verified_at, expected, "{methods} {time}");
    }
}
