//! What the claims of an issuer's tokens are mapped to.

use std::sync::Arc;

use scaivault_domain::issuer::{ClaimMapping, Unmapped};
use scaivault_domain::{IdentityType, Role, Scope, Scopes};
use serde_json::{Value, json};

use super::sample::{issuer, issuer_with, mapped, moment, tenant};

#[test]
fn the_mapping_has_the_defaults_of_the_contract() {
    let named = |name: &str| Some(Arc::<str>::from(name));
    let expected = ClaimMapping {
        identity: "sub".into(),
        tenant: named("tenant_id"),
        groups: named("groups"),
        roles: named("roles"),
        scopes: named("scope"),
        mfa_time: None,
    };
    assert_eq!(ClaimMapping::default(), expected);
}

#[test]
fn the_identity_is_the_mapped_claim_after_the_prefix_of_its_kind() {
    use IdentityType::{Group, ServiceAccount, System, User};
    let longest = "a".repeat(256);
    for (kind, name, expected) in [
        (User, json!("alice@acme.example"), Some("user:alice@acme.example")),
        (User, json!("Alice@ACME.example"), Some("user:alice@acme.example")),
        (User, json!("00uA-7"), Some("user:00uA-7")),
        (User, json!("sa:billing"), Some("user:sa:billing")),
        (User, json!(longest), Some(format!("user:{longest}").as_str())),
        (ServiceAccount, json!("repo:Acme/billing"), Some("sa:repo:Acme/billing")),
        (ServiceAccount, json!("Bot@Acme.example"), Some("sa:Bot@Acme.example")),
        (User, json!(format!("{longest}a")), None),
        (User, json!(""), None),
        (User, json!("alice smith"), None),
        (User, json!("alice\u{a0}smith"), None),
        (User, json!("alice\u{7}"), None),
        (ServiceAccount, json!("a\nb"), None),
        (User, json!(7), None),
        (User, Value::Null, None),
        // What is a group or the server itself cannot sign in.
        (Group, json!("sre"), None),
        (System, json!("secret-sweeper"), None),
    ] {
        let issuer = issuer_with(|content| content.identity_type = kind);
        let identity = mapped(&issuer, json!({"sub": name})).map(|bearer| bearer.identity.as_str().to_owned());
        assert_eq!(identity, expected.map(str::to_owned).ok_or(Unmapped::Identity), "{kind:?} {name}");
    }
    let by_email = issuer_with(|content| content.claim_mapping.identity = "profile.email".into());
    let bearer = mapped(&by_email, json!({"sub": "7", "profile": {"email": "bob@acme.example"}})).unwrap();
    assert_eq!(bearer.identity.as_str(), "user:bob@acme.example");
    assert_eq!(mapped(&by_email, json!({"sub": "7"})), Err(Unmapped::Identity));
}

#[test]
fn groups_are_slugs_each_once_in_order() {
    let groups = |claim: Value| -> Vec<String> {
        let bearer = mapped(&issuer(), json!({"sub": "7", "groups": claim})).unwrap();
        bearer.groups.iter().map(|group| group.as_str().to_owned()).collect()
    };
    assert_eq!(
        groups(json!(["sre", "On  Call!", "(SRE)", 7, "--", "", "42"])),
        ["group:42", "group:on-call", "group:sre"]
    );
    assert_eq!(groups(json!("On call")), ["group:on-call"], "one name may have spaces");
    assert_eq!(groups(json!("a".repeat(256))), [format!("group:{}", "a".repeat(256))]);
    assert!(groups(json!("a".repeat(257))).is_empty());
    assert!(groups(json!({"sre": true})).is_empty() && groups(Value::Null).is_empty());
    let crowd: Vec<String> = (0..1_001).map(|number| format!("g{number}")).collect();
    assert_eq!(groups(json!(crowd)).len(), 1_000, "no token brings more");
}

#[test]
fn roles_are_those_of_the_claim_that_the_issuer_may_give() {
    let trusting = issuer_with(|content| content.allowed_roles = vec![Role::PartnerAdmin, Role::TenantAdmin]);
    for (claim, expected) in [
        (json!(["tenant_admin"]), &[Role::TenantAdmin][..]),
        (json!("tenant_admin partner_admin"), &[Role::PartnerAdmin, Role::TenantAdmin]),
        (json!(["super_admin", "tenant_admin", "owner"]), &[Role::TenantAdmin]),
        (json!(["tenant_admin partner_admin"]), &[]),
        (json!(["TENANT_ADMIN"]), &[]),
        (Value::Null, &[]),
    ] {
        let token = json!({"sub": "7", "roles": claim});
        assert_eq!(mapped(&trusting, token.clone()).unwrap().roles, expected, "{claim}");
        assert!(mapped(&issuer(), token).unwrap().roles.is_empty(), "none unless the issuer says so");
    }
}

#[test]
fn scopes_are_the_known_words_and_the_issuers_own_where_there_are_none() {
    let set = |scopes: &[Scope]| scopes.iter().copied().collect::<Scopes>();
    let own = set(&[Scope::AuditRead]);
    let issuer = issuer_with(|content| content.default_scopes = own);
    for (claim, expected) in [
        (json!("secrets:read  secrets:list"), set(&[Scope::SecretsRead, Scope::SecretsList])),
        (json!(["secrets:read", "secrets:list"]), set(&[Scope::SecretsRead, Scope::SecretsList])),
        (json!("openid secrets:read"), set(&[Scope::SecretsRead])),
        (json!("openid"), own),
        (json!(""), own),
        (json!(7), own),
        (Value::Null, own),
    ] {
        assert_eq!(mapped(&issuer, json!({"sub": "7", "scope": claim})).unwrap().scopes, expected, "{claim}");
    }
    assert_eq!(mapped(&issuer, json!({"sub": "7"})).unwrap().scopes, own);
}

#[test]
fn an_issuer_of_the_platform_takes_the_tenant_from_its_claim() {
    for (claim, expected) in [
        (json!("tnt_acme"), Ok(Some(tenant("tnt_acme")))),
        (Value::Null, Ok(None)),
        (json!("acme"), Err(Unmapped::Tenant)),
        (json!("tnt_"), Err(Unmapped::Tenant)),
        (json!("tnt_acme/.."), Err(Unmapped::Tenant)),
        (json!(7), Err(Unmapped::Tenant)),
        (json!(["tnt_acme"]), Err(Unmapped::Tenant)),
    ] {
        let bearer = mapped(&issuer(), json!({"sub": "7", "tenant_id": claim}));
        assert_eq!(bearer.map(|bearer| bearer.tenant), expected, "{claim}");
    }
    let bearer = mapped(&issuer(), json!({"sub": "7", "partner_id": "ptn_acme"})).unwrap();
    assert_eq!((bearer.tenant, bearer.partner), (None, None), "partners are named by ScaiKey alone");
}

#[test]
fn what_is_not_mapped_is_not_read() {
    let deaf = issuer_with(|content| {
        content.claim_mapping = ClaimMapping {
            identity: "sub".into(),
            tenant: None,
            groups: None,
            roles: None,
            scopes: None,
            mfa_time: None,
        };
        content.allowed_roles = Role::ALL.to_vec();
    });
    let full = json!({
        "sub": "7", "tenant_id": "tnt_acme", "groups": ["sre"], "roles": ["super_admin"], "scope": "admin",
        "auth_time": 1_776_952_800,
    });
    let bearer = mapped(&deaf, full.clone()).unwrap();
    assert_eq!((bearer.tenant, bearer.mfa_verified_at), (None, None));
    assert!(bearer.groups.is_empty() && bearer.roles.is_empty() && bearer.scopes.is_empty());
    let bearer =
        mapped(&issuer_with(|content| content.claim_mapping.mfa_time = Some("auth_time".into())), full).unwrap();
    assert_eq!(bearer.mfa_verified_at, Some(moment("2026-04-23T14:00:00Z")));
}

#[test]
fn a_name_for_people_is_short_and_of_one_line() {
    let longest = "é".repeat(128);
    for (name, expected) in [
        (json!("Alice Smith"), Some("Alice Smith")),
        (json!(longest), Some(longest.as_str())),
        (json!(format!("{longest}e")), None),
        (json!("Alice\nSmith"), None),
        (json!(""), None),
        (json!(7), None),
    ] {
        let bearer = mapped(&issuer(), json!({"sub": "7", "name": name})).unwrap();
        assert_eq!(bearer.display_name.as_deref(), expected, "{name}");
    }
}
