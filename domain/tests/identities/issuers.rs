//! Whose tokens an issuer's are, and how far it can be believed.

use scaivault_domain::issuer::{Algorithm, Home, Issuer, SubjectPattern, subject};
use scaivault_domain::{Owner, Role};
use serde_json::json;

use super::sample::{claims, issuer, issuer_with, mapped, partner, pattern, scaikey, tenant};

fn of_tenant(issuer: Issuer) -> Issuer {
    Issuer { tenant: Some(tenant("tnt_acme")), ..issuer }
}

#[test]
fn an_issuer_is_named_by_its_url_and_nothing_like_it() {
    for (iss, expected) in [
        ("https://k8s.acme.example", true),
        ("https://k8s.acme.example/", false),
        ("https://k8s.acme.example.evil.example", false),
        ("https://k8s.acme.example/tenants/tnt_acme", false),
        ("HTTPS://k8s.acme.example", false),
        ("https://k8s.acme", false),
        ("", false),
    ] {
        assert_eq!(issuer().is_named(iss), expected, "{iss}");
    }
}

#[test]
fn subjects_are_bound_by_any_of_the_patterns() {
    let bound = issuer_with(|content| content.bound_subjects = vec![pattern("a:*"), pattern("b?")]);
    for (subject, expected) in [("a:1", true), ("a:", true), ("b1", true), ("b", false), ("b12", false), ("", false)] {
        assert_eq!(bound.binds(subject), expected, "{subject}");
    }
    assert!(issuer().binds("anybody") && issuer().binds(""));
    assert!(!issuer_with(|content| content.bound_subjects.clear()).binds("anybody"));
}

#[test]
fn a_pattern_over_subjects_is_kept_as_written_and_bounded() {
    assert_eq!(pattern("repo:acme/*").as_str(), "repo:acme/*");
    assert_eq!(SubjectPattern::any(), pattern("*"));
    assert!(SubjectPattern::any().is_any() && pattern("***").is_any());
    assert!(!pattern("?").is_any() && !pattern("*a").is_any());
    assert!(SubjectPattern::parse(&"a".repeat(subject::MAX_LENGTH)).is_some());
    assert!(SubjectPattern::parse(&"a".repeat(subject::MAX_LENGTH + 1)).is_none());
}

#[test]
fn the_issuer_of_a_tenant_speaks_for_that_tenant_alone() {
    let claimed = json!({
        "sub": "7", "client_id": "7", "tenant_id": "tnt_other", "partner_id": "ptn_other",
        "roles": ["super_admin", "partner_admin", "tenant_admin"],
    });
    let trusting = issuer_with(|content| content.allowed_roles = Role::ALL.to_vec());
    for issuer in [trusting, scaikey()] {
        let bearer = mapped(&of_tenant(issuer), claimed.clone()).unwrap();
        assert_eq!((bearer.tenant, bearer.partner), (Some(tenant("tnt_acme")), None));
        assert_eq!(bearer.roles, [Role::TenantAdmin], "neither super_admin nor partner_admin");
        assert_eq!(bearer.identity.as_str(), "user:7");
    }
    let bearer = mapped(&of_tenant(issuer()), json!({"sub": "7", "tenant_id": "no tenant at all"})).unwrap();
    assert_eq!(bearer.tenant, Some(tenant("tnt_acme")), "what it claims is not even read");
    let programs = issuer_with(|content| content.allowed_roles = vec![Role::SecretsReader]);
    let bearer = mapped(&of_tenant(programs), json!({"sub": "7", "roles": "secrets-reader"})).unwrap();
    assert_eq!(bearer.roles, [Role::SecretsReader]);
}

#[test]
fn nobody_is_more_than_tenant_admin_through_the_issuer_of_a_tenant() {
    assert_eq!(of_tenant(issuer()).highest_role(), Some(Role::TenantAdmin));
    assert_eq!((issuer().highest_role(), scaikey().highest_role()), (None, None));
    assert_eq!(of_tenant(issuer()).owner(), Owner::Tenant(tenant("tnt_acme")));
    assert_eq!(issuer().owner(), Owner::Platform);
}

#[test]
fn claims_say_where_their_holder_belongs() {
    let at_acme = Home::Tenant(tenant("tnt_acme"));
    for (object, custom, builtin) in [
        (json!({"tenant_id": "tnt_acme"}), at_acme.clone(), at_acme.clone()),
        (json!({"tenant_id": "acme"}), Home::Elsewhere, at_acme.clone()),
        (json!({"tenant_id": "tnt_acme", "partner_id": "ptn_acme"}), at_acme.clone(), at_acme),
        (json!({"tenant_id": 7}), Home::Elsewhere, Home::Elsewhere),
        (json!({"partner_id": "ptn_acme"}), Home::Unsaid, Home::Elsewhere),
        (json!({"partner_id": null, "tenant_id": null}), Home::Unsaid, Home::Unsaid),
        (json!({}), Home::Unsaid, Home::Unsaid),
    ] {
        let claims = claims(object.clone());
        assert_eq!((issuer().home(&claims), scaikey().home(&claims)), (custom, builtin), "{object}");
    }
}

#[test]
fn a_partners_own_people_are_of_no_tenant() {
    let bearer = mapped(&scaikey(), json!({"sub": "7", "partner_id": "ptn_acme", "roles": ["partner_admin"]})).unwrap();
    assert_eq!((bearer.tenant, bearer.partner), (None, Some(partner("ptn_acme"))));
    assert_eq!(bearer.roles, [Role::PartnerAdmin]);
}

#[test]
fn signatures_are_of_the_five_algorithms_of_the_contract() {
    let names = Algorithm::ALL.map(Algorithm::as_str);
    assert_eq!(names, ["RS256", "PS256", "ES256", "ES384", "EdDSA"]);
    for algorithm in Algorithm::ALL {
        assert_eq!(Algorithm::parse(algorithm.as_str()), Some(algorithm));
        assert_eq!(serde_json::to_value(algorithm).unwrap(), algorithm.as_str());
    }
    for refused in ["none", "None", "HS256", "HS512", "rs256", "RS512", "ES512", ""] {
        assert_eq!(Algorithm::parse(refused), None, "{refused}");
    }
}
