//! What tokens open, and what a tenant sets: small values that much depends on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use proptest::prelude::*;
use scaivault_domain::pattern::has_wildcard;
use scaivault_domain::tenant::{AUDIT_RETENTION_SECONDS, MAX_LEASES, RECOVERY_WINDOW_SECONDS, TenantSettings};
use scaivault_domain::{DurationText, Pattern, Scope, Scopes};

fn set(scopes: &[Scope]) -> Scopes {
    scopes.iter().copied().collect()
}

/// By the two sentences of the contract: `admin` implies every scope, `pki:admin` also `pki:issue`.
fn implies(held: Scope, scope: Scope) -> bool {
    held == scope || held == Scope::Admin || (held == Scope::PkiAdmin && scope == Scope::PkiIssue)
}

#[test]
fn a_scope_opens_itself_and_what_it_implies() {
    for held in Scope::ALL {
        for scope in Scope::ALL {
            assert_eq!(set(&[*held]).grants(*scope), implies(*held, *scope), "{held:?} for {scope:?}");
        }
        assert_eq!(Scope::parse(held.as_str()), Some(*held));
        assert!(Scopes::all().grants(*held) && !Scopes::default().grants(*held));
    }
    assert_eq!(Scopes::all().iter().count(), Scope::ALL.len());
    assert!(Scopes::default().is_empty() && !set(&[Scope::TokensSelf]).is_empty());
    assert_eq!(Scope::parse("secrets"), None);
}

#[test]
fn scopes_are_told_sorted_once_each() {
    let scopes = set(&[Scope::SecretsRead, Scope::Admin, Scope::SecretsRead]);
    assert_eq!(serde_json::to_string(&scopes).unwrap(), r#"["admin","secrets:read"]"#);
    assert_eq!(format!("{scopes:?}"), "{\"admin\", \"secrets:read\"}");
    let read: Scopes = serde_json::from_str(r#"["secrets:read","secrets:fly","admin"]"#).unwrap();
    assert_eq!(read, scopes, "words of later versions are passed over");
}

#[test]
fn what_is_missing_is_named() {
    let reader = set(&[Scope::SecretsRead, Scope::SecretsList]);
    assert_eq!(reader.missing(set(&[Scope::SecretsList])), None);
    assert_eq!(reader.missing(set(&[Scope::SecretsRead, Scope::SecretsWrite])), Some(Scope::SecretsWrite));
    assert_eq!(set(&[Scope::Admin]).missing(Scopes::all()), None);
    assert_eq!(set(&[Scope::PkiAdmin]).missing(set(&[Scope::PkiIssue])), None);
    assert_eq!(Scopes::default().missing(Scopes::default()), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn narrowed_scopes_open_what_both_open(
        one in prop::collection::vec(prop::sample::select(Scope::ALL.to_vec()), 0..5),
        other in prop::collection::vec(prop::sample::select(Scope::ALL.to_vec()), 0..5),
    ) {
        let (one, other) = (set(&one), set(&other));
        let both = one.narrowed_to(other);
        prop_assert_eq!(both, other.narrowed_to(one));
        for scope in Scope::ALL {
            prop_assert_eq!(both.grants(*scope), one.grants(*scope) && other.grants(*scope), "{:?}", scope);
        }
        // In words that one of them has: `admin` is not spelled out.
        let spelled = |set: Scopes, scope| set.iter().any(|held| held == scope);
        prop_assert!(both.iter().all(|scope| spelled(one, scope) || spelled(other, scope)));
    }
}

#[test]
fn settings_have_the_defaults_of_the_contract() {
    let none = TenantSettings::default();
    assert_eq!((none.recovery_window(), none.audit_retention(), none.max_leases()), ("30d", "2555d", 1_000_000));
    assert_eq!(none.audit_retention_seconds(), DurationText::parse("2555d").unwrap().seconds());
    let decisions = none.for_decisions();
    assert_eq!((decisions.default_max_versions, decisions.recovery_window_seconds), (10, 30 * 86_400));
    let set = TenantSettings {
        default_max_versions: Some(3),
        recovery_window: DurationText::parse("90m"),
        audit_retention: DurationText::parse("40d"),
        max_leases: Some(7),
    };
    assert_eq!((set.recovery_window(), set.audit_retention(), set.max_leases()), ("90m", "40d", 7));
    assert_eq!(set.audit_retention_seconds(), 40 * 86_400);
    let decisions = set.for_decisions();
    assert_eq!((decisions.default_max_versions, decisions.recovery_window_seconds), (3, 5_400));
}

#[test]
fn settings_have_the_bounds_of_the_contract() {
    let bounds = |low: &str, high: &str| {
        let seconds = |text: &str| DurationText::parse(text).unwrap().seconds();
        (seconds(low), seconds(high))
    };
    assert_eq!(RECOVERY_WINDOW_SECONDS, bounds("1h", "365d"));
    assert_eq!(AUDIT_RETENTION_SECONDS, bounds("30d", "36500d"));
    assert_eq!(MAX_LEASES, (1, 10_000_000));
}

#[test]
fn a_pattern_is_told_as_it_was_written() {
    let pattern = Pattern::parse("app/*/key-?").unwrap();
    assert_eq!((pattern.as_str(), format!("{pattern:?}").as_str()), ("app/*/key-?", "app/*/key-?"));
    assert!(has_wildcard("a/*") && has_wildcard("a?") && !has_wildcard("a/b"));
    assert!(Pattern::parse("@pki/*").unwrap().is_system() && !pattern.is_system());
}
