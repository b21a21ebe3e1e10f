//! Policies: the tree against trying every rule, and what must not depend on order.

use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;
use scaivault_domain::access::Permission;
use scaivault_domain::id::BindingId;
use scaivault_domain::policy::condition::IpRange;
use scaivault_domain::policy::record::Recollection;
use scaivault_domain::policy::window::WindowText;
use scaivault_domain::policy::{
    Asked, Binding, Bound, Candidates, Condition, Conditions, Content, Policy, PolicyEvent, Rule, Subject, TimeWindow,
    evaluate, explain,
};
use scaivault_domain::{DurationText, Pattern, PolicyId, Timestamp};

use crate::codec::{self, identity, option, text};

/// 2026-04-23T14:00:00Z, a Thursday.
const NOON: i64 = 1_776_952_800;

fn permission() -> impl Strategy<Value = Permission> {
    prop::sample::select(Permission::ALL.to_vec())
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let segment = prop_oneof![2 => Just("**".to_owned()), 2 => Just("*".to_owned()), 5 => "[ab?]{1,2}|[ab]\\*|\\*[ab]"];
    (prop::collection::vec(segment, 1..5), prop::bool::weighted(0.1)).prop_map(|(segments, is_system)| {
        let text = segments.join("/");
        Pattern::parse(&if is_system { format!("@{text}") } else { text }).unwrap()
    })
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let window = |start: &str, end: &str| {
        let text = WindowText { days: None, start: start.into(), end: end.into(), timezone: None };
        TimeWindow::parse(text).unwrap()
    };
    let option =
        |chance: f64, some: Conditions| prop::bool::weighted(chance).prop_map(move |is| is.then(|| some.clone()));
    let none = Conditions::default;
    let ranges = Some(vec![IpRange::parse("10.0.0.0/8").unwrap()]);
    (
        option(0.2, Conditions { ip_ranges: ranges, ..none() }),
        option(0.2, Conditions { require_mfa: Some(true), mfa_max_age: DurationText::parse("5m"), ..none() }),
        prop::sample::select(vec![None, None, None, Some(("08:00", "18:00")), Some(("22:00", "06:00"))]),
        prop::sample::select(vec![None, None, None, Some(NOON - 1), Some(NOON + 1)]),
    )
        .prop_map(move |(ranges, mfa, hours, end)| Conditions {
            ip_ranges: ranges.and_then(|some| some.ip_ranges),
            require_mfa: mfa.as_ref().and_then(|some| some.require_mfa),
            mfa_max_age: mfa.and_then(|some| some.mfa_max_age),
            time_window: hours.map(|(start, end)| window(start, end)),
            expires_at: end.map(|end| Timestamp::from_micros(end * 1_000_000)),
        })
}

fn rule() -> impl Strategy<Value = Rule> {
    (pattern(), prop::collection::vec(permission(), 1..3), conditions())
        .prop_map(|(path_pattern, permissions, conditions)| Rule { path_pattern, permissions, conditions })
}

/// A policy, and how long it is bound.
fn bound() -> impl Strategy<Value = Bound> {
    let id = "[0-9A-Z]{6}".prop_map(|text| PolicyId::parse(&format!("pol_{text}")).unwrap());
    let until = prop::sample::select(vec![None, None, None, Some(NOON), Some(NOON + 1)]);
    (id, prop::collection::vec(rule(), 1..6), prop::bool::weighted(0.9), until).prop_map(
        |(id, rules, is_active, until)| {
            let content = Content { name: id.as_str().into(), description: None, rules, is_active };
            let policy = Policy { id, revision: 1, content, created_at: moment(0), updated_at: moment(0) };
            Bound { policy: Arc::new(policy), until: until.map(moment) }
        },
    )
}

/// Any event of policies.
pub fn event() -> impl Strategy<Value = PolicyEvent> {
    let policy = "pol_[0-9A-Z]{26}".prop_map(|text| PolicyId::parse(&text).unwrap());
    let binding = "bnd_[0-9A-Z]{26}".prop_map(|text| BindingId::parse(&text).unwrap());
    let content = (text(), option(text()), prop::collection::vec(rule(), 0..3), any::<bool>()).prop_map(
        |(name, description, rules, is_active)| Content {
            name: name.into(),
            description: description.map(Into::into),
            rules,
            is_active,
        },
    );
    let content = content.boxed();
    prop_oneof![
        (policy.clone(), content.clone()).prop_map(|(id, content)| PolicyEvent::Created { id, content }).boxed(),
        (policy.clone(), any::<u64>(), content)
            .prop_map(|(id, revision, content)| PolicyEvent::Updated { id, revision, content })
            .boxed(),
        (policy.clone(), any::<u64>(), text(), any::<u32>())
            .prop_map(|(id, revision, name, rule_count)| PolicyEvent::Deleted { id, revision, name, rule_count })
            .boxed(),
        (binding.clone(), policy.clone(), identity(), option(codec::moment()))
            .prop_map(|(id, policy_id, identity, expires_at)| {
                PolicyEvent::Bound(Binding { id, policy_id, identity, expires_at })
            })
            .boxed(),
        (binding.clone(), policy.clone(), option(codec::moment()))
            .prop_map(|(id, policy_id, expires_at)| PolicyEvent::Renewed { id, policy_id, expires_at })
            .boxed(),
        (binding, policy, identity(), any::<bool>())
            .prop_map(|(id, policy_id, identity, expired)| PolicyEvent::Unbound { id, policy_id, identity, expired })
            .boxed(),
    ]
}

fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn path() -> impl Strategy<Value = String> {
    (prop::collection::vec("[ab]{1,2}", 1..6), prop::bool::weighted(0.1)).prop_map(|(parts, is_system)| {
        let text = parts.join("/");
        if is_system { format!("@{text}") } else { text }
    })
}

/// Circumstances: an address, the age of the second factor, a moment.
fn circumstances() -> impl Strategy<Value = (Option<IpAddr>, Option<i64>, i64)> {
    let addresses = ["10.1.2.3", "192.0.2.1", "::ffff:10.0.0.1"].map(|text| Some(text.parse().unwrap()));
    let address = prop::sample::select([addresses.as_slice(), &[None]].concat());
    let age = prop::sample::select(vec![None, Some(0), Some(300), Some(301), Some(-5)]);
    (address, age, prop::sample::select(vec![NOON, NOON + 8 * 3_600, NOON + 12 * 3_600]))
}

fn in_one(all: &[Bound]) -> Candidates {
    Candidates::new(vec![Arc::new(Subject::new(all.to_vec()))])
}

fn one_by_one(all: &[Bound], asked: &Asked<'_>) -> bool {
    let rules = all.iter().filter(|of| of.policy.content.is_active && of.counts(asked.at));
    rules.flat_map(|of| &of.policy.content.rules).any(|rule| {
        rule.path_pattern.matches(asked.path)
            && rule.permissions.iter().any(|held| [asked.permission, Permission::Admin].contains(held))
            && rule.conditions.first_failed(asked).is_none()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_tree_decides_as_trying_every_rule_does(
        mut all in prop::collection::vec(bound(), 0..8),
        permission in permission(),
        path in path(),
        (address, age, at) in circumstances(),
        cut in 0_usize..8,
    ) {
        let mfa_verified_at = age.map(|age| moment(at - age));
        let asked = Asked { permission, path: &path, address, mfa_verified_at, at: moment(at) };
        let decided = evaluate(&in_one(&all), &asked);
        prop_assert_eq!(decided.is_ok(), one_by_one(&all, &asked));
        match &decided {
            Ok(granted) => {
                let rule = &granted.policy.content.rules[granted.rule_index];
                prop_assert!(rule.path_pattern.matches(&path) && rule.permitted().grants(permission));
                prop_assert_eq!(rule.conditions.first_failed(&asked), None);
                prop_assert!(granted.policy.content.is_active);
            }
            Err(denied) => {
                prop_assert_eq!(denied, &explain(&in_one(&all), &asked));
                let failed = denied.failed_condition();
                prop_assert_eq!(failed.is_some(), denied.nearest.is_some());
                if let Some(nearest) = &denied.nearest {
                    prop_assert_eq!(nearest.held.first_failed(&asked), None);
                    prop_assert_eq!(nearest.dropped.first().copied(), failed);
                }
            }
        }
        // The same policies, otherwise ordered and spread over identity and groups.
        all.reverse();
        let (one, other) = all.split_at(cut.min(all.len()));
        let spread = [one, other].map(|part| Arc::new(Subject::new(part.to_vec())));
        prop_assert_eq!(evaluate(&Candidates::new(spread.to_vec()), &asked).is_ok(), decided.is_ok());
    }

    #[test]
    fn more_rules_never_take_anything_away(
        all in prop::collection::vec(bound(), 0..6),
        more in bound(),
        permission in permission(),
        path in path(),
        (address, age, at) in circumstances(),
    ) {
        let mfa_verified_at = age.map(|age| moment(at - age));
        let asked = Asked { permission, path: &path, address, mfa_verified_at, at: moment(at) };
        let before = evaluate(&in_one(&all), &asked).is_ok();
        let after = evaluate(&in_one(&[all, vec![more]].concat()), &asked).is_ok();
        prop_assert!(after || !before);
    }

    #[test]
    fn what_is_kept_of_a_denial_tells_how_every_rule_stood(
        all in prop::collection::vec(bound(), 0..6),
        permission in permission(),
        path in path(),
        (address, age, at) in circumstances(),
    ) {
        let mfa_verified_at = age.map(|age| moment(at - age));
        let asked = Asked { permission, path: &path, address, mfa_verified_at, at: moment(at) };
        let denied = explain(&in_one(&all), &asked);
        let denial = scaivault_domain::access::Denial {
            rejection: scaivault_domain::access::no_matching_rule(permission),
            denied: Some(denied.clone()),
        };
        let kept = serde_json::to_string(&Recollection::default().denied(&denial)).unwrap();
        let recalled: Recollection = serde_json::from_str(&kept).unwrap();
        let told: Vec<_> = recalled.candidates.iter().flatten().flat_map(|policy| {
            policy.stood().enumerate().map(|(index, rule)| (policy.id.clone(), index, rule))
        }).collect();
        prop_assert_eq!(told.len(), denied.evaluated.len());
        for ((id, index, stood), rule) in told.into_iter().zip(&denied.evaluated) {
            prop_assert_eq!((&id, index), (&rule.policy.id, rule.rule_index));
            prop_assert_eq!(stood.path_matched, rule.path_matched);
            prop_assert_eq!(stood.permission_matched, rule.permission_matched);
            prop_assert_eq!(stood.failed_condition, rule.failed_condition);
        }
        let dropped: Vec<_> = denied.nearest.iter().flat_map(|nearest| &nearest.dropped).map(|c| c.as_str()).collect();
        prop_assert_eq!(recalled.dropped, dropped);
        prop_assert_eq!(recalled.held, denied.nearest.map(|nearest| nearest.held));
    }

    #[test]
    fn conditions_and_their_names_go_together(index in 0_usize..4) {
        let condition = Condition::ALL[index];
        prop_assert_eq!(Condition::parse(condition.as_str()), Some(condition));
    }
}
