//! Patterns against a matcher that is obviously right.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use scaivault_domain::access::Permission;
use scaivault_domain::policy::{
    Asked, Bound, Candidates, Conditions, Content, Policy, Rule, Subject, permitting, system_path,
};
use scaivault_domain::{Pattern, PolicyId, SecretPath, Timestamp};

/// Tries everything.
fn naive(pattern: &[&str], path: &[&str], first: bool) -> bool {
    match pattern {
        [] => path.is_empty(),
        ["**", rest @ ..] => {
            let least = usize::from(first || rest.is_empty());
            (least..=path.len()).any(|taken| naive(rest, &path[taken..], false))
        }
        [segment, rest @ ..] => match path {
            [] => false,
            [part, tail @ ..] => {
                let one = *segment == "*" && !part.is_empty();
                let some = *segment != "*" && naive_segment(segment.as_bytes(), part.as_bytes());
                (one || some) && naive(rest, tail, false)
            }
        },
    }
}

fn naive_segment(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', rest @ ..] => (0..=text.len()).any(|taken| naive_segment(rest, &text[taken..])),
        [byte, rest @ ..] => match text {
            [] => false,
            [other, tail @ ..] => (*byte == b'?' || byte == other) && naive_segment(rest, tail),
        },
    }
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![2 => Just("**".to_owned()), 2 => Just("*".to_owned()), 4 => "[ab?]{1,2}|[ab]?\\*[ab]?|[ab]\\*[ab]\\*[ab]"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_pattern_matches_what_it_says(
        segments in prop::collection::vec(segment(), 1..6),
        parts in prop::collection::vec("[ab]{1,4}", 1..6),
        system in any::<(bool, bool)>(),
    ) {
        let at = |text: String, system: bool| if system { format!("@{text}") } else { text };
        let text = at(segments.join("/"), system.0);
        let path = at(parts.join("/"), system.1);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let expected = system.0 == system.1 && naive(&segments, &parts, true);
        let pattern = Pattern::parse(&text).unwrap();
        prop_assert_eq!(pattern.matches(&path), expected, "{} on {}", text, path);
        prop_assert!(!expected || path.starts_with(pattern.literal_prefix()));
        prop_assert!(text.starts_with(pattern.literal_prefix()));
        let next = text[pattern.literal_prefix().len()..].chars().next();
        prop_assert!(next.is_none_or(|next| "*?".contains(next)), "it goes on to the first wildcard");
    }

    #[test]
    fn any_text_is_a_pattern_or_refused(text in "\\PC{0,40}", path in "\\PC{0,40}") {
        if let Ok(pattern) = Pattern::parse(&text) {
            pattern.matches(&path);
        }
    }
}

#[test]
fn a_pattern_has_at_most_512_characters() {
    assert!(Pattern::parse(&"a".repeat(512)).is_ok());
    assert_eq!(Pattern::parse(&"a".repeat(513)).unwrap_err().details["reason"], "too_long");
}

/// Whoever may write patterns may not stop the server with one.
#[test]
fn many_stars_cost_little() {
    let path = ["a"; 10].join("/");
    let start = Instant::now();
    for text in [vec!["**"; 100].join("/") + "/b", vec!["**/a"; 100].join("/"), "a*".repeat(250)] {
        assert!(!Pattern::parse(&text).unwrap().matches(&path));
    }
    assert!(start.elapsed() < Duration::from_secs(1));
}

/// Nor with a rule: there are millions of ways through this one, and few places.
#[test]
fn many_stars_in_a_rule_cost_little() {
    let path_pattern = Pattern::parse(&["**/a"; 30].join("/")).unwrap();
    let rule = Rule { path_pattern, permissions: vec![Permission::Read], conditions: Conditions::default() };
    let content = Content { name: "stars".into(), description: None, rules: vec![rule], is_active: true };
    let id = PolicyId::parse("pol_1").unwrap();
    let at = Timestamp::default();
    let policy = Policy { id, revision: 1, content, created_at: at, updated_at: at };
    let candidates = Candidates::new(vec![Arc::new(Subject::new([Bound { policy: Arc::new(policy), until: None }]))]);
    let path = ["a"; 25].join("/");
    let asked = Asked { permission: Permission::Read, path: &path, address: None, mfa_verified_at: None, at };
    let start = Instant::now();
    assert!(permitting(&candidates, &asked).is_none());
    assert!(start.elapsed() < Duration::from_secs(1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is authorised is what was asked for, to the letter: nothing is folded, trimmed or resolved on the way.
    #[test]
    fn no_two_texts_are_one_path(
        one in "[a-zA-Z0-9_.@ /%-]{0,12}|\\PC{0,8}",
        other in "[a-zA-Z0-9_.@ /%-]{0,12}|\\PC{0,8}",
        segments in prop::collection::vec("[a-z0-9_-]{1,4}", 1..4),
    ) {
        let sound = segments.join("/");
        for text in [one.as_str(), other.as_str(), sound.as_str()] {
            let Ok(path) = SecretPath::parse(text) else { continue };
            prop_assert_eq!(path.as_str(), text);
            prop_assert!(!system_path(text), "a secret path is no system path");
            prop_assert!(!Pattern::parse("@**").unwrap().matches(text));
            let of_partner = format!("@partner/{text}");
            prop_assert!(!Pattern::parse("**").unwrap().matches(&of_partner));
        }
    }
}
