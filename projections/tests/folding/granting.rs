//! Who could use a permission is the reverse of deciding, whatever is bound to whom; and a page of it is a part of all.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use scaivault_domain::access::{Permission, Target};
use scaivault_domain::directory::{Change, Group, IdentityEvent, Membership, Noted, Partner, Provenance, Status, User};
use scaivault_domain::id::{BindingId, GroupId, ServiceAccountId, UserId};
use scaivault_domain::policy::{Asked, Binding, Conditions, Content, PolicyEvent, Rule};
use scaivault_domain::secret::Condition;
use scaivault_domain::secret::delete::{self, DeleteSecret};
use scaivault_domain::service_account::{self, ServiceAccount, scopes_of};
use scaivault_domain::{IdentityId, IdentityType, Owner, PartnerId, Pattern, PolicyId, Role};
use scaivault_eventstore::Owner as KeyOwner;
use scaivault_projections::View;
use scaivault_projections::grants::{Grant, GrantKey, Grants, Through};

use crate::node::{Node, acme, other, path, second};
use crate::{identities, policies};

/// Everybody there may be: in one of the tenants, in both, or in none.
const PEOPLE: [&str; 5] = ["user:a@acme.example", "user:b@acme.example", "user:c@acme.example", "sa:job", "sa:run"];
const GROUPS: [&str; 3] = ["group:one", "group:two", "group:three"];
/// With an actor of the server's own, who is nobody's.
const SYSTEM: &str = "system:dynamic-engines";
const PATTERNS: [&str; 9] =
    ["**", "app/**", "app/*", "app/db", "app/d?", "web/tls", "**/key", "app/**/key", "@pki/issue/*"];
const PATHS: [&str; 6] = ["app/db", "app/deep/key", "app/key", "app/zzz", "web/key", "web/tls"];
const SYSTEM_PATH: &str = "@pki/issue/web";
const ASKED: [Permission; 3] = [Permission::Read, Permission::Write, Permission::Rotate];
/// In seconds; every other binding has ended by then.
const NOW: i64 = 100;

/// How somebody stands in a tenant.
#[derive(Clone, Debug)]
struct Stands {
    /// A service account that is not active is suspended as well.
    status: Status,
    role: Option<Role>,
    groups: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Law {
    of_partner: bool,
    is_active: bool,
    rules: Vec<(usize, Permission, bool)>,
    /// To which of everybody, and for how long.
    bound: BTreeMap<usize, Option<bool>>,
}

#[derive(Clone, Debug)]
struct World {
    /// In the tenant acted upon and in its sister.
    people: [Vec<Option<Stands>>; 2],
    /// What each group is nested in, and whether it counts.
    groups: Vec<(Option<usize>, bool)>,
    /// Whether the third group has the name of the first.
    has_namesakes: bool,
    laws: Vec<Law>,
}

fn stands() -> impl Strategy<Value = Stands> {
    let status = prop::sample::select(vec![Status::Active, Status::Active, Status::Suspended, Status::Deleted]);
    let roles = vec![Role::TenantAdmin, Role::PartnerAdmin, Role::SecretsReader, Role::SecretsWriter];
    let role = prop::option::weighted(0.2, prop::sample::select(roles));
    let groups = prop::collection::vec(0..GROUPS.len(), 0..3);
    (status, role, groups).prop_map(|(status, role, groups)| Stands { status, role, groups })
}

fn law() -> impl Strategy<Value = Law> {
    let permission = prop::sample::select(vec![Permission::Read, Permission::Write, Permission::Admin]);
    let rule = (0..PATTERNS.len(), permission, prop::bool::weighted(0.3));
    let rules = prop::collection::vec(rule, 1..4);
    let ends = prop::option::weighted(0.3, any::<bool>());
    let bound = prop::collection::btree_map(0..everybody().len(), ends, 0..4);
    (any::<bool>(), prop::bool::weighted(0.9), rules, bound).prop_map(|(of_partner, is_active, rules, bound)| Law {
        of_partner,
        is_active,
        rules,
        bound,
    })
}

fn world() -> impl Strategy<Value = World> {
    let people = || prop::collection::vec(prop::option::of(stands()), PEOPLE.len());
    let group = (prop::option::of(0..GROUPS.len()), prop::bool::weighted(0.8));
    let groups = prop::collection::vec(group, GROUPS.len());
    ([people(), people()], groups, any::<bool>(), prop::collection::vec(law(), 1..7))
        .prop_map(|(people, groups, has_namesakes, laws)| World { people, groups, has_namesakes, laws })
}

fn everybody() -> Vec<IdentityId> {
    PEOPLE.into_iter().chain(GROUPS).chain([SYSTEM]).map(|text| IdentityId::parse(text).unwrap()).collect()
}

fn partner() -> PartnerId {
    PartnerId::parse("ptn_acme").unwrap()
}

fn target() -> Target {
    Target { owner: acme(), partner: Some(partner()) }
}

fn group_id(index: usize) -> GroupId {
    GroupId::parse(&format!("grp_{index}")).unwrap()
}

impl World {
    async fn start(&self) -> Node {
        let node = Node::start().await;
        node.sealer.keyring().ensure(&KeyOwner::Partner("ptn_acme".into()), &KeyOwner::Platform, 0).await.unwrap();
        let id = partner();
        let provenance = Provenance::local();
        let record =
            Partner { id, name: "A".into(), slug: "a".into(), region: None, status: Status::Active, provenance };
        let tenants = [acme(), other()].map(|owner| identities::tenant(&node, &owner, false));
        let platform = [IdentityEvent::Partner(Noted::single(Change::Created, record))].into_iter().chain(tenants);
        identities::happen(&node, &Owner::Platform, 1, platform.collect()).await;
        for (owner, people) in [acme(), other()].iter().zip(&self.people) {
            identities::happen(&node, owner, 1, self.events(people)).await;
        }
        for (of_partner, owner) in [(false, acme()), (true, Owner::Partner(partner()))] {
            let laws = self.laws.iter().enumerate().filter(|(_, law)| law.of_partner == of_partner);
            let events: Vec<_> = laws.flat_map(|(index, law)| law.events(index)).collect();
            if !events.is_empty() {
                policies::happen(&node, &owner, 1, events).await;
            }
        }
        for place in PATHS {
            node.write(&acme(), &path(place), "{}").await;
        }
        let gone = path("app/zzz");
        let command =
            DeleteSecret { path: gone.clone(), version: None, permanent: false, condition: Condition::default() };
        node.command(&acme(), &gone, "", |secret, context| delete::decide(secret, &command, context)).await.unwrap();
        node.at(NOW);
        node
    }

    fn events(&self, people: &[Option<Stands>]) -> Vec<IdentityEvent> {
        let mut events = Vec::new();
        for (index, (nested_in, counts)) in self.groups.iter().enumerate() {
            let name = if self.has_namesakes && index == 2 { GROUPS[0] } else { GROUPS[index] };
            let record = Group {
                id: group_id(index),
                identity: IdentityId::parse(name).unwrap(),
                name: name.into(),
                display_name: name.into(),
                parent_ids: nested_in.iter().map(|index| group_id(*index)).collect(),
                status: if *counts { Status::Active } else { Status::Suspended },
                provenance: Provenance::local(),
            };
            events.push(IdentityEvent::Group(Noted::single(Change::Created, record)));
        }
        for (index, stands) in people.iter().enumerate() {
            if let Some(stands) = stands {
                events.extend(stands.events(index));
            }
        }
        events
    }
}

impl Stands {
    fn events(&self, index: usize) -> Vec<IdentityEvent> {
        let identity = IdentityId::parse(PEOPLE[index]).unwrap();
        let roles: Vec<_> = self.role.into_iter().collect();
        if identity.kind() == IdentityType::ServiceAccount {
            let id = ServiceAccountId::parse(&format!("sva_{index}")).unwrap();
            let is_active = self.status == Status::Active;
            let content = service_account::Content { description: None, scopes: scopes_of(&roles), roles, is_active };
            let account = ServiceAccount { id: id.clone(), name: "A".into(), identity: identity.clone(), content };
            let deleted = (self.status == Status::Deleted).then_some(IdentityEvent::AccountDeleted { id, identity });
            return [IdentityEvent::AccountCreated(account)].into_iter().chain(deleted).collect();
        }
        let id = UserId::parse(&format!("usr_{index}")).unwrap();
        let user = User {
            id: id.clone(),
            provider_id: None,
            identity,
            email: None,
            display_name: "A".into(),
            status: self.status,
            mfa_enabled: false,
            roles,
            provenance: Provenance::local(),
        };
        let member = |group: &usize| Membership {
            group_id: group_id(*group),
            user_id: id.clone(),
            is_member: true,
            added_at: second(0),
            provenance: Provenance::local(),
        };
        let memberships = self.groups.iter().map(member).map(|it| Noted::single(Change::Created, it));
        let user = IdentityEvent::User(Noted::single(Change::Created, user));
        std::iter::once(user).chain(memberships.map(IdentityEvent::Membership)).collect()
    }
}

impl Law {
    fn events(&self, index: usize) -> Vec<PolicyEvent> {
        let id = PolicyId::parse(&format!("pol_{index}")).unwrap();
        let rules = self.rules.iter().map(|(pattern, permission, is_conditional)| Rule {
            path_pattern: Pattern::parse(PATTERNS[*pattern]).unwrap(),
            permissions: vec![*permission],
            conditions: Conditions { require_mfa: is_conditional.then_some(true), ..Conditions::default() },
        });
        let name = format!("law-{index}").as_str().into();
        let content = Content { name, description: None, rules: rules.collect(), is_active: self.is_active };
        let created = PolicyEvent::Created { id: id.clone(), content };
        let bound = self.bound.iter().map(|(who, ends)| {
            PolicyEvent::Bound(Binding {
                id: BindingId::parse(&format!("bnd_{index}{who}")).unwrap(),
                policy_id: id.clone(),
                identity: everybody()[*who].clone(),
                expires_at: ends.map(|has_ended| second(if has_ended { NOW } else { NOW + 1 })),
            })
        });
        std::iter::once(created).chain(bound).collect()
    }
}

fn check(cases: u32, test: impl Fn(&World, &View)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    TestRunner::new(config)
        .run(&world(), |world| {
            let view = runtime.block_on(async { world.start().await.projections.view() });
            test(&world, &view);
            Ok(())
        })
        .unwrap();
}

/// All of a row but what is the same in every one.
type Row = (GrantKey, Option<String>, Option<String>);

fn row(grant: &Grant) -> Row {
    let (binding, via_group) = match &grant.through {
        Through::Role(_) => (None, None),
        Through::Rule { binding, via_group, .. } => (Some(binding.to_string()), via_group.as_ref()),
    };
    (grant.key(), binding, via_group.map(ToString::to_string))
}

/// Whether an identity has records, or none, so that it can act here by them.
fn is_elsewhere(view: &View, identity: &IdentityId) -> bool {
    let people = |owner: &Owner| view.installation.people(owner.tenant().unwrap());
    let stands = |owner: &Owner| {
        let user = people(owner).user_named(identity);
        (user.map(|held| held.user.status), people(owner).account_named(identity).is_some())
    };
    let has_met = stands(&acme()) != (None, false) || people(&acme()).is_left(identity);
    let (user, is_account) = stands(&other());
    !has_met && (is_account || user.is_some_and(|status| status != Status::Deleted))
}

/// The plain way: every binding of every policy, with everybody in the groups that it names.
fn by_binding(view: &View, permission: Permission, path: &str) -> Vec<Row> {
    let people = view.installation.people(acme().tenant().unwrap());
    let mut direct = BTreeMap::new();
    let mut through_groups = BTreeMap::new();
    for owner in [acme(), Owner::Partner(partner())] {
        for held in view.policies.of(&owner).newest_first().filter(|held| held.policy.content.is_active) {
            for binding in held.bindings.values().map(|held| &held.binding) {
                let is_group = binding.identity.kind() == IdentityType::Group;
                let group = people.group_named(&binding.identity).filter(|group| group.status == Status::Active);
                let members = group.map(|group| people.members(&group.id)).unwrap_or_default();
                let members = members.into_iter().map(|member| member.user.user.identity.clone()).collect();
                let named = if is_group { members } else { vec![binding.identity.clone()] };
                let ended = |who: &IdentityId| view.installation.standing(acme().tenant(), who).is_ended;
                for who in named.into_iter().filter(|who| !ended(who) && !is_elsewhere(view, who)) {
                    for (rule_index, rule) in held.policy.content.rules.iter().enumerate() {
                        let fits = rule.permitted().grants(permission) && rule.path_pattern.matches(path);
                        if !fits || binding.expires_at.is_some_and(|end| end <= second(NOW)) {
                            continue;
                        }
                        let key = (who.to_string(), path.to_owned(), held.policy.id.to_string(), rule_index);
                        let row = (key.clone(), Some(binding.id.to_string()), None);
                        match is_group {
                            false => _ = direct.insert(key, row),
                            true => {
                                let group = binding.identity.to_string();
                                let row = (row.0, row.1, Some(group.clone()));
                                through_groups.insert((key, group), row);
                            }
                        }
                    }
                }
            }
        }
    }
    for ((key, _), row) in through_groups {
        direct.entry(key).or_insert(row);
    }
    direct.into_values().collect()
}

#[test]
fn all_bindings_are_told_in_order_and_pages_are_parts_of_it() {
    check(80, |world, view| {
        if world.has_namesakes {
            return;
        }
        let target = target();
        for permission in ASKED {
            let grants = Grants::new(view, &target, second(NOW), permission);
            for path in PATHS.into_iter().chain([SYSTEM_PATH]) {
                let all = grants.on_path(path, None, None, usize::MAX);
                let rules: Vec<_> = all.iter().filter(|grant| grant.rule().is_some()).map(row).collect();
                assert_eq!(rules, by_binding(view, permission, path), "{permission:?} on {path}");
                let all: Vec<_> = all.iter().map(row).collect();
                assert!(all.is_sorted());
                let mut paged: Vec<Row> = Vec::new();
                loop {
                    let after = paged.last().map(|(key, ..)| key.clone());
                    let page = grants.on_path(path, None, after.as_ref(), 2);
                    paged.extend(page.iter().map(row));
                    if page.len() < 2 {
                        break;
                    }
                }
                assert_eq!(paged, all, "in pages");
                for identity in everybody().iter().filter(|identity| identity.kind() != IdentityType::Group) {
                    let of_one = grants.on_path(path, Some(identity), None, usize::MAX);
                    let told = all.iter().filter(|(key, ..)| key.0 == identity.as_str());
                    assert_eq!(of_one.iter().map(row).collect::<Vec<_>>(), told.cloned().collect::<Vec<_>>());
                }
            }
        }
    });
}

#[test]
fn paths_of_an_identity_are_those_on_which_it_is_told() {
    check(60, |_, view| {
        let target = target();
        for permission in ASKED {
            let grants = Grants::new(view, &target, second(NOW), permission);
            for identity in everybody() {
                let mut plain = Vec::new();
                for path in PATHS.into_iter().filter(|path| *path != "app/zzz") {
                    let all = grants.on_path(path, Some(&identity), None, usize::MAX);
                    let asks_nothing = |grant: &&Grant| grant.rule().is_none_or(|rule| rule.conditions.is_empty());
                    let first_role = all.iter().find(|grant| grant.rule().is_none());
                    let told = first_role.or(all.iter().find(asks_nothing)).or(all.first());
                    plain.extend(told.map(row));
                }
                let found = grants.of_identity(&identity, None, usize::MAX);
                assert_eq!(found.iter().map(row).collect::<Vec<_>>(), plain, "{permission:?} of {identity}");
                let mut paged: Vec<Grant> = Vec::new();
                loop {
                    let after = paged.last().map(|grant| Arc::clone(&grant.path));
                    let page = grants.of_identity(&identity, after.as_deref(), 1);
                    if page.is_empty() {
                        break;
                    }
                    paged.extend(page);
                }
                assert_eq!(paged.iter().map(row).collect::<Vec<_>>(), plain, "in pages");
            }
        }
    });
}

#[test]
fn who_is_told_without_conditions_is_who_would_be_allowed() {
    check(80, |_, view| {
        let (target, at) = (target(), second(NOW));
        for permission in ASKED {
            let grants = Grants::new(view, &target, at, permission);
            for path in PATHS.into_iter().chain([SYSTEM_PATH]) {
                let all = grants.on_path(path, None, None, usize::MAX);
                for identity in everybody().into_iter().filter(|identity| identity.kind() != IdentityType::Group) {
                    let mine = || all.iter().filter(|grant| grant.identity == identity);
                    let is_told = |grant: &Grant| grant.rule().is_none_or(|rule| rule.conditions.is_empty());
                    let caller = view.caller_of_record(&target, &identity);
                    assert_eq!(!caller.is_at_home(&target), is_elsewhere(view, &identity), "{identity}");
                    let candidates = view.candidates(&caller, &target);
                    let asked = Asked { permission, path, address: None, mfa_verified_at: None, at };
                    let is_ended = view.installation.standing(acme().tenant(), &identity).is_ended;
                    let is_allowed = !is_ended && caller.may(&target, &asked, || &candidates);
                    assert_eq!(mine().any(is_told), is_allowed, "{permission:?} on {path} by {identity}");
                    // What a condition alone keeps from permitting is told as well.
                    let recently = Asked { mfa_verified_at: Some(at), ..asked };
                    let is_allowed = !is_ended && caller.may(&target, &recently, || &candidates);
                    assert_eq!(mine().next().is_some(), is_allowed, "{permission:?} on {path} by {identity}");
                }
            }
        }
    });
}
