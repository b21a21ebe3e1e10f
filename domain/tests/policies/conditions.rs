//! Conditions of rules.

use scaivault_domain::access::Permission;
use scaivault_domain::policy::condition::IpRange;
use scaivault_domain::policy::{Asked, Bound, Candidates, Condition, Conditions, Subject, evaluate};
use scaivault_domain::{DurationText, ErrorCode};

use super::sample::{asked, bound, moment, now, policy, rule};

fn failed(conditions: &Conditions, asked: &Asked<'_>) -> Option<Condition> {
    let candidates = bound(vec![policy("1", vec![rule("app/**", Permission::Read, conditions.clone())])]);
    evaluate(&candidates, asked).err().map(|denied| denied.failed_condition().unwrap())
}

#[test]
fn the_client_comes_from_one_of_the_ranges() {
    let ranges = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"].map(|text| IpRange::parse(text).unwrap());
    let conditions = Conditions { ip_ranges: Some(ranges.to_vec()), ..Conditions::default() };
    for (address, holds) in [
        ("10.255.0.1", true),
        ("11.0.0.1", false),
        ("192.0.2.7", true),
        ("192.0.2.8", false),
        ("2001:db8::9", true),
        ("2001:db9::9", false),
        ("::ffff:10.0.0.1", true),
    ] {
        let asked = Asked { address: Some(address.parse().unwrap()), ..asked(Permission::Read, "app/db") };
        assert_eq!(failed(&conditions, &asked), (!holds).then_some(Condition::IpRanges), "{address}");
    }
    let unknown = Asked { address: None, ..asked(Permission::Read, "app/db") };
    assert_eq!(failed(&conditions, &unknown), Some(Condition::IpRanges));
    assert_eq!(IpRange::parse("10.0.0.0/33"), None);
    for (range, holds) in
        [("::ffff:10.0.0.0/104", true), ("::ffff:10.1.2.3", true), ("::ffff:11.0.0.0/104", false), ("::/0", false)]
    {
        let conditions = Conditions { ip_ranges: Some(vec![IpRange::parse(range).unwrap()]), ..Conditions::default() };
        let asked = asked(Permission::Read, "app/db");
        assert_eq!(failed(&conditions, &asked), (!holds).then_some(Condition::IpRanges), "{range}");
    }
}

#[test]
fn a_second_factor_is_fresh_for_an_hour_or_as_long_as_the_rule_says() {
    let an_hour = Conditions { require_mfa: Some(true), ..Conditions::default() };
    let five_minutes = Conditions { mfa_max_age: DurationText::parse("5m"), ..an_hour.clone() };
    let with = |age: Option<i64>| Asked {
        mfa_verified_at: age.map(|age| now().plus_seconds(-age)),
        ..asked(Permission::Read, "app/db")
    };
    for (conditions, age, holds) in [
        (&an_hour, Some(0), true),
        (&an_hour, Some(3_600), true),
        (&an_hour, Some(3_601), false),
        (&an_hour, None, false),
        (&five_minutes, Some(300), true),
        (&five_minutes, Some(301), false),
        (&an_hour, Some(-60), true),
        (&an_hour, Some(-61), false),
    ] {
        assert_eq!(failed(conditions, &with(age)), (!holds).then_some(Condition::RequireMfa), "{age:?}");
    }
    let not_required = Conditions { require_mfa: Some(false), ..Conditions::default() };
    assert!(not_required.is_empty());
    assert_eq!(failed(&not_required, &with(None)), None);
}

#[test]
fn a_rule_ends_at_its_moment() {
    let ends = |at: &str| Conditions { expires_at: Some(moment(at)), ..Conditions::default() };
    let question = asked(Permission::Read, "app/db");
    assert_eq!(failed(&ends("2026-04-23T14:00:00.000001Z"), &question), None);
    assert_eq!(failed(&ends("2026-04-23T14:00:00Z"), &question), Some(Condition::ExpiresAt));
}

#[test]
fn the_first_failed_condition_of_the_first_fitting_rule_is_told() {
    let all = Conditions {
        ip_ranges: Some(vec![IpRange::parse("192.0.2.0/24").unwrap()]),
        require_mfa: Some(true),
        expires_at: Some(moment("2001-01-01")),
        ..Conditions::default()
    };
    let mfa = Conditions { require_mfa: Some(true), ..Conditions::default() };
    let question = asked(Permission::Read, "app/db");
    assert_eq!(failed(&all, &question), Some(Condition::IpRanges));
    let candidates = bound(vec![
        policy("2", vec![rule("app/*", Permission::Read, all.clone())]),
        policy("1", vec![rule("other/*", Permission::Read, all.clone()), rule("app/db", Permission::Read, mfa)]),
    ]);
    let denied = evaluate(&candidates, &question).unwrap_err();
    assert_eq!(denied.failed_condition(), Some(Condition::RequireMfa), "policies by creation, rules by position");
    let stood: Vec<_> = denied.evaluated.iter().map(|rule| (rule.policy.id.as_str(), rule.rule_index)).collect();
    assert_eq!(stood, [("pol_1", 0), ("pol_1", 1), ("pol_2", 0)]);
    assert_eq!(denied.reason(), "condition_failed");
    // What held is kept, what did not is named.
    let nearest = evaluate(
        &bound(vec![policy("2", vec![rule("app/*", Permission::Read, all)])]),
        &Asked { address: Some([192, 0, 2, 1].into()), ..question },
    );
    let nearest = nearest.unwrap_err().nearest.unwrap();
    assert_eq!(nearest.dropped, [Condition::ExpiresAt, Condition::RequireMfa]);
    assert_eq!(
        (nearest.held.ip_ranges.is_some(), nearest.held.require_mfa, nearest.held.expires_at),
        (true, None, None)
    );
}

#[test]
fn an_ended_binding_counts_no_more() {
    let candidate = |until| {
        let policy = std::sync::Arc::new(policy("1", vec![rule("**", Permission::Read, Conditions::default())]));
        Candidates::new(vec![std::sync::Arc::new(Subject::new([Bound { policy, until }]))])
    };
    let question = asked(Permission::Read, "app/db");
    assert!(evaluate(&candidate(Some(now().plus_seconds(1))), &question).is_ok());
    let denied = evaluate(&candidate(Some(now())), &question).unwrap_err();
    assert_eq!((denied.evaluated.len(), denied.reason()), (0, "no_policy_bound"));
}

#[test]
fn each_condition_denies_with_its_code() {
    let codes = Condition::ALL.map(|condition| (condition.as_str(), condition.code()));
    assert_eq!(
        codes,
        [
            ("ip_ranges", ErrorCode::IpNotAllowed),
            ("time_window", ErrorCode::TimeWindowViolation),
            ("expires_at", ErrorCode::AccessDenied),
            ("require_mfa", ErrorCode::MfaRequired),
        ]
    );
    for condition in Condition::ALL {
        assert_eq!(Condition::parse(condition.as_str()), Some(condition));
    }
    assert_eq!(Condition::parse("weather"), None);
}

#[test]
fn a_range_of_addresses_is_told_as_it_was_written() {
    for text in ["10.0.0.0/8", "192.0.2.7", "::ffff:10.0.0.0/104", "2001:db8::/32"] {
        let range = IpRange::parse(text).unwrap();
        assert_eq!(serde_json::to_value(&range).unwrap(), text);
        assert_eq!(format!("{range:?}"), text);
    }
}
