//! Rounds of load and faults on one installation, each history checked as it ends, and the log at the end of all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::caller::{Caller, Request, Told};
use crate::checker::{Order, check, check_within};
use crate::history::{self, Answer, Call, Operation};
use crate::load::{self, Load, Mix};
use crate::place::{Place, RECOVERY};
use crate::random::Random;
use crate::size::Size;
use crate::{ledger, mutation, trail};

/// Load before the fault and after it.
const LEAD: Duration = Duration::from_millis(250);
/// Operations a history has at least.
const FEWEST: usize = 60;
/// How long an order is looked for in which even observations of different nodes have theirs.
const STRICT_STEPS: u64 = 50_000;
/// Reads at a time when everything is read back.
const READERS: usize = 8;

/// A running campaign.
pub struct Campaign {
    name: &'static str,
    pub place: Arc<Place>,
    pub size: Size,
    pub random: Random,
    mix: Mix,
    started: Instant,
    rounds: u64,
    operations: usize,
    /// Histories in which observations of different nodes have an order as well.
    strict: u64,
    longest_recovery: Duration,
}

impl Campaign {
    /// On an installation that has just been started.
    pub fn new(name: &'static str, place: Place, size: Size, mix: Mix) -> Self {
        println!("{name}: FAULT_SEED={}", size.seed);
        let stream = name.bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Self {
            name,
            place: Arc::new(place),
            size,
            random: Random::new(size.seed, stream),
            mix,
            started: Instant::now(),
            rounds: 0,
            operations: 0,
            strict: 0,
            longest_recovery: Duration::ZERO,
        }
    }

    /// One history, with whatever `faults` does in the middle of it; that returns how long getting over it took.
    pub async fn round(&mut self, what: &str, faults: impl AsyncFnOnce(&Place, &mut Random) -> Duration) {
        let prefix = format!("h{:04}", self.rounds);
        let begun = Instant::now();
        let load = Load::start(&self.place.shared, &prefix, self.mix, self.random.next());
        tokio::time::sleep(LEAD).await;
        let recovery = faults(&self.place, &mut self.random).await;
        let enough = Instant::now() + RECOVERY;
        tokio::time::sleep(LEAD).await;
        while load.count() < FEWEST && Instant::now() < enough {
            tokio::time::sleep(LEAD / 10).await;
        }
        let operations = load.stop().await;
        if operations.len() < FEWEST {
            self.place.shared.defect(format!("{what}: no more than {} operations", operations.len()));
        }
        if recovery > RECOVERY {
            self.place.shared.defect(format!("{what}: got over in {recovery:?} only"));
        }
        self.longest_recovery = self.longest_recovery.max(recovery);
        self.judge(&prefix, what, &operations);
        self.read_back(&operations, enough).await;
        self.rounds += 1;
        self.operations += operations.len();
        println!(
            "{}: {} {what}: {} operations, got over in {} ms, {:.1} s",
            self.name,
            self.rounds,
            operations.len(),
            recovery.as_millis(),
            begun.elapsed().as_secs_f64()
        );
        self.fail_early();
    }

    fn fail_early(&self) {
        let defects = self.place.shared.defects();
        if !defects.is_empty() {
            self.place.keep_logs(self.size.seed);
        }
        assert!(defects.is_empty(), "{} (FAULT_SEED={}): {defects:#?}", self.name, self.size.seed);
    }

    fn judge(&mut self, prefix: &str, what: &str, operations: &[Operation]) {
        let mut strict = true;
        for (path, operations) in history::by_path(operations) {
            if let Err(violation) = check(&operations, Order::PerNode) {
                let name = format!("{}-{prefix}", self.name);
                let file = history::save(self.size.seed, &name, &operations);
                let file = file.display();
                self.place.shared.defect(format!("{what}: {path} is not linearizable, see {file}: {violation:#?}"));
                continue;
            }
            strict &= check_within(&operations, Order::Strict, STRICT_STEPS).is_ok();
            mutation::all_are_found(&operations, &mut self.random);
        }
        self.strict += u64::from(strict);
    }

    /// Every acknowledged version can be read, in time, and has the value that was written.
    async fn read_back(&mut self, operations: &[Operation], in_time: Instant) {
        let mut written: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
        for operation in operations.iter().filter(|operation| load::keeps_versions(&operation.path)) {
            if let (Call::Write { value, .. }, Some((_, Answer::Wrote { version, .. }))) =
                (operation.call, operation.answered)
            {
                written.entry(&operation.path).or_default().push((version, value));
            }
        }
        let caller = Caller::new(&self.place.shared);
        let mut reading = JoinSet::new();
        for (path, versions) in written {
            let restore = || {
                let address = format!("/{path}/restore");
                Request { method: reqwest::Method::POST, address, action: "restore", ..Request::read(path, "") }
            };
            match caller.insist(0, in_time, restore).await {
                Told::Reply(reply) if reply.status == 200 => {}
                Told::Reply(reply) => self.place.shared.defect(format!("{path} is not restored: {}", reply.text)),
                Told::Refused(text) | Told::Unknown(text) => self.place.shared.defect(text),
            }
            for (version, value) in versions {
                let node = usize::try_from(self.random.below(self.place.nodes.len() as u64)).unwrap();
                let (caller, path) = (caller.clone(), path.to_owned());
                if reading.len() >= READERS {
                    reading.join_next().await;
                }
                reading.spawn(async move {
                    let query = format!("?version={version}");
                    match caller.insist(node, in_time, || Request::read(&path, &query)).await {
                        Told::Reply(reply) if reply.status == 200 && reply.json()["data"]["value"] == value => {}
                        Told::Reply(reply) => {
                            let text = format!("{path} version {version} is not {value} but {reply:?}");
                            caller.shared.defect(text);
                        }
                        Told::Refused(text) | Told::Unknown(text) => {
                            caller.shared.defect(format!("{path} version {version} cannot be read: {text}"));
                        }
                    }
                });
            }
        }
        while reading.join_next().await.is_some() {}
    }

    /// The nodes agree; they stop; the log is sound, and says what clients were told.
    pub async fn finish(self) {
        self.agree().await;
        let mut trails = Vec::new();
        for node in 0..self.place.nodes.len() {
            trails.push(trail::of(&self.place.shared, node).await);
        }
        self.place.stop();
        let shared = &self.place.shared;
        let sent = shared.sent();
        let ledger = ledger::read(&self.place.store, &self.place.data).await;
        for text in ledger.disagreements(&sent) {
            shared.defect(text);
        }
        for text in trails.iter().filter_map(|trail| trail.differs(&ledger)) {
            shared.defect(text);
        }
        let reads = ledger.reads(&sent);
        if !reads.hold() {
            shared.defect(format!(
                "{} reads answered, {} perhaps, {} entries",
                reads.answered, reads.unanswered, reads.entries
            ));
        }
        self.fail_early();
        let count = |which: &dyn Fn(&crate::caller::Sent) -> bool| sent.iter().filter(|sent| which(sent)).count();
        let writes = count(&|sent| {
            sent.status.is_some_and(|status| status < 400) && sent.action != "read" && sent.action != "list"
        });
        let refused = count(&|sent| sent.status == Some(503));
        let unanswered = count(&|sent| sent.status.is_none() && sent.reason.is_none());
        println!(
            "ROW | {} | {} | {} | {writes} | {} | {refused} | {unanswered} | {}/{} | {:.1} s | {:.1} s | {:.0} s |",
            self.name,
            self.rounds,
            self.operations,
            reads.answered,
            self.strict,
            self.rounds,
            self.longest_recovery.as_secs_f64(),
            Duration::from_millis(shared.longest_ms()).as_secs_f64(),
            self.started.elapsed().as_secs_f64(),
        );
    }

    async fn agree(&self) {
        let caller = Caller::new(&self.place.shared);
        let mut lists = Vec::new();
        for node in 0..self.place.nodes.len() {
            let address = "?limit=200&prefix=h".to_owned();
            let list = Request { address, path: None, action: "list", ..Request::read("", "") };
            match caller.send(node, list).await {
                Told::Reply(reply) => lists.push(reply.text),
                Told::Refused(text) | Told::Unknown(text) => self.place.shared.defect(text),
            }
        }
        // Cursors are bound to the moment; rows are not.
        let rows: Vec<serde_json::Value> = lists.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        if rows.windows(2).any(|pair| pair[0]["secrets"] != pair[1]["secrets"]) {
            self.place.shared.defect(format!("the nodes do not agree: {lists:?}"));
        }
    }
}
