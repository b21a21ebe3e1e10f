//! Which tokens of an issuer a rule of exchange is for, and how long it stands for those it gave.

use std::collections::BTreeMap;

use scaivault_domain::exchange::{ClaimRule, ExchangeContent, ExchangeRule, MAX_CLAIMS, TTL_SECONDS};
use scaivault_domain::id::{ExchangeRuleId, IssuerId};
use scaivault_domain::{DurationText, IdentityId, Scope};
use serde_json::{Value, json};

use super::sample::{claims, moment, now, pattern};

/// For tokens of the main branch, with what is wanted of their claims.
fn rule(wanted: &[(&str, Value)]) -> ExchangeRule {
    let wanted = wanted.iter().map(|(name, value)| ((*name).to_owned(), ClaimRule::parse(value.clone()).unwrap()));
    let content = ExchangeContent {
        name: "github-billing-main".into(),
        issuer_id: IssuerId::parse("iss_1").unwrap(),
        subject: pattern("repo:acme/*:main"),
        claims: wanted.collect::<BTreeMap<_, _>>(),
        identity: IdentityId::parse("sa:github-deployer-billing").unwrap(),
        scopes: [Scope::SecretsRead].into_iter().collect(),
        ttl: DurationText::parse("1h").unwrap(),
        is_active: true,
        highest_role: None,
    };
    ExchangeRule {
        id: ExchangeRuleId::parse("xr_1").unwrap(),
        content,
        created_at: now(),
        updated_at: now(),
        active_since: now(),
        last_used_at: None,
    }
}

fn inactive(mut rule: ExchangeRule) -> ExchangeRule {
    rule.content.is_active = false;
    rule
}

#[test]
fn subject_and_every_claim_must_fit() {
    let rule = rule(&[("environment", json!("production")), ("ref.protected", json!(true))]);
    let token = |subject: &str, environment: &str, protected: bool| {
        claims(json!({"sub": subject, "environment": environment, "ref": {"protected": protected}}))
    };
    assert!(rule.matches(&token("repo:acme/billing:main", "production", true)));
    for (subject, environment, protected) in [
        ("repo:acme/billing:dev", "production", true),
        ("repo:other/billing:main", "production", true),
        ("repo:acme/billing:main", "staging", true),
        ("repo:acme/billing:main", "production", false),
    ] {
        let other = token(subject, environment, protected);
        assert!(!rule.matches(&other), "{subject} {environment} {protected}");
    }
    assert!(!rule.matches(&claims(json!({"sub": "repo:acme/billing:main", "environment": "production"}))));
    assert!(!rule.matches(&claims(json!({"environment": "production", "ref": {"protected": true}}))));
}

#[test]
fn an_inactive_rule_is_for_no_token() {
    let token = claims(json!({"sub": "repo:acme/billing:main"}));
    assert!(rule(&[]).matches(&token));
    assert!(!inactive(rule(&[])).matches(&token));
}

#[test]
fn a_claim_must_be_equal_or_one_of_the_values() {
    for (wanted, claim, expected) in [
        (json!("main"), json!("main"), true),
        (json!("main"), json!("Main"), false),
        (json!("main"), json!(["main"]), false),
        (json!("m*"), json!("main"), false),
        (json!(["dev", "main"]), json!("main"), true),
        (json!(["dev", "main"]), json!("test"), false),
        (json!(["dev", "main"]), json!(["dev", "main"]), false),
        (json!(true), json!(true), true),
        (json!(true), json!("true"), false),
        (json!(false), Value::Null, false),
        (json!(7), json!(7), true),
        (json!(7), json!(8), false),
        (json!(7), json!("7"), false),
        (json!([7, "a", true]), json!(7), true),
        // Numbers count, not how they are written.
        (json!(7), json!(7.0), true),
        (json!(7.0), json!(7), true),
        (json!(7.5), json!(7.5), true),
        (json!(7.5), json!(7), false),
        (json!(7), json!(7.5), false),
        (json!(7.5), json!(8.5), false),
        // Whole numbers that are the same as floating point are not the same.
        (json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992_u64), false),
        (json!(u64::MAX), json!(u64::MAX), true),
        (json!(u64::MAX), json!(u64::MAX - 1), false),
        (json!(-1), json!(u64::MAX), false),
    ] {
        let token = claims(json!({"sub": "repo:acme/billing:main", "claim": claim}));
        assert_eq!(rule(&[("claim", wanted.clone())]).matches(&token), expected, "{wanted} for {claim}");
    }
}

#[test]
fn texts_numbers_and_booleans_can_be_wanted_or_lists_of_them() {
    let many = |count: usize| Value::from(vec!["a"; count]);
    for sound in [json!("a"), json!(""), json!(7), json!(7.5), json!(false), json!(["a", 7, true]), many(MAX_CLAIMS)] {
        let expected = match sound.as_array() {
            Some(values) => ClaimRule::OneOf(values.clone()),
            None => ClaimRule::Equal(sound.clone()),
        };
        assert_eq!(ClaimRule::parse(sound.clone()), Some(expected), "{sound}");
    }
    for unsound in [Value::Null, json!({}), json!([]), json!([null]), json!(["a", ["b"]]), many(MAX_CLAIMS + 1)] {
        assert_eq!(ClaimRule::parse(unsound.clone()), None, "{unsound}");
    }
}

#[test]
fn a_rule_stands_for_what_it_gave_since_it_is_active() {
    let (rule, before, after) = (rule(&[]), moment("2026-04-23T13:59:59Z"), moment("2026-04-23T14:00:01Z"));
    assert!(!rule.vouches_for(before), "given before a break");
    assert!(rule.vouches_for(now()) && rule.vouches_for(after));
    let rule = inactive(rule);
    assert!([before, now(), after].into_iter().all(|at| !rule.vouches_for(at)), "deactivating revokes what it gave");
}

#[test]
fn exchanged_tokens_live_from_a_minute_to_twelve_hours() {
    let seconds = |text: &str| DurationText::parse(text).unwrap().seconds();
    assert_eq!((*TTL_SECONDS.start(), *TTL_SECONDS.end()), (seconds("1m"), seconds("12h")));
}
