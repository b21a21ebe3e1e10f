//! Users, groups, service accounts and the provider: live, rebuilt, from a snapshot; and tenants that end.

use scaivault_domain::access::Narrowing;
use scaivault_domain::directory::{
    Change, Group, IdentityEvent, Membership, Noted, Partner, Provenance, Source, Status, Tenant, User,
};
use scaivault_domain::id::{GroupId, ServiceAccountId, SyncId, UserId};
use scaivault_domain::scaikey::{
    HookHandled, Registration, RegistrationScope, SyncCounts, SyncEnded, SyncStarted, SyncTarget, Trigger,
};
use scaivault_domain::service_account::{Content, ServiceAccount, scopes_of};
use scaivault_domain::tenant::TenantSettings;
use scaivault_domain::token::{TokenCreated, TokenKind};
use scaivault_domain::{Event, IdentityId, Owner, PartnerId, Role, Scopes, TenantId, TokenId};
use scaivault_projections::View;
use scaivault_projections::owners::key_owner;
use scaivault_projections::snapshot::Snapshots;
use tempfile::TempDir;

use crate::node::{Node, Read, acme, other, path};

fn mirrored(node: &Node) -> Provenance {
    Provenance::mirrored(node.now(), node.now())
}

fn tenant_id(owner: &Owner) -> TenantId {
    owner.tenant().unwrap().clone()
}

fn account_id() -> ServiceAccountId {
    ServiceAccountId::parse("sva_1").unwrap()
}

/// Makes events of an owner's identities happen, from this revision on.
pub async fn happen(node: &Node, owner: &Owner, revision: u64, events: Vec<IdentityEvent>) {
    let stream = node.stream(owner, "identities", "");
    let drafts = (revision..).zip(events);
    let drafts = drafts.map(|(revision, event)| node.draft(owner, stream, revision, Event::Identity(event), None));
    let committed = node.append(drafts.collect(), Vec::new(), Vec::new()).await;
    node.folded(committed).await;
}

pub fn user(node: &Node, id: &str, email: &str, status: Status) -> IdentityEvent {
    let record = User {
        id: UserId::parse(id).unwrap(),
        provider_id: Some(UserId::parse(&format!("{id}_there")).unwrap()),
        identity: IdentityId::user(email),
        email: Some(email.into()),
        display_name: email.into(),
        status,
        mfa_enabled: false,
        roles: vec![Role::TenantAdmin],
        provenance: mirrored(node),
    };
    IdentityEvent::User(Noted::single(Change::Created, record))
}

pub fn group(node: &Node, name: &str, parents: &[&str]) -> IdentityEvent {
    let record = Group {
        id: GroupId::parse(&format!("grp_{name}")).unwrap(),
        identity: IdentityId::group(name),
        name: name.into(),
        display_name: name.into(),
        parent_ids: parents.iter().map(|name| GroupId::parse(&format!("grp_{name}")).unwrap()).collect(),
        status: Status::Active,
        provenance: mirrored(node),
    };
    IdentityEvent::Group(Noted::single(Change::Created, record))
}

pub fn member(node: &Node, group: &str, user: &str, is_member: bool) -> IdentityEvent {
    let record = Membership {
        group_id: GroupId::parse(&format!("grp_{group}")).unwrap(),
        user_id: UserId::parse(user).unwrap(),
        is_member,
        added_at: node.now(),
        provenance: mirrored(node),
    };
    IdentityEvent::Membership(Noted::single(Change::Created, record))
}

fn account() -> IdentityEvent {
    let roles = vec![Role::SecretsReader];
    let content = Content { description: None, scopes: scopes_of(&roles), roles, is_active: true };
    let identity = IdentityId::service_account("job");
    IdentityEvent::AccountCreated(ServiceAccount { id: account_id(), name: "Job".into(), identity, content })
}

pub fn tenant(node: &Node, owner: &Owner, doomed: bool) -> IdentityEvent {
    let record = Tenant {
        id: tenant_id(owner),
        partner_id: PartnerId::parse("ptn_acme").unwrap(),
        name: "Acme".into(),
        slug: "acme".into(),
        region: None,
        status: if doomed { Status::Deleted } else { Status::Active },
        provenance: Provenance::local(),
        doomed_at: doomed.then(|| node.now()),
        shredded_at: None,
    };
    IdentityEvent::Tenant(Noted::single(Change::Created, record))
}

async fn filled() -> Node {
    let node = Node::start().await;
    let partner = Partner {
        id: PartnerId::parse("ptn_acme").unwrap(),
        name: "Acme".into(),
        slug: "acme".into(),
        region: Some("eu".into()),
        status: Status::Active,
        provenance: mirrored(&node),
    };
    node.sealer
        .keyring()
        .ensure(&key_owner(&Owner::Partner(partner.id.clone())), &key_owner(&Owner::Platform), 0)
        .await
        .unwrap();
    let sync_id = SyncId::parse("sync_1").unwrap();
    let started = SyncStarted { id: sync_id.clone(), trigger: Trigger::Manual, target: SyncTarget::default() };
    let ended = SyncEnded { id: sync_id, counts: SyncCounts { created: 3, ..SyncCounts::default() }, error: None };
    let registration = Registration {
        scope: RegistrationScope::Platform,
        tenant_slug: None,
        partner_slug: None,
        email: "a@acme.example".into(),
    };
    let platform = vec![
        IdentityEvent::Partner(Noted::single(Change::Created, partner)),
        tenant(&node, &acme(), false),
        tenant(&node, &other(), false),
        IdentityEvent::Registered(registration),
        IdentityEvent::SyncStarted(started),
        IdentityEvent::SyncEnded(ended),
        IdentityEvent::HookHandled(HookHandled { event_id: "evt_1".into(), applied: true }),
    ];
    happen(&node, &Owner::Platform, 1, platform).await;
    let key_id = TokenId::parse_key("key_1").unwrap();
    let people = vec![
        user(&node, "usr_a", "a@acme.example", Status::Active),
        user(&node, "usr_b", "b@acme.example", Status::Suspended),
        IdentityEvent::RolesAssigned { id: UserId::parse("usr_a").unwrap(), roles: vec![Role::SuperAdmin] },
        group(&node, "inner", &["outer"]),
        group(&node, "outer", &["inner"]),
        member(&node, "inner", "usr_a", true),
        member(&node, "outer", "usr_b", true),
        member(&node, "outer", "usr_b", false),
        account(),
        IdentityEvent::KeyAdded { id: account_id(), key_id, stored: Some((path("app/key"), 2)) },
        IdentityEvent::SettingsChanged(TenantSettings { default_max_versions: Some(3), ..TenantSettings::default() }),
    ];
    happen(&node, &acme(), 1, people).await;
    node.write(&acme(), &path("app/db"), "{}").await;
    node.write(&other(), &path("app/db"), "{}").await;
    node
}

fn check(view: &View) {
    let installation = &view.installation;
    let tenant = tenant_id(&acme());
    let people = installation.people(&tenant);
    assert_eq!((installation.revision_of(&Owner::Platform).0, people.revision().0), (7, 11));
    assert_eq!((installation.partners().count(), installation.tenants().count()), (1, 2));
    let a = installation.standing(Some(&tenant), &IdentityId::user("a@acme.example"));
    assert_eq!(a.roles, [Role::SuperAdmin, Role::TenantAdmin]);
    // They are nested in each other, which ends all the same.
    assert_eq!(a.groups, [IdentityId::group("inner"), IdentityId::group("outer")]);
    assert!(!a.is_ended && installation.standing(Some(&tenant), &IdentityId::user("b@acme.example")).is_ended);
    let elsewhere = installation.standing(Some(&tenant_id(&other())), &IdentityId::user("a@acme.example"));
    assert!(elsewhere.roles.is_empty() && elsewhere.groups.is_empty(), "an identity is looked up inside its tenant");
    assert!(people.user_of_provider(&UserId::parse("usr_a_there").unwrap()).is_some());
    assert_eq!(people.user(&UserId::parse("usr_a").unwrap()).unwrap().user.provenance.source, Source::Scaikey);
    assert_eq!(people.members(&GroupId::parse("grp_outer").unwrap()).len(), 1);
    let job = installation.standing(Some(&tenant), &IdentityId::service_account("job"));
    assert_eq!((job.roles.as_slice(), job.scopes), ([Role::SecretsReader].as_slice(), Some(scopes_of(&job.roles))));
    assert_eq!(people.made_key("key_1").unwrap().stored, Some(("app/key".into(), 2)));
    assert_eq!(
        (installation.settings(&acme()).default_max_versions, installation.settings(&other()).default_max_versions),
        (3, 10)
    );
    assert_eq!(installation.registration().unwrap().registration.email, "a@acme.example");
    assert!(installation.registration().unwrap().last_event_at.is_some());
    assert!(installation.is_handled("evt_1") && !installation.is_handled("evt_2"));
    assert_eq!(installation.syncs().map(|sync| sync.status()).collect::<Vec<_>>(), ["completed"]);
}

fn read(snapshots: &Snapshots) -> Option<View> {
    snapshots.candidates().iter().find_map(|candidate| snapshots.read(candidate).ok()).map(|frozen| frozen.view)
}

#[tokio::test]
async fn live_rebuilt_and_from_a_snapshot_they_are_the_same() {
    let (node, directory) = (filled().await, TempDir::new().unwrap());
    check(&node.projections.view());
    check(&node.rebuild().await.view());
    let snapshots = Snapshots::new(directory.path().join("snapshots"), node.sealer.clone());
    snapshots.write(&node.projections.freeze().await).unwrap();
    check(&read(&snapshots).unwrap());
}

#[tokio::test]
async fn an_account_that_is_gone_leaves_nothing_to_its_name() {
    let node = filled().await;
    let identity = IdentityId::service_account("job");
    let gone = IdentityEvent::AccountDeleted { id: account_id(), identity: identity.clone() };
    happen(&node, &acme(), 12, vec![gone]).await;
    for view in [node.projections.view(), node.rebuild().await.view()] {
        let people = view.installation.people(&tenant_id(&acme()));
        assert!(people.account(&account_id()).is_none() && people.account_named(&identity).is_none());
        assert!(people.made_key("key_1").is_none());
        assert!(view.installation.standing(Some(&tenant_id(&acme())), &identity).roles.is_empty());
    }
}

#[tokio::test]
async fn a_tenant_without_a_key_is_passed_over() {
    let (node, directory) = (filled().await, TempDir::new().unwrap());
    let snapshots = Snapshots::new(directory.path().join("snapshots"), node.sealer.clone());
    snapshots.write(&node.projections.freeze().await).unwrap();
    happen(&node, &Owner::Platform, 8, vec![tenant(&node, &acme(), true)]).await;
    let keyring = node.sealer.keyring();
    keyring.destroy(&key_owner(&acme())).await.unwrap();
    let shredded = IdentityEvent::TenantShredded { id: tenant_id(&acme()), at: node.now() };
    happen(&node, &Owner::Platform, 9, vec![shredded]).await;
    let later = Snapshots::new(directory.path().join("later"), node.sealer.clone());
    later.write(&node.projections.freeze().await).unwrap();
    assert!(read(&snapshots).is_none(), "what a snapshot had of it cannot be opened");
    for view in
        [node.projections.view().as_ref().clone(), node.rebuild().await.view().as_ref().clone(), read(&later).unwrap()]
    {
        let gone = view.installation.tenant(&tenant_id(&acme())).unwrap();
        assert!(gone.is_doomed() && gone.shredded_at.is_some() && gone.status == Status::Deleted);
        assert_eq!(view.installation.people(&tenant_id(&acme())).users().count(), 0);
        assert!(view.secrets(&acme()).is_empty(), "its secrets are gone");
        assert_eq!(view.secrets(&other()).len(), 1, "those of others are not");
        assert_eq!(view.installation.shredded_count(), 1);
    }
    // What was under way for it is told of where there still is a key.
    let read = Read { identity: "user:a@acme.example", path: "app/db", version: 1, at: node.now() };
    node.audited(vec![read.entry(&acme()), read.entry(&other())]).await;
    node.write(&other(), &path("app/db"), "{\"a\":2}").await;
    assert_eq!(node.rebuild().await.view().applied, node.projections.applied());
}

fn token(node: &Node, id: &str, email: &str) -> Event {
    Event::TokenCreated(TokenCreated {
        id: TokenId::parse(id).unwrap(),
        kind: TokenKind::Personal,
        name: "a".into(),
        hash: id.into(),
        prefix: "skt_0aB4".into(),
        identity: IdentityId::user(email),
        tenant_id: Some(tenant_id(&acme())),
        partner_id: None,
        scopes: Scopes::all(),
        narrowing: Narrowing::default(),
        own_narrowing: (false, false),
        made_with: None,
        made_with_jwt: None,
        exchange_rule: None,
        expires_at: Some(node.now().plus_seconds(3_600)),
    })
}

/// Whether the tokens of an address are ended, and whether whoever comes with it is refused.
fn ends(view: &View, token: &str, email: &str) -> (bool, bool) {
    let held = view.tokens.by_hash(token).unwrap();
    let standing = view.installation.standing(Some(&tenant_id(&acme())), &IdentityId::user(email));
    (view.is_token_revoked(&held.token), standing.is_ended)
}

#[tokio::test]
async fn an_address_that_is_left_is_refused_until_it_is_somebodys() {
    let (node, directory) = (filled().await, TempDir::new().unwrap());
    let stream = node.stream(&acme(), "token", "tok_1");
    let made = token(&node, "tok_1", "a@acme.example");
    let committed = node.append(vec![node.draft(&acme(), stream, 1, made, None)], Vec::new(), Vec::new()).await;
    node.folded(committed).await;
    assert_eq!(ends(&node.projections.view(), "tok_1", "a@acme.example"), (false, false));
    happen(&node, &acme(), 12, vec![user(&node, "usr_a", "new@acme.example", Status::Active)]).await;
    happen(&node, &acme(), 13, vec![user(&node, "usr_a", "new@acme.example", Status::Deleted)]).await;
    let snapshots = Snapshots::new(directory.path().join("left"), node.sealer.clone());
    snapshots.write(&node.projections.freeze().await).unwrap();
    let views = [node.projections.view().as_ref().clone(), node.rebuild().await.view().as_ref().clone()];
    for view in views.iter().chain(&read(&snapshots)) {
        assert_eq!(ends(view, "tok_1", "a@acme.example"), (true, true));
    }
    // Two have the address one after the other: it means the later, whatever the order of their ids.
    happen(&node, &acme(), 14, vec![user(&node, "usr_z", "a@acme.example", Status::Deleted)]).await;
    happen(&node, &acme(), 15, vec![user(&node, "usr_0", "a@acme.example", Status::Active)]).await;
    let snapshots = Snapshots::new(directory.path().join("taken"), node.sealer.clone());
    snapshots.write(&node.projections.freeze().await).unwrap();
    let views = [node.projections.view().as_ref().clone(), node.rebuild().await.view().as_ref().clone()];
    for view in views.iter().chain(&read(&snapshots)) {
        assert_eq!(ends(view, "tok_1", "a@acme.example"), (true, false), "the token is not the new one's");
        let people = view.installation.people(&tenant_id(&acme()));
        let holder = people.user_named(&IdentityId::user("a@acme.example")).unwrap();
        assert_eq!(holder.user.id.as_str(), "usr_0");
    }
}
