//! Any event of issuers and rules of exchange.

use proptest::prelude::*;
use scaivault_domain::exchange::{ClaimRule, ExchangeContent};
use scaivault_domain::id::{ExchangeRuleId, IssuerId};
use scaivault_domain::issuer::{Algorithm, ClaimMapping, IssuerContent, IssuerEvent, SubjectPattern};
use scaivault_domain::token::JwtRevoked;
use scaivault_domain::{Event, IdentityType, Role, Scope};
use serde_json::{Value, json};

use crate::codec::{duration, identity, moment, option, text};

fn pattern() -> impl Strategy<Value = SubjectPattern> {
    "[a-z:*?/]{1,20}".prop_map(|text| SubjectPattern::parse(&text).unwrap())
}

fn claim_value() -> impl Strategy<Value = Value> {
    prop_oneof![text().prop_map(Value::from), any::<bool>().prop_map(Value::from), any::<i64>().prop_map(Value::from)]
}

fn claim_rule() -> impl Strategy<Value = ClaimRule> {
    prop_oneof![
        claim_value().prop_map(ClaimRule::Equal),
        prop::collection::vec(claim_value(), 1..4).prop_map(ClaimRule::OneOf),
    ]
}

fn content() -> impl Strategy<Value = IssuerContent> {
    let mapping = (text(), option(text()), option(text()), option(text()), option(text())).prop_map(
        |(identity, tenant, groups, roles, mfa_time)| ClaimMapping {
            identity: identity.into(),
            tenant: tenant.map(Into::into),
            groups: groups.map(Into::into),
            roles: roles.map(Into::into),
            scopes: None,
            mfa_time: mfa_time.map(Into::into),
        },
    );
    let texts = (text(), text(), option(text()), option(text()));
    let lists = (
        prop::collection::vec(text().prop_map(Into::into), 1..3),
        prop::sample::subsequence(Algorithm::ALL.to_vec(), 0..5),
        prop::collection::vec(pattern(), 0..3),
        prop::sample::subsequence(Role::ALL.to_vec(), 0..5),
        prop::sample::subsequence(Scope::ALL.to_vec(), 0..5),
    );
    let kind = prop::sample::select(vec![IdentityType::User, IdentityType::ServiceAccount]);
    (texts, lists, mapping, kind, any::<(bool, bool)>()).prop_map(
        |(
            (name, issuer, jwks_url, ca_pem),
            (audiences, algorithms, bound, roles, scopes),
            mapping,
            kind,
            (keys, on),
        )| {
            IssuerContent {
                name: name.into(),
                issuer: issuer.into(),
                jwks_url: jwks_url.map(Into::into),
                jwks: keys.then(|| json!({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]})),
                ca_pem: ca_pem.map(Into::into),
                audiences,
                algorithms,
                claim_mapping: mapping,
                identity_type: kind,
                bound_subjects: bound,
                default_scopes: scopes.into_iter().collect(),
                allowed_roles: roles,
                is_active: on,
            }
        },
    )
}

fn exchange() -> impl Strategy<Value = ExchangeContent> {
    let claims = prop::collection::btree_map("[a-z.]{1,9}", claim_rule(), 0..4);
    let role = option(prop::sample::select(Role::ALL.to_vec()));
    let scopes = prop::sample::subsequence(Scope::ALL.to_vec(), 1..5);
    (text(), pattern(), claims, identity(), scopes, duration(), any::<bool>(), role).prop_map(
        |(name, subject, claims, identity, scopes, ttl, is_active, highest_role)| ExchangeContent {
            name: name.into(),
            issuer_id: IssuerId::parse("iss_1").unwrap(),
            subject,
            claims,
            identity,
            scopes: scopes.into_iter().collect(),
            ttl,
            is_active,
            highest_role,
        },
    )
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let issuer = "iss_[0-9A-Z]{26}".prop_map(|text| IssuerId::parse(&text).unwrap());
    let rule = "xr_[0-9A-Z]{26}".prop_map(|text| ExchangeRuleId::parse(&text).unwrap());
    let event = prop_oneof![
        (issuer.clone(), content()).prop_map(|(id, content)| IssuerEvent::Created { id, content }),
        (issuer.clone(), content()).prop_map(|(id, content)| IssuerEvent::Updated { id, content }),
        issuer.prop_map(|id| IssuerEvent::Deleted { id }),
        (rule.clone(), exchange()).prop_map(|(id, content)| IssuerEvent::RuleCreated { id, content }),
        (rule.clone(), exchange()).prop_map(|(id, content)| IssuerEvent::RuleUpdated { id, content }),
        rule.prop_map(|id| IssuerEvent::RuleDeleted { id }),
    ];
    let revoked = (identity(), moment()).prop_map(|(identity, expires_at)| JwtRevoked {
        hash: "ab".repeat(32),
        identity,
        expires_at,
    });
    prop_oneof![6 => event.prop_map(Event::Issuer), 1 => revoked.prop_map(Event::JwtRevoked)]
}

/// What a pattern means, tried in every way.
fn matches(pattern: &[char], subject: &[char]) -> bool {
    match (pattern, subject) {
        ([], rest) => rest.is_empty(),
        (['*', after @ ..], rest) => (0..=rest.len()).any(|taken| matches(after, &rest[taken..])),
        (['?', after @ ..], [_, rest @ ..]) => matches(after, rest),
        ([wanted, after @ ..], [found, rest @ ..]) => wanted == found && matches(after, rest),
        ([_, ..], []) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn patterns_match_what_they_mean(pattern in "[ab*?]{1,8}", subject in "[abü]{0,8}") {
        let (wanted, found): (Vec<char>, Vec<char>) = (pattern.chars().collect(), subject.chars().collect());
        let parsed = SubjectPattern::parse(&pattern).unwrap();
        prop_assert_eq!(parsed.matches(&subject), matches(&wanted, &found));
    }
}
