//! The secrets API against a second opinion: random sequences of requests, clock moves, sweeps and restarts, each
//! answer, published event and audit entry compared with what a small reference model predicts from the contract.
//!
//! `PROPTEST_CASES` and `PROPTEST_RNG_SEED` choose other sequences; without them every run does the same ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)]
#![allow(clippy::wildcard_enum_match_arm, reason = "a fault of the test shows at once")]
#![allow(clippy::disallowed_methods, reason = "tests have their own environment, clock and tasks")]

#[path = "../../eventstore/tests/support/cluster.rs"]
mod cluster;
#[path = "model/expect.rs"]
mod expect;
#[path = "model/node.rs"]
mod node;
#[path = "model/reads.rs"]
mod reads;
#[path = "model/reference.rs"]
mod reference;
#[path = "model/request.rs"]
mod request;
#[path = "model/secret.rs"]
mod secret;
#[path = "model/steps.rs"]
mod steps;
#[path = "model/world.rs"]
mod world;
#[path = "model/writes.rs"]
mod writes;

use std::sync::Arc;

use proptest::test_runner::{Config, RngSeed, TestRunner};
use scaivault_eventstore::log::{Backend, PostgresBackend, SqliteBackend};

use steps::{Ask, Change, Filter, Step, Verb, When};
use world::World;

/// Runs `cases` sequences of up to `length` steps, each on an empty store that `open` makes.
fn agree<F>(cases: u32, length: usize, open: impl Fn() -> F)
where
    F: Future<Output = Arc<dyn Backend>>,
{
    let mut config = Config { failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(20_260_423);
    }
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let agreed = TestRunner::new(config).run(&steps::sequence(length), |sequence| {
        runtime.block_on(async {
            let mut world = World::open(open().await).await;
            for step in sequence {
                world.step(step).await;
            }
            world.close().await;
        });
        Ok(())
    });
    agreed.unwrap();
}

#[test]
fn in_memory() {
    agree(400, 60, async || Arc::new(SqliteBackend::open(None).await.unwrap()) as Arc<dyn Backend>);
}

#[test]
fn on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let number = std::cell::Cell::new(0);
    agree(40, 60, || {
        number.set(number.get() + 1);
        let file = directory.path().join(format!("{}.db", number.get()));
        async move { Arc::new(SqliteBackend::open(Some(&file)).await.unwrap()) as Arc<dyn Backend> }
    });
}

#[test]
fn on_postgres() {
    agree(30, 60, async || {
        let url = cluster::Cluster::shared().database();
        Arc::new(PostgresBackend::connect(&url, 4).await.unwrap()) as Arc<dyn Backend>
    });
}

/// The window of the only version left ends before that of the secret: nothing of it is listed or restored then.
#[test]
fn a_deleted_secret_ends_with_its_last_value() {
    const DAY: i64 = 86_400_000_000;
    let ask = |verb| Step::Ask(Ask { partner: false, path: 0, narrow: false, key: None, verb });
    let write = || {
        let options = Change::default();
        ask(Verb::Write { data: 1, kind: None, metadata: None, options, when: When::Always })
    };
    let delete = |version, permanent| ask(Verb::Delete { version: Some(version), permanent, when: When::Always });
    let list = || {
        let filter = Filter { expired: true, deleted: true, metadata: true, ..Filter::default() };
        ask(Verb::List { filter, limit: None })
    };
    let begin = [write(), write(), delete(1, false), Step::Wait(5 * DAY), delete(2, false), delete(2, true)];
    let end = vec![list(), Step::Wait(26 * DAY), list(), ask(Verb::Restore { version: None }), write(), list()];
    for between in [vec![], vec![Step::Sweep], vec![Step::Restart]] {
        let steps = begin.iter().chain(&between).chain(&end).cloned();
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let mut world = World::open(Arc::new(SqliteBackend::open(None).await.unwrap())).await;
            for step in steps {
                world.step(step).await;
            }
            world.close().await;
        });
    }
}
