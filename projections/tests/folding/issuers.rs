//! Issuers, rules of exchange, the tokens these give, and revoked JWTs.

use std::collections::BTreeMap;

use scaivault_domain::access::Narrowing;
use scaivault_domain::exchange::ExchangeContent;
use scaivault_domain::id::{ExchangeRuleId, IssuerId};
use scaivault_domain::issuer::{Algorithm, ClaimMapping, IssuerContent, IssuerEvent, SubjectPattern};
use scaivault_domain::token::{JwtRevoked, TokenCreated, TokenKind};
use scaivault_domain::{DurationText, Event, IdentityId, IdentityType, Scopes, TokenId};
use scaivault_projections::View;
use scaivault_projections::snapshot::Snapshots;
use tempfile::TempDir;

use crate::node::{DAY, Node, acme, other};

fn issuer_id() -> IssuerId {
    IssuerId::parse("iss_1").unwrap()
}

fn rule_id() -> ExchangeRuleId {
    ExchangeRuleId::parse("xr_1").unwrap()
}

fn issuer(name: &str) -> IssuerContent {
    IssuerContent {
        name: name.into(),
        issuer: "https://ci.example".into(),
        jwks_url: None,
        jwks: None,
        ca_pem: None,
        audiences: vec!["scaivault".into()],
        algorithms: Algorithm::ALL.to_vec(),
        claim_mapping: ClaimMapping::default(),
        identity_type: IdentityType::User,
        bound_subjects: vec![SubjectPattern::any()],
        default_scopes: Scopes::default(),
        allowed_roles: Vec::new(),
        is_active: true,
    }
}

fn rule(is_active: bool) -> ExchangeContent {
    ExchangeContent {
        name: "ci".into(),
        issuer_id: issuer_id(),
        subject: SubjectPattern::parse("repo:*").unwrap(),
        claims: BTreeMap::new(),
        identity: IdentityId::user("ci@acme.example"),
        scopes: Scopes::all(),
        ttl: DurationText::parse("1h").unwrap(),
        is_active,
        highest_role: None,
    }
}

fn token(node: &Node, name: &str) -> TokenCreated {
    TokenCreated {
        id: TokenId::parse(name).unwrap(),
        kind: TokenKind::Exchanged,
        name: "ci".into(),
        hash: name.into(),
        prefix: "sxt_0aB4".into(),
        identity: IdentityId::user("ci@acme.example"),
        tenant_id: acme().tenant().cloned(),
        partner_id: None,
        scopes: Scopes::all(),
        narrowing: Narrowing::default(),
        own_narrowing: (false, false),
        made_with: None,
        made_with_jwt: None,
        exchange_rule: Some(rule_id()),
        expires_at: Some(node.now().plus_seconds(3_600)),
    }
}

/// Makes events of the tenant's issuers happen, from this revision on.
async fn happen(node: &Node, stream: &str, revision: u64, events: Vec<Event>) {
    let stream = node.stream(&acme(), "issuers", stream);
    let drafts = (revision..).zip(events);
    let drafts = drafts.map(|(revision, event)| node.draft(&acme(), stream, revision, event, None)).collect();
    let committed = node.append(drafts, Vec::new(), Vec::new()).await;
    node.folded(committed).await;
}

/// What of a token with this hash is told.
fn is_good(view: &View, hash: &str) -> Option<bool> {
    view.tokens.by_hash(hash).map(|held| !view.is_token_revoked(&held.token))
}

async fn filled() -> Node {
    let node = Node::start().await;
    let made = IssuerEvent::Created { id: issuer_id(), content: issuer("ci") };
    let ruled = IssuerEvent::RuleCreated { id: rule_id(), content: rule(true) };
    happen(&node, "", 1, vec![Event::Issuer(made), Event::Issuer(ruled)]).await;
    happen(&node, "first", 1, vec![Event::TokenCreated(token(&node, "tok_1"))]).await;
    let revoked = JwtRevoked {
        hash: "jwt".into(),
        identity: IdentityId::user("alice@acme.example"),
        expires_at: node.now().plus_seconds(3_600),
    };
    happen(&node, "jwt", 1, vec![Event::JwtRevoked(revoked)]).await;
    node
}

fn check(view: &View) {
    let set = view.issuers.of(&acme());
    assert_eq!((set.revision().0, set.issuers().count(), set.rules().count()), (2, 1, 1));
    assert_eq!(view.issuers.named("https://ci.example").count(), 1);
    assert_eq!(view.issuers.rules_of(&issuer_id()).map(|(owner, _)| owner.clone()).collect::<Vec<_>>(), [acme()]);
    assert_eq!(
        (view.issuers.of(&other()).issuers().count(), view.issuers.named("https://ci.example/").count()),
        (0, 0)
    );
    let used = set.rule(&rule_id()).unwrap().last_used_at;
    assert_eq!(used, view.tokens.by_hash("tok_1").map(|held| held.token.created_at));
    assert_eq!(
        (is_good(view, "tok_1"), view.issuers.is_revoked("jwt"), view.issuers.is_revoked("x")),
        (Some(true), true, false)
    );
}

#[tokio::test]
async fn live_rebuilt_and_from_a_snapshot_they_are_the_same() {
    let (node, directory) = (filled().await, TempDir::new().unwrap());
    check(&node.projections.view());
    check(&node.rebuild().await.view());
    let snapshots = Snapshots::new(directory.path().join("snapshots"), node.sealer.clone());
    snapshots.write(&node.projections.freeze().await).unwrap();
    let candidate = &snapshots.candidates()[0];
    check(&snapshots.read(candidate).unwrap().view);
}

#[tokio::test]
async fn tokens_count_as_long_as_their_rule_is_active_without_a_break() {
    let node = filled().await;
    let updated = |is_active| Event::Issuer(IssuerEvent::RuleUpdated { id: rule_id(), content: rule(is_active) });
    node.at(1);
    happen(&node, "", 3, vec![updated(true)]).await;
    assert_eq!(is_good(&node.projections.view(), "tok_1"), Some(true));
    happen(&node, "", 4, vec![updated(false), updated(true)]).await;
    assert_eq!(is_good(&node.projections.view(), "tok_1"), Some(false));
    happen(&node, "second", 1, vec![Event::TokenCreated(token(&node, "tok_2"))]).await;
    assert_eq!(is_good(&node.projections.view(), "tok_2"), Some(true));
    happen(&node, "", 6, vec![Event::Issuer(IssuerEvent::RuleDeleted { id: rule_id() })]).await;
    assert_eq!(is_good(&node.projections.view(), "tok_2"), Some(false));
    assert_eq!(node.projections.view().issuers.rules_of(&issuer_id()).count(), 0);
}

#[tokio::test]
async fn an_issuer_is_found_by_its_url_while_it_is_there() {
    let node = filled().await;
    let renamed = IssuerEvent::Updated { id: issuer_id(), content: issuer("other") };
    happen(&node, "", 3, vec![Event::Issuer(renamed)]).await;
    let named = |view: &View| {
        view.issuers.named("https://ci.example").map(|found| found.content.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(named(&node.projections.view()), ["other"]);
    happen(&node, "", 4, vec![Event::Issuer(IssuerEvent::Deleted { id: issuer_id() })]).await;
    assert_eq!(named(&node.projections.view()), Vec::<String>::new());
}

#[tokio::test]
async fn what_has_ended_by_itself_is_forgotten() {
    let node = filled().await;
    node.at(3 * 3_600);
    happen(&node, "later", 1, vec![Event::TokenCreated(token(&node, "tok_3"))]).await;
    let view = node.projections.view();
    assert_eq!((view.issuers.is_revoked("jwt"), is_good(&view, "tok_1").is_some()), (false, true));
    node.at(2 * DAY);
    happen(&node, "latest", 1, vec![Event::TokenCreated(token(&node, "tok_4"))]).await;
    let view = node.projections.view();
    assert_eq!((is_good(&view, "tok_1"), is_good(&view, "tok_3"), is_good(&view, "tok_4")), (None, None, Some(true)));
}
