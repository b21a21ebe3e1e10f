//! What is kept of a decision, to tell later why it came out as it did.

use scaivault_domain::access::{Caller, Denial, Grant, Permission, no_matching_rule};
use scaivault_domain::policy::{Conditions, Recollection, explain};
use scaivault_domain::{IdentityId, Rejection, Role};

use super::callers::caller;
use super::sample::{asked, bound, now, policy, rule};

/// Most policies that are kept with a denial.
const MOST: usize = 1_000;

#[test]
fn who_asked_is_kept_with_all_that_counted() {
    let groups = vec![IdentityId::group("oncall"), IdentityId::group("sre")];
    let mfa_verified_at = Some(now());
    let asking = Caller { groups: groups.clone(), mfa_verified_at, ..caller(&[Role::TenantAdmin]) };
    let kept = Recollection::of(&asking);
    let expected = Recollection { groups, roles: vec![Role::TenantAdmin], mfa_verified_at, ..Recollection::default() };
    assert_eq!(kept, expected);
    let granted = kept.granted(&Grant { role: Some(Role::TenantAdmin), ..Grant::default() });
    assert_eq!(granted, Recollection { role: Some(Role::TenantAdmin), ..expected });
}

#[test]
fn where_nothing_counted_nothing_is_kept() {
    let kept = Recollection::of(&caller(&[]));
    assert!(kept.is_empty());
    assert!(!Recollection::of(&caller(&[Role::TenantAdmin])).is_empty());
    let rejection = Rejection::denied("insufficient_scope", "The token lacks the scope");
    let denied = kept.denied(&Denial { rejection, denied: None });
    assert_eq!(denied.denial.as_deref(), Some("insufficient_scope"), "the reason, where policies had no say");
    assert!(denied.candidates.is_none() && !denied.is_empty());
}

#[test]
fn of_very_many_policies_those_about_the_path_are_kept_by_creation() {
    // Ids run backwards: when a policy was made is what counts.
    let policies = |count: usize, about: &[usize]| {
        let made = |index: usize| {
            let pattern = if about.contains(&index) { "app/*" } else { "other/*" };
            let rules = vec![rule(pattern, Permission::Write, Conditions::default())];
            let mut policy = policy(&format!("{:05}", 99_999 - index), rules);
            policy.created_at = now().plus_seconds(i64::try_from(index).unwrap());
            policy.content.name = index.to_string().into();
            policy
        };
        (0..count).map(made).collect()
    };
    let kept = |count: usize, about: &[usize]| -> Vec<usize> {
        let denied = explain(&bound(policies(count, about)), &asked(Permission::Read, "app/db"));
        let denial = Denial { rejection: no_matching_rule(Permission::Read), denied: Some(denied) };
        let candidates = Recollection::default().denied(&denial).candidates.unwrap();
        candidates.into_iter().map(|policy| policy.name.parse().unwrap()).collect()
    };
    assert_eq!(kept(MOST, &[MOST - 1]), (0..MOST).collect::<Vec<_>>(), "all there are, as many as may be");
    let last = MOST + 1;
    assert_eq!(kept(MOST + 2, &[3, last]), (0..MOST - 1).chain([last]).collect::<Vec<_>>());
}
