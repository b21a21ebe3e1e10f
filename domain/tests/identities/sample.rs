//! Issuers and claims to tell stories with.

use scaivault_domain::id::IssuerId;
use scaivault_domain::issuer::{
    Algorithm, Bearer, ClaimMapping, Claims, Issuer, IssuerContent, SubjectPattern, Unmapped,
};
use scaivault_domain::{IdentityType, PartnerId, Scopes, TenantId, Timestamp};
use serde_json::Value;

pub(crate) fn now() -> Timestamp {
    moment("2026-04-23T14:00:00Z")
}

pub(crate) fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(crate) fn tenant(id: &str) -> TenantId {
    TenantId::parse(id).unwrap()
}

pub(crate) fn partner(id: &str) -> PartnerId {
    PartnerId::parse(id).unwrap()
}

pub(crate) fn pattern(text: &str) -> SubjectPattern {
    SubjectPattern::parse(text).unwrap()
}

/// The claims of a token, from a JSON object.
pub(crate) fn claims(object: Value) -> Claims {
    Claims(object.as_object().unwrap().clone())
}

/// An issuer of the platform with everything at its default.
pub(crate) fn issuer() -> Issuer {
    let content = IssuerContent {
        name: "cluster-a".into(),
        issuer: "https://k8s.acme.example".into(),
        jwks_url: None,
        jwks: None,
        ca_pem: None,
        audiences: vec!["scaivault".into()],
        algorithms: Algorithm::ALL.to_vec(),
        claim_mapping: ClaimMapping::default(),
        identity_type: IdentityType::User,
        bound_subjects: vec![SubjectPattern::any()],
        default_scopes: Scopes::default(),
        allowed_roles: Vec::new(),
        is_active: true,
    };
    let id = IssuerId::parse("iss_01JX5T3ZHVB2D4F6H8K0M2P4R6").unwrap();
    Issuer { id, tenant: None, content, is_builtin: false, created_at: now(), updated_at: now() }
}

/// The same, changed.
pub(crate) fn issuer_with(change: impl FnOnce(&mut IssuerContent)) -> Issuer {
    let mut issuer = issuer();
    change(&mut issuer.content);
    issuer
}

/// ScaiKey, as it is built in.
pub(crate) fn scaikey() -> Issuer {
    scaivault_domain::issuer::scaikey("https://scaikey.example/", None, "scaivault", now())
}

/// Whom an issuer's claims speak for.
pub(crate) fn mapped(issuer: &Issuer, object: Value) -> Result<Bearer, Unmapped> {
    issuer.map(&claims(object))
}
