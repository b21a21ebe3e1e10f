//! How long a decision takes where there are many policies, and how long they take to load.
//!
//! `cargo bench -p scaivault-projections --bench policies`
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, clippy::disallowed_methods)]
#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use std::hint::black_box;
use std::time::Instant;

use scaivault_domain::access::Permission;
use scaivault_domain::id::BindingId;
use scaivault_domain::policy::condition::IpRange;
use scaivault_domain::policy::{Asked, Binding, Candidates, Conditions, Content, PolicyEvent, Rule, permitting};
use scaivault_domain::{IdentityId, Pattern, PolicyId, Timestamp};
use scaivault_projections::PolicySet;

const POLICIES: usize = 10_000;
const RULES: usize = 10;
const GROUPS: usize = 1_000;
/// Groups of one caller.
const MEMBERSHIPS: usize = 20;
const DECISIONS: usize = 1_000_000;

fn main() {
    let by = IdentityId::parse("user:bench@acme.example").unwrap();
    let events: Vec<_> = (0..POLICIES).map(created).chain((0..POLICIES).map(bound)).collect();
    let started = Instant::now();
    let objects = &events[..POLICIES + 8_000];
    let loaded = black_box(PolicySet::default().preview(objects, Timestamp::from_micros(0), &by));
    println!("load: {} objects in {:.0} ms", objects.len(), started.elapsed().as_secs_f64() * 1e3);
    drop(loaded);
    let policies = PolicySet::default().preview(&events, Timestamp::from_micros(0), &by);

    let groups = (0..MEMBERSHIPS).map(|index| group(index * 37 % GROUPS));
    let started = Instant::now();
    let candidates = Candidates::new(groups.filter_map(|group| policies.subject(&group)).collect());
    let first = started.elapsed();
    let rules = candidates.policies(Timestamp::from_micros(0)).len() * RULES;
    println!("{MEMBERSHIPS} groups of a caller, {rules} rules: arranged once, in {:.0} µs", first.as_secs_f64() * 1e6);

    let mut random = 88_172_645_463_325_252_u64;
    let paths: Vec<String> = (0..4_096).map(|_| path(&mut random)).collect();
    for (name, permission) in
        [("read, mostly permitted", Permission::Read), ("delete, never permitted", Permission::Delete)]
    {
        let mut nanos = Vec::with_capacity(DECISIONS);
        let mut permitted = 0;
        for path in paths.iter().cycle().take(DECISIONS) {
            let asked = Asked {
                permission,
                path,
                address: Some([10, 0, 0, 1].into()),
                mfa_verified_at: None,
                at: Timestamp::from_micros(0),
            };
            let started = Instant::now();
            let decided = permitting(black_box(&candidates), black_box(&asked));
            nanos.push(started.elapsed().as_nanos());
            permitted += usize::from(decided.is_some());
        }
        nanos.sort_unstable();
        let at = |share: f64| nanos[((DECISIONS as f64 * share) as usize).min(DECISIONS - 1)] as f64 / 1e3;
        println!(
            "{name}: {:.0} % permitted, p50 {:.2} µs, p99 {:.2} µs, p99.9 {:.2} µs",
            permitted as f64 * 100.0 / DECISIONS as f64,
            at(0.5),
            at(0.99),
            at(0.999),
        );
    }
}

fn group(index: usize) -> IdentityId {
    IdentityId::parse(&format!("group:team-{index:04}")).unwrap()
}

fn policy_id(index: usize) -> PolicyId {
    PolicyId::parse(&format!("pol_{index:08}")).unwrap()
}

fn created(index: usize) -> PolicyEvent {
    let content = Content {
        name: format!("policy-{index}").into(),
        description: None,
        rules: (0..RULES).map(|rule| self::rule(index, rule)).collect(),
        is_active: true,
    };
    PolicyEvent::Created { id: policy_id(index), content }
}

/// Rules as people write them: literal paths, a `*` at the end, in the middle, `**`, some conditions.
fn rule(policy: usize, rule: usize) -> Rule {
    let (team, service) = (policy % GROUPS % 40, policy % 97);
    let pattern = match rule {
        0 => format!("team-{team:02}/**"),
        1 => format!("team-{team:02}/service-{service:02}/*"),
        2 => format!("team-{team:02}/*/credential-{rule}"),
        3 => format!("**/service-{service:02}/credential-{policy}"),
        4 => format!("env/prod-?/service-{service:02}/*"),
        5 => format!("shared/**/key-{policy}"),
        _ => format!("team-{team:02}/service-{service:02}/credential-{rule}-{policy}"),
    };
    let conditions = match rule {
        0 => Conditions { ip_ranges: Some(vec![IpRange::parse("10.0.0.0/8").unwrap()]), ..Conditions::default() },
        _ => Conditions::default(),
    };
    let permissions = vec![Permission::Read, Permission::List];
    Rule { path_pattern: Pattern::parse(&pattern).unwrap(), permissions, conditions }
}

fn bound(index: usize) -> PolicyEvent {
    PolicyEvent::Bound(Binding {
        id: BindingId::parse(&format!("bnd_{index:08}")).unwrap(),
        policy_id: policy_id(index),
        identity: group(index % GROUPS),
        expires_at: None,
    })
}

fn path(random: &mut u64) -> String {
    let mut next = |below: u64| {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        *random % below
    };
    format!("team-{:02}/service-{:02}/credential-{}", next(40), next(97), next(12))
}
