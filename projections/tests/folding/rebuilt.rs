//! What is rebuilt from the log equals what is live.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use scaivault_domain::secret::Condition;
use scaivault_domain::secret::delete::{self, DeleteSecret};
use scaivault_domain::secret::options::OptionsChange;
use scaivault_domain::secret::restore::{self, RestoreSecret};
use scaivault_domain::secret::rotate::{self, RotateSecret};
use scaivault_domain::secret::update::{self, UpdateSecret};
use scaivault_domain::secret::write::{self, WriteSecret};
use scaivault_domain::{DurationText, Owner, SecretPath, Timestamp};
use scaivault_eventstore::sealing::Sealer;
use scaivault_projections::Projections;
use scaivault_projections::secrets::Filter;

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

async fn take(node: &Node, owner: &Owner, path: &SecretPath, step: &Step, seconds: &mut i64) {
    let condition = Condition::default();
    let keep = |max: Option<u32>| OptionsChange { max_versions: max.map(Some), ..OptionsChange::default() };
    let value = format!("{{\"at\":{seconds}}}");
    let _refused = match step.clone() {
        Step::Write(end, max) => {
            let expires_in = end.map(DurationText::parse);
            let options = OptionsChange { expires_in, ..keep(max) };
            let command = WriteSecret { path: path.clone(), secret_type: None, metadata: None, options, condition };
            node.command(owner, path, &value, |secret, context| write::decide(secret, &command, context)).await
        }
        Step::Update(max) => {
            let command = UpdateSecret { path: path.clone(), metadata: None, options: keep(max), condition };
            node.command(owner, path, &value, |secret, context| update::decide(secret, &command, context)).await
        }
        Step::Rotate(hours) => {
            let grace_seconds = Some(hours * 3_600);
            let command = RotateSecret { path: path.clone(), has_value: true, reason: None, grace_seconds, condition };
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
fn seen(projections: &Projections, owner: &Owner, sealer: &Sealer, now: Timestamp) -> Vec<String> {
    let view = projections.view();
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
    for held in page.rows {
        seen.push(format!("{:?} {:?}", held.secret, held.revision));
        for version in &held.secret.versions {
            let value = projections.values().at(version.position).and_then(|value| sealer.open_value(&value).ok());
            assert_eq!(value.is_some(), version.has_value(), "{}: {version:?}", held.secret.path);
            seen.push(format!("{value:?}"));
        }
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

async fn check(node: &Node) {
    let rebuilt = node.rebuild().await;
    let (live, again) = (node.projections.view(), rebuilt.view());
    assert_eq!(live.applied, again.applied);
    for owner in [acme(), other()] {
        let now = node.now();
        assert_eq!(seen(&node.projections, &owner, &node.sealer, now), seen(&rebuilt, &owner, &node.sealer, now));
        assert_eq!(counted(&node.projections, &owner, now), counted(&rebuilt, &owner, now));
    }
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
                for (first, index, step) in steps {
                    let owner = if first { acme() } else { other() };
                    take(&node, &owner, &path(PATHS[index]), &step, &mut seconds).await;
                }
                check(&node).await;
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
