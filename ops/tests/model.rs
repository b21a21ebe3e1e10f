//! The secrets API against a second opinion: random sequences of requests, clock moves, sweeps and restarts, each
//! answer, published event and audit entry compared with what a small reference model predicts from the contract.
//!
//! `PROPTEST_CASES` and `PROPTEST_RNG_SEED` choose other sequences; without them every run does the same ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)]
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
    agree(150, 60, async || Arc::new(SqliteBackend::open(None).await.unwrap()) as Arc<dyn Backend>);
}

#[test]
fn on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let number = std::cell::Cell::new(0);
    agree(12, 60, || {
        number.set(number.get() + 1);
        let file = directory.path().join(format!("{}.db", number.get()));
        async move { Arc::new(SqliteBackend::open(Some(&file)).await.unwrap()) as Arc<dyn Backend> }
    });
}

#[test]
fn on_postgres() {
    agree(10, 60, async || {
        let url = cluster::Cluster::shared().database();
        Arc::new(PostgresBackend::connect(&url, 4).await.unwrap()) as Arc<dyn Backend>
    });
}
