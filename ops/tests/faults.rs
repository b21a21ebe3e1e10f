//! The executable under faults: processes killed, databases restarted, networks cut, disks full, clocks moved. Nothing
//! that was answered is lost, every answered read is in the audit log, and what clients saw can be put in one order.
//!
//! Small by default; `ops/scripts/faults` runs all of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub, dead_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "hours of rounds show how they are doing")]
#![allow(clippy::disallowed_methods, reason = "tests have their own environment, clock and tasks")]

#[path = "support/api.rs"]
mod api;
#[path = "../../eventstore/tests/support/broker.rs"]
mod broker;
#[path = "faults/caller.rs"]
mod caller;
#[path = "faults/campaign.rs"]
mod campaign;
#[path = "faults/checker.rs"]
mod checker;
#[path = "faults/checker_tests.rs"]
mod checker_tests;
#[path = "faults/clock.rs"]
mod clock;
#[path = "../../eventstore/tests/support/cluster.rs"]
mod cluster;
#[path = "faults/deliveries.rs"]
mod deliveries;
#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/fault.rs"]
mod fault;
#[path = "faults/history.rs"]
mod history;
#[path = "faults/ledger.rs"]
mod ledger;
#[path = "faults/load.rs"]
mod load;
#[path = "faults/mutation.rs"]
mod mutation;
#[path = "faults/place.rs"]
mod place;
#[path = "faults/proxy.rs"]
mod proxy;
#[path = "faults/random.rs"]
mod random;
#[path = "faults/receiver.rs"]
mod receiver;
#[path = "faults/register.rs"]
mod register;
#[path = "faults/resources.rs"]
mod resources;
#[path = "support/server.rs"]
mod server;
#[path = "faults/size.rs"]
mod size;
#[path = "faults/trail.rs"]
mod trail;

use std::time::Duration;

use broker::Broker;
use campaign::Campaign;
use cluster::Cluster;
use deliveries::Deliveries;
use disk::Disk;
use fault::Fault;
use load::Mix;
use place::{POOL_SIZE, Place};
use random::Random;
use size::Size;

/// Beyond what was open before the faults: connections that are made when they are needed.
const MORE_FILES: usize = POOL_SIZE + 4;
const MORE_THREADS: usize = 4;

async fn kills(name: &'static str, place: Place) {
    let size = Size::of_process();
    let mut campaign = Campaign::new(name, place, size, Mix::All);
    for _ in 0..size.kills {
        let node = usize::try_from(campaign.random.below(campaign.place.nodes.len() as u64)).unwrap();
        let kill = Fault::Kill(node);
        campaign.round(&format!("{kill:?}"), async move |place, random| kill.strike(place, random).await).await;
    }
    campaign.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_on_sqlite() {
    kills("kill -9, SQLite", Place::sqlite(None)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_on_postgres() {
    kills("kill -9, PostgreSQL", Place::postgres(1, Cluster::start(), None).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_one_of_two_nodes() {
    kills("kill -9, one of two nodes", pair().await).await;
}

/// Two nodes with a database and a bus of their own.
async fn pair() -> Place {
    Place::postgres(2, Cluster::start(), Some(Broker::start(""))).await
}

/// Faults of one kind of server; nothing is left open by them.
async fn faults(name: &'static str, next: impl Fn(&mut Random, usize) -> Fault) {
    let size = Size::of_process();
    let mut campaign = Campaign::new(name, pair().await, size, Mix::All);
    campaign.round("warming up", async |place, _| place.recovers().await).await;
    let before = campaign.place.resources();
    for _ in 0..size.faults {
        let fault = next(&mut campaign.random, 2);
        campaign.round(&format!("{fault:?}"), async move |place, random| fault.strike(place, random).await).await;
    }
    let place = &campaign.place;
    resources::settles("sessions", 2 * POOL_SIZE, || resources::sessions(place.url())).await;
    for (node, before) in before.into_iter().enumerate() {
        let process = place.process(node);
        resources::settles("files", before.files + MORE_FILES, async || resources::of(process).files).await;
        resources::settles("threads", before.threads + MORE_THREADS, async || resources::of(process).threads).await;
        println!("{name}: node {node}: {before:?} before, {:?} after", resources::of(process));
    }
    campaign.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_postgres() {
    faults("faults of PostgreSQL", Fault::of_database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_nats() {
    faults("faults of NATS", Fault::of_bus).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_are_linearizable() {
    let size = Size::of_process();
    let mut campaign = Campaign::new("any fault, two nodes", pair().await, size, Mix::All);
    for _ in 0..size.histories {
        let fault = Fault::any(&mut campaign.random, 2);
        campaign.round(&format!("{fault:?}"), async move |place, random| fault.strike(place, random).await).await;
    }
    campaign.finish().await;
}

/// Processes killed, servers restarted, networks cut, and a receiver that fails in its own ways.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_under_faults() {
    let size = Size::of_process();
    let mut campaign = Campaign::new("deliveries, two nodes", pair().await, size, Mix::All);
    let deliveries = Deliveries::start(&campaign.place, size.seed).await;
    let mut faults = 0;
    while faults + deliveries.faults() < size.deliveries {
        let fault = Fault::any(&mut campaign.random, 2);
        campaign.round(&format!("{fault:?}"), async move |place, random| fault.strike(place, random).await).await;
        faults += 1;
    }
    deliveries.finish(&campaign.place).await;
    let place = campaign.place.clone();
    campaign.finish().await;
    let published = ledger::read(&place.store, &place.data).await.published;
    let repeated = deliveries.check(&place, &published);
    let defects = place.shared.defects();
    assert!(defects.is_empty(), "FAULT_SEED={}: {defects:#?}", size.seed);
    println!(
        "deliveries: {} events to each of two receivers, {faults} faults of servers, {} of receivers, {repeated} repeated",
        published.len(),
        deliveries.faults()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_disk_under_sqlite() {
    let Some(disk) = Disk::mount(64) else { return };
    let size = Size::of_process();
    let mut campaign = Campaign::new("disk full, SQLite", Place::sqlite(Some(disk.path())), size, Mix::All);
    for _ in 0..size.faults.div_ceil(5) {
        campaign
            .round("disk full", async |place, _| {
                disk.fill();
                place.refuses(0).await;
                disk.free();
                place.recovers().await
            })
            .await;
    }
    campaign.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_disk_under_postgres() {
    let Some(disk) = Disk::mount(256) else { return };
    let size = Size::of_process();
    let place = Place::postgres(2, Cluster::start_in(disk.path()), None).await;
    let mut campaign = Campaign::new("disk full, PostgreSQL", place, size, Mix::All);
    for _ in 0..size.faults.div_ceil(5) {
        campaign
            .round("disk full", async |place, _| {
                disk.fill();
                place.refuses(0).await;
                place.refuses(1).await;
                disk.free();
                let cluster = place.cluster.as_ref().unwrap();
                // It ends itself when it cannot write its own log.
                tokio::task::block_in_place(|| {
                    if !cluster.runs() {
                        cluster.resume();
                    }
                });
                place.recovers().await
            })
            .await;
    }
    campaign.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clock_jumps_by_a_year() {
    const YEAR: Duration = Duration::from_secs(365 * 86_400);
    let size = Size::of_process();
    let mut campaign = Campaign::new("clock jumps a year, SQLite", Place::timeless(), size, Mix::Timeless);
    for number in 0..size.jumps {
        campaign
            .round("clock", async |place, random| {
                let moment = Duration::from_millis(200 + random.below(1_000));
                let clock = &place.nodes[0].clock;
                if number % 2 == 0 {
                    clock.ahead(YEAR);
                } else {
                    clock.behind(YEAR);
                }
                tokio::time::sleep(moment).await;
                let recovered = place.recovers().await;
                clock.right();
                recovered.max(place.recovers().await)
            })
            .await;
    }
    campaign.finish().await;
}

/// As far as the token goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clock_of_one_node_jumps() {
    const HOURS: Duration = Duration::from_secs(20 * 3_600);
    let size = Size::of_process();
    let place = Place::postgres(2, Cluster::start(), None).await;
    let mut campaign = Campaign::new("clock of one node jumps", place, size, Mix::Timeless);
    for number in 0..size.jumps {
        campaign
            .round("clock", async |place, random| {
                let moment = Duration::from_millis(200 + random.below(1_000));
                let clock = &place.nodes[usize::try_from(random.below(2)).unwrap()].clock;
                if number % 2 == 0 {
                    clock.ahead(HOURS);
                } else {
                    clock.behind(HOURS);
                }
                tokio::time::sleep(moment).await;
                let recovered = place.recovers().await;
                clock.right();
                recovered.max(place.recovers().await)
            })
            .await;
    }
    campaign.finish().await;
}

/// For a history that was kept: `FAULT_HISTORY=<file>`.
#[test]
fn kept_history() {
    let Ok(file) = std::env::var("FAULT_HISTORY") else { return };
    for (path, operations) in history::by_path(&history::load(&file)) {
        checker::check(&operations, checker::Order::PerNode)
            .unwrap_or_else(|violation| panic!("{path}: {violation:#?}"));
    }
}
