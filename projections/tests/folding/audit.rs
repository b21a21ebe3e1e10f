//! The audit index against looking at every entry: random entries and searches, stored in pieces of any size, by one
//! process or taken over by the next, made anew or not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use scaivault_domain::audit::AuditErased;
use scaivault_domain::{Event, IdentityType, Owner, Timestamp};
use scaivault_eventstore::log::{Clock, Entry};
use scaivault_eventstore::{Position, RecordedAt};
use scaivault_projections::audit::{
    AuditIndex, Filter, Follower, Order, Page, PathFilter, Place, Query, Rebuilding, Sizes,
};
use scaivault_projections::history::History;
use scaivault_projections::owners::key_owner;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::node::{Node, Read, acme, other, second};

const PATIENCE: Duration = Duration::from_secs(20);

const ACTIONS: [&str; 4] = ["read", "write", "list", "rotate"];
const IDENTITIES: [(&str, &str); 4] = [
    ("user:alice@acme.example", "user"),
    ("sa:reporting", "service_account"),
    ("sa:billing", "service_account"),
    ("system:secret-sweeper", "system"),
];
const PATHS: [&str; 5] = ["app/db", "app/db/replica", "app/cache", "web/tls", "web"];
const CODES: [&str; 2] = ["access_denied", "secret_not_found"];

/// One entry, as numbers to choose by.
#[derive(Clone, Debug)]
struct Made {
    owner: bool,
    action: usize,
    identity: usize,
    path: Option<usize>,
    failed: Option<usize>,
    ip: u8,
    request: u8,
    at: i64,
    version: u32,
}

fn made() -> impl Strategy<Value = Made> {
    (
        any::<bool>(),
        0..ACTIONS.len(),
        0..IDENTITIES.len(),
        prop::option::of(0..PATHS.len()),
        prop::option::weighted(0.3, 0..CODES.len()),
        (0..3u8, 0..6u8, 0..2_000i64, 1..4u32),
    )
        .prop_map(|(owner, action, identity, path, failed, (ip, request, at, version))| Made {
            owner,
            action,
            identity,
            path,
            failed,
            ip,
            request,
            at,
            version,
        })
}

impl Made {
    fn owner(&self) -> Owner {
        if self.owner { acme() } else { other() }
    }

    fn json(&self, number: usize) -> Value {
        let (identity, kind) = IDENTITIES[self.identity];
        json!({
            "acting_tenant_id": "tnt_acme", "action": ACTIONS[self.action], "duration_ms": 1,
            "error_code": self.failed.map(|code| CODES[code]), "extra_data": {"token_id": format!("tok_{}", self.ip)},
            "id": format!("log_{number}"), "identity_id": identity, "identity_type": kind,
            "request_id": format!("req_{}", self.request),
            "resource": self.path.is_none().then_some("secrets"), "secret_path": self.path.map(|path| PATHS[path]),
            "secret_version": self.path.map(|_| self.version), "source_ip": format!("10.0.0.{}", self.ip),
            "success": self.failed.is_none(), "tenant_id": "tnt_acme", "timestamp": second(self.at).text().as_str(),
            "user_agent": null,
        })
    }
}

fn filter() -> impl Strategy<Value = Filter> {
    let text = |text: &str| -> Arc<str> { text.into() };
    let path = prop_oneof![
        (0..PATHS.len()).prop_map(move |path| PathFilter::Exact(text(PATHS[path]))),
        prop::sample::select(vec!["a", "app/", "app/db", "web/t", "none"])
            .prop_map(move |path| PathFilter::Prefix(text(path))),
    ];
    let kinds = vec![IdentityType::User, IdentityType::ServiceAccount, IdentityType::Group, IdentityType::System];
    (
        (prop::option::of(0..2_000i64), prop::option::of(0..2_000i64)),
        prop::collection::vec(prop::sample::select(vec!["read", "rotate", "seal"]), 0..3),
        prop::option::of(0..IDENTITIES.len()),
        prop::option::weighted(0.2, prop::sample::select(kinds)),
        prop::option::of(path),
        (
            prop::option::of(any::<bool>()),
            prop::option::weighted(0.2, 0..4u8),
            prop::option::weighted(0.2, 0..8u8),
            prop::option::weighted(0.2, prop::sample::select(CODES.to_vec())),
        ),
    )
        .prop_map(move |((from, to), actions, identity, identity_type, path, (success, ip, request, code))| {
            Filter {
                from: from.map(second),
                to: to.map(second),
                actions: actions.into_iter().map(text).collect(),
                identity: identity.map(|identity| text(IDENTITIES[identity].0)),
                identity_type,
                path,
                success,
                source_ip: ip.map(|ip| format!("10.0.0.{ip}").into()),
                request_id: request.map(|request| format!("req_{request}").into()),
                error_code: code.map(text),
                ..Filter::default()
            }
        })
}

/// The plain meaning of a filter.
fn is_wanted(filter: &Filter, entry: &Value) -> bool {
    let text = |name: &str| entry[name].as_str();
    let is = |wanted: &Option<Arc<str>>, name: &str| wanted.as_deref().is_none_or(|wanted| text(name) == Some(wanted));
    let at = Timestamp::parse(text("timestamp").unwrap()).unwrap();
    filter.from.is_none_or(|from| at >= from)
        && filter.to.is_none_or(|to| at < to)
        && (filter.actions.is_empty() || filter.actions.iter().any(|action| text("action") == Some(action)))
        && is(&filter.identity, "identity_id")
        && is(&filter.source_ip, "source_ip")
        && is(&filter.request_id, "request_id")
        && is(&filter.error_code, "error_code")
        && filter.identity_type.is_none_or(|kind| text("identity_type") == Some(kind.as_str()))
        && filter.success.is_none_or(|success| entry["success"] == success)
        && match &filter.path {
            None => true,
            Some(PathFilter::Exact(path)) => text("secret_path") == Some(path),
            Some(PathFilter::Prefix(prefix)) => text("secret_path").is_some_and(|path| path.starts_with(&**prefix)),
        }
}

/// An index that follows the log of a node.
pub struct Indexed {
    index: Arc<AuditIndex>,
    stop: watch::Sender<bool>,
    following: tokio::task::JoinHandle<()>,
}

impl Indexed {
    pub async fn of(node: &Node, sizes: Sizes) -> Self {
        let history = History::new(node.backend.clone(), node.sealer.clone());
        let clock: Clock = Arc::new(|| RecordedAt(second(5_000).as_micros()));
        let index = Arc::new(AuditIndex::open(history, clock, sizes).await.unwrap());
        let (stop, stopped) = watch::channel(false);
        let follower = Follower::new(index.clone(), node.feed.clone(), watch::channel(true).1);
        let following = tokio::spawn(follower.run(stopped));
        Self { index, stop, following }
    }

    pub async fn caught_up(&self, node: &Node) {
        assert!(self.index.wait_for(node.feed.committed(), PATIENCE).await, "the index hangs");
    }

    /// Ends it as a server does: what is in memory is stored.
    async fn stopped(self) {
        self.stop.send_replace(true);
        self.following.await.unwrap();
    }

    pub async fn page(
        &self,
        owners: &[Owner],
        filter: &Filter,
        order: Order,
        after: Option<Place>,
        limit: usize,
    ) -> Page {
        let query = Query { owners, filter, after, after_position: Position::START, order, limit };
        self.index.page(&query).await.unwrap()
    }

    /// Ids of all that is wanted, page by page.
    async fn all(&self, owners: &[Owner], filter: &Filter, order: Order, limit: usize) -> Vec<String> {
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let page = self.page(owners, filter, order, after, limit).await;
            ids.extend(page.entries.iter().map(|entry| entry.id().unwrap()));
            after = page.entries.last().map(|last| last.place);
            if !page.has_more {
                return ids;
            }
            assert_eq!(page.entries.len(), limit, "only the last page is shorter");
        }
    }
}

/// Records entries, so many to a commit.
async fn record(node: &Node, entries: &[Made], first: usize, per_commit: usize) -> Vec<(Owner, Value)> {
    let all: Vec<_> =
        entries.iter().enumerate().map(|(index, made)| (made.owner(), made.json(first + index))).collect();
    for chunk in all.chunks(per_commit) {
        let entry = |(owner, json): &(Owner, Value)| Entry {
            owner: key_owner(owner),
            json: json.to_string().into(),
            detail: None,
        };
        node.append(Vec::new(), chunk.iter().map(entry).collect(), Vec::new()).await;
    }
    all
}

async fn agrees(indexed: &Indexed, all: &[(Owner, Value)], filters: &[Filter], limit: usize) {
    for filter in filters {
        for owners in [vec![acme()], vec![other(), acme()]] {
            let expected: BTreeSet<String> = all
                .iter()
                .filter(|(owner, entry)| owners.contains(owner) && is_wanted(filter, entry))
                .map(|(_, entry)| entry["id"].as_str().unwrap().to_owned())
                .collect();
            let forwards = indexed.all(&owners, filter, Order::OldestFirst, limit).await;
            let mut backwards = indexed.all(&owners, filter, Order::NewestFirst, limit).await;
            assert_eq!(forwards.iter().cloned().collect::<BTreeSet<_>>(), expected, "{filter:?}");
            assert_eq!(forwards.len(), expected.len(), "none twice");
            backwards.reverse();
            assert_eq!(backwards, forwards, "the same, the other way round");
            if filter.request_id.is_none() {
                let count = indexed.index.count(&owners, filter, Position(u64::MAX)).await.unwrap();
                assert_eq!(count, expected.len() as u64, "{filter:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn searches_find_what_looking_at_everything_finds(
        entries in prop::collection::vec(made(), 1..160),
        filters in prop::collection::vec(filter(), 8),
        (segment, tail) in (1..30usize, 1..60usize),
        (per_commit, limit) in (1..12usize, 1..20usize),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let node = Node::start().await;
            let sizes = Sizes { segment, tail };
            let (before, after) = entries.split_at(entries.len() / 2);
            let mut indexed = Indexed::of(&node, sizes).await;
            let mut all = record(&node, before, 0, per_commit).await;
            indexed.caught_up(&node).await;
            agrees(&indexed, &all, &filters, limit).await;
            indexed.stopped().await;
            indexed = Indexed::of(&node, sizes).await;
            all.extend(record(&node, after, before.len(), per_commit).await);
            indexed.caught_up(&node).await;
            agrees(&indexed, &all, &filters, limit).await;
            let filter = &filters[0];
            let from = filter.from.unwrap_or(second(0));
            let summary = indexed.index.summary(&[acme()], (from, second(2_000)), second(0)).await.unwrap();
            let counted = Filter { from: Some(from), to: Some(second(2_000)), ..Filter::default() };
            let wanted: Vec<_> = all.iter().filter(|(owner, entry)| *owner == acme() && is_wanted(&counted, entry)).collect();
            let mut by_action: BTreeMap<Arc<str>, u64> = BTreeMap::new();
            wanted.iter().for_each(|(_, entry)| *by_action.entry(entry["action"].as_str().unwrap().into()).or_default() += 1);
            prop_assert_eq!(summary.total, wanted.len() as u64);
            prop_assert_eq!(summary.by_action, by_action);
            indexed.stopped().await;
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn an_index_made_anew_takes_the_place_of_the_old() {
    let node = Node::start().await;
    let sizes = Sizes { segment: 7, tail: 20 };
    let indexed = Indexed::of(&node, sizes).await;
    let made = |number: usize| Made {
        owner: true,
        action: number % ACTIONS.len(),
        identity: number % IDENTITIES.len(),
        path: Some(number % PATHS.len()),
        failed: None,
        ip: 0,
        request: 0,
        at: 1,
        version: 1,
    };
    let entries: Vec<_> = (0..100).map(made).collect();
    let mut all = record(&node, &entries, 0, 3).await;
    indexed.caught_up(&node).await;
    assert_eq!(indexed.index.rebuilding().await.unwrap(), None, "none was asked for");
    let asked = indexed.index.rebuild().await.unwrap();
    assert_eq!(indexed.index.rebuild().await.unwrap(), asked, "one at a time");
    let (stop, stopped) = watch::channel(false);
    let (_lead, leading) = watch::channel(true);
    let rebuilding = Rebuilding::new(indexed.index.clone(), node.feed.clone(), leading);
    let rebuilding = tokio::spawn(rebuilding.run(stopped));
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let everything = Filter::default();
    while indexed.index.rebuilding().await.unwrap().unwrap().completed_at.is_none() {
        assert!(tokio::time::Instant::now() < deadline, "it is never done");
        let found = indexed.all(&[acme()], &everything, Order::OldestFirst, 40).await;
        assert_eq!(found.len(), all.len(), "served meanwhile");
        all.extend(record(&node, &[made(all.len())], all.len(), 1).await);
        indexed.caught_up(&node).await;
    }
    agrees(&indexed, &all, &[everything], 40).await;
    stop.send_replace(true);
    rebuilding.await.unwrap();
    indexed.stopped().await;
}

#[tokio::test]
async fn entries_are_old_in_the_order_of_the_log_and_record_by_record() {
    let node = Node::start().await;
    let indexed = Indexed::of(&node, Sizes { segment: 2, tail: 3 }).await;
    let made = |at: i64| Made {
        owner: true,
        action: 0,
        identity: 0,
        path: None,
        failed: None,
        ip: 0,
        request: 0,
        at,
        version: 1,
    };
    for (number, times) in [vec![1, 2], vec![3, 20], vec![4], vec![30]].into_iter().enumerate() {
        let entries: Vec<_> = times.into_iter().map(made).collect();
        record(&node, &entries, number * 10, 10).await;
    }
    indexed.caught_up(&node).await;
    let old = async |after: u64, cutoff: i64, limit: usize| -> Vec<u64> {
        let old = indexed.index.older_than(&acme(), Position(after), second(cutoff), limit).await.unwrap();
        old.into_iter().map(|position| position.0).collect()
    };
    assert_eq!(old(0, 10, 9).await, [1], "the second has an entry that is not");
    assert_eq!(old(0, 25, 9).await, [1, 2, 3]);
    assert_eq!(old(1, 25, 1).await, [2], "no more than asked for");
    assert_eq!(old(0, 99, 9).await, [1, 2, 3, 4]);
    assert!(old(4, 99, 9).await.is_empty() && old(0, 0, 9).await.is_empty());
    indexed.stopped().await;
}

#[tokio::test]
async fn entries_that_are_gone_must_have_been_ordered_gone() {
    let node = Node::start().await;
    let entry = |path| Read { identity: "user:bob@acme.example", path, version: 1, at: node.now() }.entry(&acme());
    node.audited(vec![entry("app/one")]).await;
    node.audited(vec![entry("app/two")]).await;
    node.append(Vec::new(), Vec::new(), vec![1]).await;
    let rebuilt = node.rebuild().await;
    assert_eq!(rebuilt.view().erasures.unexplained(), Some((&acme(), Position(1))));
    let stream = node.stream(&acme(), "audit", "");
    let ordered = node.draft(&acme(), stream, 1, Event::AuditErased(AuditErased { up_to: 1 }), None);
    let committed = node.append(vec![ordered], Vec::new(), Vec::new()).await;
    node.folded(committed).await;
    let rebuilt = node.rebuild().await;
    assert_eq!(rebuilt.view().erasures.unexplained(), None);
    assert_eq!(rebuilt.view().erasures.of(&acme()).ordered, Position(1));
}
