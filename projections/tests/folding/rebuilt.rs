//! What is rebuilt from the log equals what is live, and so does what is read from a snapshot.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use scaivault_domain::access::Target;
use scaivault_domain::secret::delete::{self, DeleteSecret};
use scaivault_domain::secret::options::OptionsChange;
use scaivault_domain::secret::restore::{self, RestoreSecret};
use scaivault_domain::secret::rotate::{self, RotateSecret};
use scaivault_domain::secret::update::{self, UpdateSecret};
use scaivault_domain::secret::write::{self, WriteSecret};
use scaivault_domain::secret::{Condition, Metadata};
use scaivault_domain::{DurationText, Owner, SecretPath, Timestamp};
use scaivault_eventstore::{Position, merkle};
use scaivault_projections::past::Past;
use scaivault_projections::secrets::Filter;
use scaivault_projections::snapshot::Snapshots;
use scaivault_projections::{Frozen, Held, Projections, View};
use tempfile::TempDir;

use crate::node::{DAY, Node, Read, acme, other, path};

const PATHS: [&str; 3] = ["app/db", "app/key", "web"];

#[derive(Clone, Debug)]
enum Step {
    Write(Option<&'static str>, Option<u32>),
    Update(Option<u32>),
    Rotate(i64),
    Delete { version: Option<u32>, permanent: bool },
    Restore(Option<u32>),
    Read,
    Sweep,
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let version = prop::option::weighted(0.6, 1_u32..5);
    let end = prop::option::of(prop::sample::select(vec!["1d", "40d"]));
    let keep = prop::option::weighted(0.3, 1_u32..4);
    prop_oneof![
        5 => (end, keep.clone()).prop_map(|(end, keep)| Step::Write(end, keep)),
        2 => keep.prop_map(Step::Update),
        3 => (1_i64..90).prop_map(Step::Rotate),
        4 => (version.clone(), prop::bool::weighted(0.3))
            .prop_map(|(version, permanent)| Step::Delete { version, permanent }),
        3 => version.prop_map(Step::Restore),
        3 => Just(Step::Read),
        2 => Just(Step::Sweep),
        3 => prop_oneof![1_i64..7_200, 1_i64..DAY * 35].prop_map(Step::Pass),
    ]
}

/// Tags that change with every other write.
fn tagged(seconds: i64) -> Option<Metadata> {
    let tag = if seconds % 2 == 0 { "even" } else { "odd" };
    (seconds % 3 != 0).then(|| Metadata { tags: Some([tag.into(), "all".into()].into()), ..Metadata::default() })
}

async fn take(node: &Node, owner: &Owner, path: &SecretPath, step: &Step, seconds: &mut i64) {
    let condition = Condition::default();
    let keep = |max: Option<u32>| OptionsChange { max_versions: max.map(Some), ..OptionsChange::default() };
    let value = format!("{{\"at\":{seconds}}}");
    let _refused = match step.clone() {
        Step::Write(end, max) => {
            let expires_in = end.map(DurationText::parse);
            let options = OptionsChange { expires_in, ..keep(max) };
            let command =
                WriteSecret { path: path.clone(), secret_type: None, metadata: tagged(*seconds), options, condition };
            node.command(owner, path, &value, |secret, context| write::decide(secret, &command, context)).await
        }
        Step::Update(max) => {
            let command = UpdateSecret { path: path.clone(), metadata: None, options: keep(max), condition };
            node.command(owner, path, &value, |secret, context| update::decide(secret, &command, context)).await
        }
        Step::Rotate(hours) => {
            let grace_seconds = Some(hours * 3_600);
            let command = RotateSecret {
                path: path.clone(),
                value: scaivault_domain::secret::rotate::NewValue::Given,
                reason: None,
                grace_seconds,
                condition,
            };
            node.command(owner, path, &value, |secret, context| rotate::decide(secret, &command, context)).await
        }
        Step::Delete { version, permanent } => {
            let command = DeleteSecret { path: path.clone(), version, permanent, condition };
            node.command(owner, path, &value, |secret, context| delete::decide(secret, &command, context)).await
        }
        Step::Restore(version) => {
            let command = RestoreSecret { path: path.clone(), version };
            node.command(owner, path, &value, |secret, context| restore::decide(secret, &command, context)).await
        }
        Step::Read => {
            let read = Read { identity: "sa:billing", path: path.as_str(), version: 1, at: node.now() };
            node.audited(vec![read.entry(owner)]).await;
            Ok(())
        }
        Step::Sweep => {
            let view = node.projections.view();
            if let Some(held) = view.secrets(owner).held(path.as_str()) {
                node.happened(owner, path, held.secret.due(node.now()), "").await;
            }
            Ok(())
        }
        Step::Pass(pause) => {
            *seconds += pause;
            node.at(*seconds);
            Ok(())
        }
    };
}

/// All that readers can see of an owner's secrets.
pub(crate) fn seen(view: &View, owner: &Owner, now: Timestamp) -> Vec<String> {
    let catalogue = view.secrets(owner);
    let all = Filter { include_expired: true, include_deleted: true, ..Filter::default() };
    let page = catalogue.list(&all, None, 100, now, |_| true);
    let plain = catalogue.list(&Filter::default(), None, 100, now, |_| true);
    let expiring = catalogue.expiring("", now, now.plus_seconds(3_650 * DAY), None, 100, |_| true);
    let mut seen = vec![
        format!("{} {} {} {}", catalogue.len(), page.total, plain.total, plain.rows.len()),
        format!("{:?}", expiring.rows),
        format!("{:?} {:?}", catalogue.next_due(), catalogue.due(now).collect::<Vec<_>>()),
    ];
    let rows = page.rows;
    for held in &rows {
        seen.push(format!("{:?} {:?}", held.secret, held.revision));
    }
    for (prefix, tag) in [("", "odd"), ("app/", "odd"), ("", "even"), ("web", "even"), ("", "none")] {
        let tagged = Filter { prefix: prefix.into(), tags: vec![tag.into()], ..all.clone() };
        let page = catalogue.list(&tagged, None, 100, now, |_| true);
        let has = |held: &Arc<Held>| held.secret.metadata.tags().iter().any(|held| held.as_ref() == tag);
        let expected: Vec<_> = rows.iter().filter(|held| has(held)).map(|held| held.secret.path.clone()).collect();
        let expected: Vec<_> = expected.into_iter().filter(|path| path.as_str().starts_with(prefix)).collect();
        let found: Vec<_> = page.rows.iter().map(|held| held.secret.path.clone()).collect();
        assert_eq!(found, expected, "{prefix} {tag}");
        seen.push(format!("{prefix} {tag} {found:?} {}", page.total));
    }
    for text in PATHS {
        let settled = catalogue.settled(&path(text), now).map(|settled| (settled.secret, settled.due));
        seen.push(format!("{text} {:?} {settled:?}", catalogue.revision(text)));
    }
    seen
}

fn counted(projections: &Projections, owner: &Owner, now: Timestamp) -> Vec<String> {
    projections.accesses(|accesses| {
        let start = Timestamp::from_micros(0);
        PATHS
            .into_iter()
            .map(|text| {
                let consumers = accesses.consumers(owner, text, None, start, now.plus_seconds(1));
                format!("{text} {:?} {consumers:?}", accesses.usage(owner, text, now))
            })
            .collect()
    })
}

/// What a fold from the beginning holds, values included, and what a snapshot holds of it.
async fn check(node: &Node) {
    let rebuilt = node.rebuild().await;
    check_against(node, &rebuilt);
    let tree = &rebuilt.view().tree;
    let leaves = node.backend.leaf_hashes(Position(1), tree.size()).await.unwrap();
    assert_eq!(tree.root(), merkle::root_of(&leaves));
    for projections in [&node.projections, &rebuilt] {
        for (_, catalogue) in projections.view().catalogues() {
            for version in catalogue.with_prefix("").flat_map(|(_, held)| &held.secret.versions) {
                let value = projections.values().at(version.position).map(|value| node.sealer.open_value(&value));
                assert_eq!(value.is_some_and(|value| value.is_ok()), version.has_value(), "{version:?}");
            }
        }
    }
    let directory = TempDir::new().unwrap();
    let snapshots = Snapshots::new(directory.path().to_owned(), node.sealer.clone());
    snapshots.write(&node.projections.freeze().await).unwrap();
    check_against(node, &Projections::resumed(snapshots.read(&snapshots.candidates()[0]).unwrap()));
}

/// That `projections` show what those of the node show.
pub(crate) fn check_against(node: &Node, projections: &Projections) {
    assert_eq!(node.projections.applied(), projections.applied());
    assert_eq!(node.projections.view().tree, projections.view().tree);
    assert_eq!(projections.view().tree.size(), projections.applied().0);
    for owner in [acme(), other()] {
        let now = node.now();
        assert_eq!(seen(&node.projections.view(), &owner, now), seen(&projections.view(), &owner, now));
        assert_eq!(counted(&node.projections, &owner, now), counted(projections, &owner, now));
    }
}

/// That what was live at each of these moments is what the log says of it now, from wherever the fold begins.
async fn check_past(node: &Node, moments: &[(Arc<View>, Timestamp)]) {
    let directory = TempDir::new().unwrap();
    let snapshots = Snapshots::new(directory.path().to_owned(), node.sealer.clone());
    let middle = &moments[moments.len() / 2].0;
    let frozen = Frozen { view: View::clone(middle), ..Frozen::default() };
    snapshots.write(&frozen).unwrap();
    let bare = Arc::new(Past::new(node.history(), Arc::default()));
    let resuming = Past::new(node.history(), node.projections.clone()).resuming(Some(snapshots));
    let resuming = Arc::new(resuming);
    // Newest first, so that most folds cannot go on from the one before.
    for (live, now) in moments.iter().rev() {
        let last = bare.last_up_to(*now).await.unwrap();
        assert!(last >= live.applied, "what is folded was recorded by then");
        assert!(last == bare.end().await.unwrap() || bare.recorded_at(last.next()).await.unwrap() > *now);
        for past in [&bare, &resuming] {
            for owner in [acme(), other()] {
                let target = Target { owner: owner.clone(), partner: None };
                let view = past.view(&target, live.applied, Duration::from_secs(20)).await.unwrap();
                assert_eq!((view.applied, view.leaf), (live.applied, live.leaf));
                assert_eq!(view.tree, live.tree);
                assert_eq!(seen(&view, &owner, *now), seen(live, &owner, *now));
            }
        }
    }
    let before = bare.last_up_to(moments[0].1.plus_seconds(-1)).await.unwrap();
    assert_eq!(before.0, 0, "nothing was recorded before the first record");
}

#[test]
fn a_rebuilt_state_equals_the_live_one() {
    let steps = prop::collection::vec((prop::bool::weighted(0.8), 0..PATHS.len(), step()), 5..60);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = Config { cases: 24, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    TestRunner::new(config)
        .run(&steps, |steps| {
            runtime.block_on(async {
                let node = Node::start().await;
                let mut seconds = 0;
                let mut moments = vec![(node.projections.view(), node.now())];
                for (first, index, step) in steps {
                    let owner = if first { acme() } else { other() };
                    take(&node, &owner, &path(PATHS[index]), &step, &mut seconds).await;
                    moments.push((node.projections.view(), node.now()));
                }
                check(&node).await;
                check_past(&node, &moments).await;
            });
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_late_fold_sees_no_value_that_was_destroyed_meanwhile() {
    let node = Node::start().await;
    let place = path("app/db");
    node.write(&acme(), &place, "{\"a\":1}").await;
    let command = DeleteSecret { path: place.clone(), version: None, permanent: true, condition: Condition::default() };
    node.command(&acme(), &place, "", |secret, context| delete::decide(secret, &command, context)).await.unwrap();
    node.write(&acme(), &place, "{\"a\":2}").await;
    check(&node).await;
    let view = node.rebuild().await.view();
    let held = view.secrets(&acme()).held("app/db").unwrap();
    assert_eq!((held.secret.versions.len(), held.revision.0), (1, 3), "the stream counts on, the versions anew");
}
