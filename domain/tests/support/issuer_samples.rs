//! Samples of what happens to issuers and rules of exchange, and of a revoked JWT.

use std::collections::BTreeMap;

use scaivault_domain::exchange::{ClaimRule, ExchangeContent};
use scaivault_domain::id::{ExchangeRuleId, IssuerId};
use scaivault_domain::issuer::{Algorithm, ClaimMapping, IssuerContent, IssuerEvent, SubjectPattern};
use scaivault_domain::token::JwtRevoked;
use scaivault_domain::{DurationText, Event, IdentityId, IdentityType, Role, Scope, Scopes, Timestamp};
use serde_json::json;

fn issuer() -> IssuerId {
    IssuerId::parse("iss_01JX5T3ZHVB2D4F6H8K0M2P4R6").unwrap()
}

fn rule() -> ExchangeRuleId {
    ExchangeRuleId::parse("xr_01JX5T3ZHVB2D4F6H8K0M2P4R6").unwrap()
}

fn pattern(text: &str) -> SubjectPattern {
    SubjectPattern::parse(text).unwrap()
}

fn full() -> IssuerContent {
    IssuerContent {
        name: "cluster-a".into(),
        issuer: "https://k8s.acme.example".into(),
        jwks_url: Some("https://k8s.acme.example/openid/v1/jwks".into()),
        jwks: Some(json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "AA"}]})),
        ca_pem: Some("-----BEGIN CERTIFICATE-----\n".into()),
        audiences: vec!["scaivault".into()],
        algorithms: Algorithm::ALL.to_vec(),
        claim_mapping: ClaimMapping {
            identity: "sub".into(),
            tenant: Some("tenant_id".into()),
            groups: Some("kubernetes.io.namespace".into()),
            roles: Some("roles".into()),
            scopes: Some("scope".into()),
            mfa_time: Some("auth_time".into()),
        },
        identity_type: IdentityType::ServiceAccount,
        bound_subjects: vec![pattern("system:serviceaccount:billing:*")],
        default_scopes: [Scope::SecretsRead].into_iter().collect(),
        allowed_roles: vec![Role::TenantAdmin],
        is_active: true,
    }
}

fn bare() -> IssuerContent {
    let mapping = ClaimMapping {
        identity: "email".into(),
        tenant: None,
        groups: None,
        roles: None,
        scopes: None,
        mfa_time: None,
    };
    IssuerContent {
        jwks_url: None,
        jwks: None,
        ca_pem: None,
        algorithms: vec![Algorithm::Es256],
        claim_mapping: mapping,
        identity_type: IdentityType::User,
        bound_subjects: vec![pattern("*")],
        default_scopes: Scopes::default(),
        allowed_roles: Vec::new(),
        is_active: false,
        ..full()
    }
}

fn exchange() -> ExchangeContent {
    let claims = BTreeMap::from([
        ("environment".to_owned(), ClaimRule::Equal(json!("production"))),
        ("protected".to_owned(), ClaimRule::OneOf(vec![json!(true), json!(1), json!("yes")])),
    ]);
    ExchangeContent {
        name: "github-billing-main".into(),
        issuer_id: issuer(),
        subject: pattern("repo:acme/billing:ref:refs/heads/main"),
        claims,
        identity: IdentityId::parse("sa:github-deployer-billing").unwrap(),
        scopes: [Scope::SecretsRead].into_iter().collect(),
        ttl: DurationText::parse("1h").unwrap(),
        is_active: true,
        highest_role: Some(Role::TenantAdmin),
    }
}

/// Samples with the names of their files.
pub(crate) fn all(at: Timestamp, alice: &IdentityId) -> Vec<(&'static str, Event)> {
    use IssuerEvent::*;
    let bare_rule = ExchangeContent { claims: BTreeMap::new(), is_active: false, highest_role: None, ..exchange() };
    let issuers = [
        ("issuer.created", Created { id: issuer(), content: full() }),
        ("issuer.created.bare", Created { id: issuer(), content: bare() }),
        ("issuer.updated", Updated { id: issuer(), content: full() }),
        ("issuer.deleted", Deleted { id: issuer() }),
        ("exchange_rule.created", RuleCreated { id: rule(), content: exchange() }),
        ("exchange_rule.updated", RuleUpdated { id: rule(), content: exchange() }),
        ("exchange_rule.updated.bare", RuleUpdated { id: rule(), content: bare_rule }),
        ("exchange_rule.deleted", RuleDeleted { id: rule() }),
    ];
    let revoked = JwtRevoked { hash: "0123456789abcdef".repeat(4), identity: alice.clone(), expires_at: at };
    let mut all: Vec<_> = issuers.into_iter().map(|(name, event)| (name, Event::Issuer(event))).collect();
    all.push(("jwt.revoked", Event::JwtRevoked(revoked)));
    all
}
