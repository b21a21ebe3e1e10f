//! The index made anew from the log, while the old one serves.

use std::sync::Arc;
use std::time::Duration;

use scaivault_eventstore::log::{Feed, Generation};
use scaivault_eventstore::sealing::access::ACCESS_RECORDED;
use scaivault_eventstore::{Position, StoreError};
use tokio::sync::watch;

use super::follower::{PART, push};
use super::index::AuditIndex;
use super::tail::Tail;
use crate::decode::Decoded;

/// How often it is looked whether there is something to do.
const TICK: Duration = Duration::from_millis(500);
/// Between attempts to reach a database that is away.
const PAUSE: Duration = Duration::from_secs(2);
/// How long the old index stays for searches that are under way.
const GRACE: Duration = Duration::from_secs(60);

/// How far an index that is made anew has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebuildingStatus {
    /// Up to which position of the log it goes.
    pub applied: Position,
    /// Microseconds since the Unix epoch.
    pub started_at: i64,
    /// When it had caught up, or failed.
    pub completed_at: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// Makes the index anew whenever that is asked for and this node leads.
pub struct Rebuilding {
    index: Arc<AuditIndex>,
    feed: Arc<Feed>,
    leading: watch::Receiver<bool>,
}

impl AuditIndex {
    /// Has the index made anew by the leading node; if that goes on already, nothing changes.
    pub async fn rebuild(&self) -> Result<RebuildingStatus, StoreError> {
        loop {
            let generations = self.store.generations().await?;
            if let Some(running) = running(&generations) {
                return Ok(status(running));
            }
            let next = generations.last().map_or(1, |last| last.number + 1);
            self.store.begin_generation(next, (self.clock)().0).await?;
        }
    }

    /// How the last one that was asked for is doing; `None` before the first.
    pub async fn rebuilding(&self) -> Result<Option<RebuildingStatus>, StoreError> {
        // The first generation is made as the log grows.
        let asked_for = |generation: &Generation| generation.number > 1;
        Ok(self.store.generations().await?.into_iter().rfind(asked_for).map(|generation| status(&generation)))
    }
}

/// The one that is being made: after the current one, which took the place of those before it.
fn running(generations: &[Generation]) -> Option<&Generation> {
    let current = generations.iter().find(|generation| generation.is_current)?.number;
    let is_open = |generation: &&Generation| generation.completed_at.is_none() && generation.error.is_none();
    generations.iter().filter(|generation| generation.number > current).find(is_open)
}

fn status(generation: &Generation) -> RebuildingStatus {
    RebuildingStatus {
        applied: generation.position,
        started_at: generation.started_at,
        completed_at: generation.completed_at,
        error: generation.error.clone(),
    }
}

impl Rebuilding {
    /// Of an index, from a log, while `leading` says so.
    pub fn new(index: Arc<AuditIndex>, feed: Arc<Feed>, leading: watch::Receiver<bool>) -> Self {
        Self { index, feed, leading }
    }

    /// Looks for something to do until `stopped` says so. What is left unfinished is gone on with later.
    pub async fn run(self, mut stopped: watch::Receiver<bool>) {
        let mut leading = self.leading.clone();
        let working = async {
            while leading.wait_for(|leads| *leads).await.is_ok() {
                tokio::select! {
                    () = self.work() => {}
                    _ = leading.wait_for(|leads| !*leads) => {}
                }
            }
        };
        tokio::select! {
            () = working => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }

    async fn work(&self) {
        loop {
            if let Err(error) = self.step().await {
                tracing::warn!(target: "audit", error = &error as &dyn std::error::Error, "the audit index is not made anew yet");
                tokio::time::sleep(PAUSE).await;
            }
            tokio::time::sleep(TICK).await;
        }
    }

    async fn step(&self) -> Result<(), StoreError> {
        let store = &self.index.store;
        let generations = store.generations().await?;
        let now = || (self.index.clock)().0;
        if let Some(current) = generations.iter().find(|generation| generation.is_current) {
            let is_over = current
                .completed_at
                .is_some_and(|at| now() > at.saturating_add(i64::try_from(GRACE.as_micros()).unwrap_or(i64::MAX)));
            if is_over && generations.iter().any(|generation| generation.number < current.number) {
                store.forget_before(current.number).await?;
            }
        }
        let Some(running) = running(&generations) else { return Ok(()) };
        match self.make(running).await {
            Err(error @ (StoreError::Damaged { .. } | StoreError::Key { .. })) => {
                tracing::error!(target: "audit", error = &error as &dyn std::error::Error, "the audit index cannot be made anew");
                store.abandon(running.number, &error.to_string(), now()).await
            }
            other => other,
        }
    }

    /// Goes on where the generation is, until it has caught up with the current one.
    async fn make(&self, generation: &Generation) -> Result<(), StoreError> {
        let index = &self.index;
        let mut reader = self.feed.reader(generation.position);
        let mut tail = Tail::after(generation.position);
        loop {
            let end = self.feed.committed();
            if tail.applied < end {
                let batch = reader.next().await?;
                for (number, record) in batch.records().iter().enumerate() {
                    if number % PART == PART - 1 {
                        tokio::task::yield_now().await;
                    }
                    if record.kind == ACCESS_RECORDED
                        && let Decoded::Access { owner, block } = index.decoded(record).await?
                    {
                        push(&mut tail, record, &owner, block.entries().map(|(json, _)| json), index.sizes.segment)?;
                    }
                    tail.applied = record.position;
                }
            }
            let has_caught_up = tail.applied >= end;
            if tail.entries >= index.sizes.tail || (has_caught_up && tail.applied > tail.stored) {
                if !index.store(generation.number, false, &tail).await? {
                    // Another process is at it, and has the lead by now.
                    return Ok(());
                }
                tail = Tail::after(tail.applied);
            } else if has_caught_up {
                // The current one is a little ahead; or this one was given up, which the next look finds out.
                tokio::time::sleep(TICK).await;
                let found = index.store.generations().await?;
                if running(&found).is_none_or(|running| running.number != generation.number) {
                    return Ok(());
                }
            }
            if has_caught_up && index.store.promote(generation.number, (index.clock)().0).await? {
                tracing::info!(target: "audit", position = tail.applied.0, "the audit index was made anew");
                return index.refresh().await;
            }
        }
    }
}
