//! Decisions judged again, over a real log, against a model that knows nothing of logs.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use scaivault_domain::access::{Caller, Permission, Target};
use scaivault_domain::id::{BindingId, ReplayId};
use scaivault_domain::policy::condition::IpRange;
use scaivault_domain::policy::replay::{
    Added, Base, Proposal, ProposedBinding, Replaced, ReplayCreated, ReplayFilters,
};
use scaivault_domain::policy::{Asked, Binding, Conditions, Content, PolicyEvent, Recollection, Rule};
use scaivault_domain::{IdentityId, Owner, PartnerId, Pattern, PolicyId, Role, Timestamp};
use scaivault_eventstore::Owner as KeyOwner;
use scaivault_eventstore::log::Entry;
use scaivault_projections::owners::key_owner;
use scaivault_projections::past::Past;
use scaivault_projections::replay::{Found, Question, run};
use scaivault_projections::replays::HeldReplay;
use scaivault_projections::{PolicySet, View};

use crate::node::{Node, Read, acme};
use crate::policies::happen;

const PATHS: [&str; 3] = ["app/db", "app/key", "web/tls"];
const PATTERNS: [&str; 4] = ["app/*", "**", "web/tls", "app/db"];
const POLICIES: [&str; 4] = ["pol_a", "pol_b", "pol_c", "pol_d"];
/// Identities and groups; users are the first two, each in the group at its index.
const IDENTITIES: [&str; 4] = ["user:a@acme.example", "user:b@acme.example", "group:one", "group:two"];

#[derive(Clone, Debug)]
enum Step {
    /// Creates or updates.
    Write(usize, Vec<Rule>, bool),
    Delete(usize),
    Bind(usize, usize, Option<i64>),
    Unbind(usize, usize),
    Decide {
        who: usize,
        path: usize,
        permission: Permission,
        address: bool,
        reader: bool,
        narrowed: bool,
    },
    /// Records what was decided, if that was put off.
    Record,
    Pass(i64),
}

/// To whom, until when.
type Bound = (IdentityId, Option<Timestamp>);

/// A decision as it was made: on which policies, by whom, and how it came out.
struct Decision {
    view: Arc<View>,
    caller: Caller,
    path: &'static str,
    permission: Permission,
    address: Option<std::net::IpAddr>,
    at: Timestamp,
    was_allowed: bool,
    by_role: bool,
    by_policy: bool,
}

fn rule() -> impl Strategy<Value = Rule> {
    let permission = prop::sample::select(vec![Permission::Read, Permission::Write, Permission::Admin]);
    let conditions = prop_oneof![
        3 => Just(Conditions::default()),
        1 => Just(Conditions { ip_ranges: Some(vec![IpRange::parse("10.0.0.0/8").unwrap()]), ..Conditions::default() }),
        1 => Just(Conditions { require_mfa: Some(true), ..Conditions::default() }),
    ];
    (prop::sample::select(PATTERNS.to_vec()), permission, conditions).prop_map(|(pattern, permission, conditions)| {
        Rule { path_pattern: Pattern::parse(pattern).unwrap(), permissions: vec![permission], conditions }
    })
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    prop::collection::vec(rule(), 1..3)
}

fn step() -> impl Strategy<Value = Step> {
    let policy = 0..POLICIES.len();
    let identity = 0..IDENTITIES.len();
    let end = prop::option::weighted(0.3, 1_i64..400);
    let permission = prop::sample::select(vec![Permission::Read, Permission::Write]);
    prop_oneof![
        3 => (policy.clone(), rules(), prop::bool::weighted(0.85)).prop_map(|(of, rules, on)| Step::Write(of, rules, on)),
        1 => policy.clone().prop_map(Step::Delete),
        3 => (policy.clone(), identity.clone(), end).prop_map(|(of, to, end)| Step::Bind(of, to, end)),
        1 => (policy, identity).prop_map(|(of, to)| Step::Unbind(of, to)),
        8 => (0..2_usize, 0..PATHS.len(), permission, any::<bool>(), prop::bool::weighted(0.1), prop::bool::weighted(0.1))
            .prop_map(|(who, path, permission, address, reader, narrowed)| {
                Step::Decide { who, path, permission, address, reader, narrowed }
            }),
        3 => Just(Step::Record),
        2 => (1_i64..120).prop_map(Step::Pass),
    ]
}

fn proposal() -> impl Strategy<Value = Proposal> {
    let bindings = prop::collection::vec((0..IDENTITIES.len(), prop::option::weighted(0.3, 0_i64..400)), 0..3);
    let bindings = bindings.prop_map(|bindings| {
        let of = |(identity, end): (usize, Option<i64>)| ProposedBinding {
            identity: IdentityId::parse(IDENTITIES[identity]).unwrap(),
            expires_at: end.map(crate::node::second),
        };
        bindings.into_iter().map(of).collect::<Vec<_>>()
    });
    let bindings = bindings.boxed();
    let content = |rules| Content { name: "added".into(), description: None, rules, is_active: true };
    let added =
        (rules(), bindings.clone()).prop_map(move |(rules, bindings)| Added { content: content(rules), bindings });
    let replaced = (prop::option::of(rules()), prop::option::of(any::<bool>()), prop::option::of(bindings));
    // What becomes of each policy: nothing, something else, or its end.
    let fates = prop::collection::vec(prop::option::of(prop::option::of(replaced)), POLICIES.len());
    (prop::collection::vec(added, 0..2), fates).prop_map(|(add, fates)| {
        let mut proposal = Proposal { add, ..Proposal::default() };
        for (id, fate) in POLICIES.iter().zip(fates) {
            let id = PolicyId::parse(id).unwrap();
            match fate {
                None => {}
                Some(None) => proposal.remove.push(id),
                Some(Some((rules, is_active, bindings))) => {
                    proposal.replace.push(Replaced { id, rules, is_active, bindings });
                }
            }
        }
        proposal
    })
}

fn partner() -> PartnerId {
    PartnerId::parse("ptn_acme").unwrap()
}

/// The last policy is the partner's.
fn owner_of(policy: usize) -> Owner {
    if policy == 3 { Owner::Partner(partner()) } else { acme() }
}

fn target() -> Target {
    Target { owner: acme(), partner: Some(partner()) }
}

fn policy_events(node: &Node, view: &View, step: &Step) -> (Owner, Vec<PolicyEvent>) {
    let id = |of: usize| PolicyId::parse(POLICIES[of]).unwrap();
    let of = match step {
        Step::Write(of, ..) | Step::Delete(of) | Step::Bind(of, ..) | Step::Unbind(of, _) => *of,
        Step::Decide { .. } | Step::Record | Step::Pass(_) => return (acme(), Vec::new()),
    };
    let (owner, set) = (owner_of(of), view.policies.of(&owner_of(of)));
    let held = set.get(&id(of));
    let events = match (step, held) {
        (Step::Write(_, rules, is_active), _) => {
            let content =
                Content { name: POLICIES[of].into(), description: None, rules: rules.clone(), is_active: *is_active };
            match held {
                None => vec![PolicyEvent::Created { id: id(of), content }],
                Some(held) => {
                    vec![PolicyEvent::Updated { id: id(of), revision: held.policy.revision + 1, content }]
                }
            }
        }
        (Step::Delete(_), Some(held)) => {
            let bindings: Vec<_> = held.bindings.values().map(|held| held.binding.clone()).collect();
            scaivault_domain::policy::decide::delete(&held.policy, bindings.iter(), true).unwrap()
        }
        (Step::Bind(_, to, end), Some(held)) => {
            let identity = IdentityId::parse(IDENTITIES[*to]).unwrap();
            let binding = BindingId::parse(&format!("bnd_{}", node.projections.applied().0)).unwrap();
            let end = end.map(|seconds| node.now().plus_seconds(seconds));
            let existing = set.binding(&id(of), &identity).map(|held| &held.binding);
            scaivault_domain::policy::decide::bind(binding, &held.policy, existing, identity, end).into_iter().collect()
        }
        (Step::Unbind(_, to), Some(_)) => {
            let bound = set.binding(&id(of), &IdentityId::parse(IDENTITIES[*to]).unwrap());
            bound.map(|held| scaivault_domain::policy::decide::unbind(&held.binding, false)).into_iter().collect()
        }
        _ => Vec::new(),
    };
    (owner, events)
}

impl Decision {
    fn asked(&self) -> Asked<'_> {
        let (permission, path, address, at) = (self.permission, self.path, self.address, self.at);
        Asked { permission, path, address, mfa_verified_at: self.caller.mfa_verified_at, at }
    }

    /// Makes it as the server does, and the entry that is recorded of it.
    fn make(node: &Node, step: &Step) -> Option<(Self, Entry)> {
        let Step::Decide { who, path, permission, address, reader, narrowed } = step else { return None };
        let view = node.projections.view();
        let identity = IdentityId::parse(IDENTITIES[*who]).unwrap();
        let mut caller = view.caller_of_record(&target(), &identity);
        caller.groups = vec![IdentityId::parse(IDENTITIES[2 + who]).unwrap()];
        caller.roles = if *reader { vec![Role::TenantAdmin] } else { Vec::new() };
        caller.mfa_verified_at = address.then(|| node.now());
        if *narrowed {
            caller.narrowing.allowed_paths = vec![vec![Pattern::parse("nothing").unwrap()]];
        }
        let mut decision = Self {
            view: view.clone(),
            caller,
            path: PATHS[*path],
            permission: *permission,
            address: address.then(|| "10.1.2.3".parse().unwrap()),
            at: node.now(),
            was_allowed: false,
            by_role: false,
            by_policy: true,
        };
        let candidates = view.candidates(&decision.caller, &target());
        let outcome = decision.caller.authorize(&target(), &decision.asked(), || &candidates);
        let kept = Recollection::of(&decision.caller);
        let (kept, grant) = match &outcome {
            Ok(grant) => (kept.granted(grant), Some(grant)),
            Err(denial) => (kept.denied(denial), None),
        };
        decision.was_allowed = outcome.is_ok();
        decision.by_role = grant.is_some_and(|grant| grant.role.is_some());
        decision.by_policy = decision.was_allowed || kept.candidates.is_some();
        let policy = grant.and_then(|grant| grant.policy.as_ref());
        let read = Read { identity: identity.as_str(), path: decision.path, version: 1, at: decision.at };
        let address = decision.address.map(|address| address.to_string());
        let entry = read.entry_with(&acme(), |entry| {
            entry.acting_tenant_id = Some("tnt_acme");
            entry.tenant_id = Some("tnt_acme");
            entry.success = decision.was_allowed;
            entry.source_ip = address.as_deref();
            entry.extra_data.permission = Some(decision.permission.as_str());
            entry.extra_data.policy_id = grant.map(|_| policy.map(|(id, _)| id.as_str()));
            entry.extra_data.policy_revision = grant.map(|_| policy.map(|(_, revision)| *revision));
            entry.extra_data.rule_index = grant.map(|grant| grant.rule_index);
        });
        let detail = (!kept.is_empty()).then(|| serde_json::to_string(&kept).unwrap().into());
        Some((decision, Entry { detail, ..entry }))
    }

    /// Whether it would have been allowed by these policies: each rule looked at, nothing compiled.
    fn is_allowed(&self, sets: [&PolicySet; 2], proposal: &Proposal) -> bool {
        let mut bound: Vec<(Content, Vec<Bound>)> = Vec::new();
        for held in sets.iter().flat_map(|set| set.newest_first()) {
            let id = &held.policy.id;
            let replaced = proposal.replace.iter().any(|replaced| replaced.id == *id);
            if !replaced && !proposal.remove.contains(id) {
                let of = held.bindings.values().map(|held| (held.binding.identity.clone(), held.binding.expires_at));
                bound.push((held.policy.content.clone(), of.collect()));
            }
        }
        let plain = |bindings: &[ProposedBinding]| {
            // Bound again, an identity has the later end.
            let by_identity: HashMap<_, _> = bindings.iter().map(|of| (of.identity.clone(), of.expires_at)).collect();
            by_identity.into_iter().collect::<Vec<_>>()
        };
        for Replaced { id, rules, is_active, bindings } in &proposal.replace {
            let held = sets.iter().find_map(|set| set.get(id));
            let stood = |held: &scaivault_projections::HeldPolicy| {
                held.bindings.values().map(|held| (held.binding.identity.clone(), held.binding.expires_at)).collect()
            };
            let rules = rules.clone().or(held.map(|held| held.policy.content.rules.clone())).unwrap_or_default();
            let is_active = is_active.or(held.map(|held| held.policy.content.is_active)).unwrap_or(true);
            let of = bindings.as_deref().map(plain).or(held.map(|held| stood(held))).unwrap_or_default();
            bound.push((Content { name: "".into(), description: None, rules, is_active }, of));
        }
        bound.extend(proposal.add.iter().map(|added| (added.content.clone(), plain(&added.bindings))));
        let mine = |(identity, end): &Bound| {
            let is_mine = *identity == self.caller.identity || self.caller.groups.contains(identity);
            is_mine && end.is_none_or(|end| self.at < end)
        };
        let permits = |rule: &Rule| {
            rule.path_pattern.matches(self.path)
                && rule.permitted().grants(self.permission)
                && rule.conditions.first_failed(&self.asked()).is_none()
        };
        bound.iter().any(|(content, of)| content.is_active && of.iter().any(mine) && content.rules.iter().any(permits))
    }
}

/// A history; with `puts_off`, what was decided is recorded later, when policies may be others.
async fn history(steps: &[Step], puts_off: bool) -> (Node, Vec<Decision>) {
    let node = Node::start().await;
    let keyring = node.sealer.keyring();
    keyring.ensure(&key_owner(&Owner::Partner(partner())), &KeyOwner::Platform, 0).await.unwrap();
    let (mut decisions, mut waiting, mut seconds) = (Vec::new(), Vec::new(), 0);
    for step in steps {
        if let Some((decision, entry)) = Decision::make(&node, step) {
            decisions.push(decision);
            waiting.push(entry);
        }
        let view = node.projections.view();
        let (owner, events) = policy_events(&node, &view, step);
        if !events.is_empty() {
            happen(&node, &owner, view.policies.of(&owner).revision().0 + 1, events).await;
        }
        if let Step::Pass(pause) = step {
            seconds += pause;
            node.at(seconds);
        }
        if !waiting.is_empty() && (!puts_off || matches!(step, Step::Record)) {
            node.audited(std::mem::take(&mut waiting)).await;
        }
    }
    if !waiting.is_empty() {
        node.audited(waiting).await;
    }
    node.at(seconds + 1);
    (node, decisions)
}

async fn replayed(node: &Node, base: Base, proposal: &Proposal) -> Found {
    let found = Mutex::default();
    replay_up_to(node, node.projections.applied().0 + 1, base, proposal, &found).await;
    found.into_inner()
}

/// Judges what was recorded before `position`, going on from what was found already.
async fn replay_up_to(node: &Node, position: u64, base: Base, proposal: &Proposal, found: &Mutex<Found>) {
    let created = ReplayCreated {
        id: ReplayId::parse("rpl_1").unwrap(),
        base,
        from: crate::node::second(0),
        to: node.now(),
        since: crate::node::second(-1),
        filters: ReplayFilters::default(),
    };
    let created_by = IdentityId::user("alice@acme.example");
    let created_at = node.now();
    let replay = Arc::new(HeldReplay { created, position, created_at, created_by, progress: None, end: None });
    let past = Past::new(node.history(), node.projections.clone());
    let question = Question { tenant: acme(), partner: Some(partner()), replay, proposal: proposal.clone() };
    run(&past, question, found).await.unwrap();
}

fn check(cases: u32, test: impl AsyncFn(Vec<Step>, Proposal)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    TestRunner::new(config)
        .run(&(prop::collection::vec(step(), 5..60), proposal()), |(steps, proposal)| {
            runtime.block_on(test(steps, proposal));
            Ok(())
        })
        .unwrap();
}

#[test]
fn nothing_proposed_changes_nothing_whatever_raced() {
    check(60, async |steps, _| {
        for puts_off in [false, true] {
            let (node, decisions) = history(&steps, puts_off).await;
            let evaluated = decisions.iter().filter(|decision| decision.by_policy).count() as u64;
            let found = replayed(&node, Base::Recorded, &Proposal::default()).await;
            assert_eq!(found, Found { way: found.way, evaluated, ..Found::default() });
            assert_eq!(found.way.expected(evaluated), evaluated);
        }
    });
}

#[test]
fn a_replay_that_was_broken_off_goes_on_where_it_was() {
    check(60, async |steps, proposal| {
        let (node, _) = history(&steps, true).await;
        let whole = replayed(&node, Base::Recorded, &proposal).await;
        let end = node.projections.applied().0 + 1;
        let found = Mutex::default();
        for position in [end / 3, end / 2, end] {
            replay_up_to(&node, position, Base::Recorded, &proposal, &found).await;
        }
        let found = found.into_inner();
        assert_eq!(Found { way: whole.way, ..found }, whole);
    });
}

#[test]
fn differences_are_those_of_the_model() {
    check(120, async |steps, proposal| {
        let (node, decisions) = history(&steps, false).await;
        let last = node.projections.view();
        for base in [Base::Recorded, Base::Current] {
            let found = replayed(&node, base, &proposal).await;
            let mut expected = Vec::new();
            for decision in decisions.iter().filter(|decision| decision.by_policy && !decision.by_role) {
                let view = if base == Base::Recorded { &decision.view } else { &last };
                let sets = [acme(), Owner::Partner(partner())];
                let is_allowed =
                    decision.is_allowed([&sets[0], &sets[1]].map(|owner| view.policies.of(owner)), &proposal);
                if is_allowed != decision.was_allowed {
                    expected.push(is_allowed);
                }
            }
            let told: Vec<_> = found.differences.iter().map(|difference| difference.after.is_allowed()).collect();
            assert_eq!(told, expected, "{base:?} {proposal:?}");
            let count = |of: bool| expected.iter().filter(|allowed| **allowed == of).count() as u64;
            assert_eq!((found.denied_to_allowed, found.allowed_to_denied), (count(true), count(false)));
            assert_eq!(replayed(&node, base, &proposal).await, found, "once more");
        }
    });
}

#[tokio::test]
async fn a_rule_that_permitted_counts_though_it_was_gone_when_that_was_recorded() {
    let (node, _) = history(&[], false).await;
    let rule = Rule {
        path_pattern: Pattern::parse("**").unwrap(),
        permissions: vec![Permission::Read],
        conditions: Conditions::default(),
    };
    let identity = IdentityId::parse(IDENTITIES[0]).unwrap();
    let content =
        |name: &str| Content { name: name.into(), description: None, rules: vec![rule.clone()], is_active: true };
    let id = |text: &str| PolicyId::parse(text).unwrap();
    let bound = |of: &str| {
        PolicyEvent::Bound(Binding {
            id: BindingId::parse(&format!("bnd_{of}")).unwrap(),
            policy_id: id(of),
            identity: identity.clone(),
            expires_at: None,
        })
    };
    let created = |of: &str| PolicyEvent::Created { id: id(of), content: content(of) };
    happen(&node, &acme(), 1, vec![created("pol_a"), bound("pol_a"), created("pol_b"), bound("pol_b")]).await;
    let step =
        Step::Decide { who: 0, path: 0, permission: Permission::Read, address: false, reader: false, narrowed: false };
    let (_, entry) = Decision::make(&node, &step).unwrap();
    let gone = |of: &str| {
        let unbound = PolicyEvent::Unbound {
            id: BindingId::parse(&format!("bnd_{of}")).unwrap(),
            policy_id: id(of),
            identity: identity.clone(),
            expired: false,
        };
        [unbound, PolicyEvent::Deleted { id: id(of), revision: 1, name: of.into(), rule_count: 1 }]
    };
    happen(&node, &acme(), 5, [gone("pol_a"), gone("pol_b")].concat()).await;
    node.audited(vec![entry]).await;
    node.at(2);
    for of in ["pol_a", "pol_b"] {
        let removed = Proposal { remove: vec![id(of)], ..Proposal::default() };
        let found = replayed(&node, Base::Recorded, &removed).await;
        assert_eq!(
            (found.evaluated, found.allowed_to_denied),
            (1, 0),
            "the other one permitted too when it was decided"
        );
    }
    let both = Proposal { remove: vec![id("pol_a"), id("pol_b")], ..Proposal::default() };
    assert_eq!(replayed(&node, Base::Recorded, &both).await.allowed_to_denied, 1);
}
