//! Parsers take every text without panic, and what they take comes back.

use proptest::prelude::*;
use scaivault_domain::secret::NoticeTimes;
use scaivault_domain::{DurationText, IdentityId, PartnerId, Scope, SecretPath, TenantId, Timestamp};

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        "[\\x00-\\x7f]{0,40}",
        // Nearly right.
        "[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9:.,]{0,12}([Zz]|[+-][0-9:]{4,6})?)?",
        "[a-z0-9_/-]{0,60}",
        "[0-9smhdw ,]{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in any_text()) {
        if let Some(duration) = DurationText::parse(&text) {
            prop_assert_eq!(duration.as_str(), &text);
        }
        if let Ok(path) = SecretPath::parse(&text) {
            prop_assert_eq!(path.as_str(), &text);
            prop_assert!(SecretPath::check_prefix(&text).is_ok());
        }
        if let Some(moment) = Timestamp::parse(&text) {
            prop_assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
        }
        if let Some(notices) = NoticeTimes::parse(&text) {
            prop_assert!((1..=10).contains(&notices.times().len()));
        }
        let _ = (IdentityId::parse(&text), TenantId::parse(&text), PartnerId::parse(&text), Scope::parse(&text));
    }

    #[test]
    fn every_moment_has_a_text_that_means_it(micros in any::<i64>()) {
        let moment = Timestamp::from_micros(micros);
        let text = moment.to_string();
        prop_assert!(text.len() == 20 || text.len() == 27, "{}", text);
        prop_assert!(text.ends_with('Z'));
        prop_assert_eq!(Timestamp::parse(&text), Some(moment));
    }

    #[test]
    fn moments_do_not_leave_their_range(micros in any::<i64>(), seconds in any::<i64>()) {
        let moved = Timestamp::from_micros(micros).plus_seconds(seconds);
        prop_assert_eq!(Timestamp::parse(&moved.to_string()), Some(moved));
    }
}

/// The end of time has a text like every other moment.
#[test]
fn the_last_moment_is_told_as_it_is() {
    let last = Timestamp::from_micros(i64::MAX);
    assert_eq!(last.to_string(), "9999-12-31T23:59:59.999999Z");
    assert_eq!(last.plus_seconds(1), last);
    assert_eq!(Timestamp::parse("9999-12-31T23:59:59-00:01"), None);
}
