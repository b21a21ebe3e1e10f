//! The task that keeps the index up with the log, and the leader's part in it: to store what came.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scaivault_domain::Owner;
use scaivault_eventstore::log::{Batch, EntryGroup, Feed};
use scaivault_eventstore::sealing::access::ACCESS_RECORDED;
use scaivault_eventstore::{Owner as KeyOwner, Record, StoreError};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::entry::IndexedEntry;
use super::index::AuditIndex;
use super::segment::Place;
use super::tail::Tail;
use crate::decode::{Decoded, decode};
use crate::owners::domain_owner;

/// How long fewer stay in memory: a start reads them from the log again.
const STORED_AFTER: Duration = Duration::from_secs(60);
/// How long after a failure the log is followed again.
const ANEW_AFTER: Duration = Duration::from_secs(10);
/// The shortest time between two attempts.
const TRIED_AGAIN: Duration = Duration::from_millis(200);
/// How often it is looked whether there is something to do.
const TICK: Duration = Duration::from_secs(1);
/// Records taken up without a break.
pub(super) const PART: usize = 64;
/// Between attempts to reach a database that is away.
const PAUSE: Duration = Duration::from_secs(1);

/// Follows the log.
pub struct Follower {
    index: Arc<AuditIndex>,
    feed: Arc<Feed>,
    leading: watch::Receiver<bool>,
}

impl Follower {
    /// Of an index, from a log, storing what came while `leading` says so.
    pub fn new(index: Arc<AuditIndex>, feed: Arc<Feed>, leading: watch::Receiver<bool>) -> Self {
        Self { index, feed, leading }
    }

    /// Follows until `stopped` says so. What is in memory then is stored, or read again at the next start.
    pub async fn run(self, mut stopped: watch::Receiver<bool>) {
        let following = async {
            loop {
                let error = self.follow().await;
                tracing::error!(target: "audit", error = &error as &dyn std::error::Error, "the audit index has stopped; it begins anew");
                tokio::time::sleep(ANEW_AFTER).await;
                let mut state = self.index.state.write();
                state.tail = Tail::after(state.tail.stored);
                self.index.begins_at(state.tail.stored);
            }
        };
        tokio::select! {
            () = following => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
        if *self.leading.borrow()
            && let Err(error) = self.index.store_tail().await
        {
            tracing::warn!(target: "audit", error = &error as &dyn std::error::Error, "the audit index was not stored");
        }
    }

    async fn follow(&self) -> StoreError {
        let start = || {
            let state = self.index.state.read();
            (self.feed.reader(state.tail.applied), state.restarts)
        };
        let (mut reader, mut restarts) = start();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut stored_at, mut tried_at) = (Instant::now(), None::<Instant>);
        // Beside the following: what comes meanwhile is found all the same.
        let mut storing = JoinSet::new();
        loop {
            tokio::select! {
                batch = reader.next() => match batch {
                    Err(error) => return error,
                    Ok(batch) => {
                        if let Err(error) = self.index.take(&batch).await {
                            return error;
                        }
                    }
                },
                Some(stored) = storing.join_next() => match stored {
                    Ok(Ok(())) => stored_at = Instant::now(),
                    // Tried again soon.
                    Ok(Err(StoreError::Unavailable(_))) => {}
                    Ok(Err(error)) => return error,
                    Err(error) => return StoreError::unavailable(error),
                },
                _ = ticks.tick() => {}
            }
            let (entries, present) = {
                let state = self.index.state.read();
                (state.tail.entries, state.restarts)
            };
            if present != restarts {
                (reader, restarts) = start();
            }
            self.show_lag();
            let is_due = entries >= self.index.sizes.tail || (entries > 0 && stored_at.elapsed() >= STORED_AFTER);
            // Who does not lead waits for the leader to have done it.
            if is_due && storing.is_empty() && tried_at.is_none_or(|tried_at| tried_at.elapsed() >= TRIED_AGAIN) {
                tried_at = Some(Instant::now());
                let (index, leads) = (self.index.clone(), *self.leading.borrow());
                storing.spawn(async move { if leads { index.store_tail().await } else { index.refresh().await } });
            }
        }
    }

    fn show_lag(&self) {
        let behind = self.feed.committed().0.saturating_sub(self.index.applied().0);
        #[allow(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!("scaivault_projection_lag_events", "projection" => "audit").set(behind as f64);
    }
}

impl AuditIndex {
    /// Takes the entries of records that follow.
    async fn take(&self, batch: &Batch) -> Result<(), StoreError> {
        for (index, record) in batch.records().iter().enumerate() {
            if index % PART == PART - 1 {
                // There may be much of the past, and others have something to do as well.
                tokio::task::yield_now().await;
            }
            // Another process may have stored it meanwhile.
            if record.position <= self.state.read().tail.applied {
                continue;
            }
            if record.kind == ACCESS_RECORDED {
                // What was to be sealed under a key that is gone was sealed under another one.
                let is_sealed_so = |group: &&EntryGroup| !self.sealer.keyring().is_destroyed(&group.owner);
                let entries = batch.entries(index).filter(is_sealed_so);
                let taken = match entries {
                    Some(group) => {
                        let owner = owner_of(record, &group.owner)?;
                        let lines = group.entries.iter().map(|entry| entry.json.as_ref());
                        push(&mut self.state.write().tail, record, &owner, lines, self.sizes.segment)
                    }
                    None => match self.decoded(record).await? {
                        Decoded::Access { owner, block } => {
                            let lines = block.entries().map(|(json, _)| json);
                            push(&mut self.state.write().tail, record, &owner, lines, self.sizes.segment)
                        }
                        Decoded::Erased | Decoded::ErasedEntries { .. } | Decoded::Event { .. } => Ok(()),
                    },
                };
                taken?;
            }
            let mut state = self.state.write();
            state.tail.applied = record.position.max(state.tail.applied);
        }
        if let Some(last) = batch.last() {
            self.applies(last);
        }
        Ok(())
    }

    /// Opens a record; another process may have made its key since.
    pub(super) async fn decoded(&self, record: &Record) -> Result<Decoded, StoreError> {
        if let Ok(decoded) = decode(&self.sealer, record) {
            return Ok(decoded);
        }
        while let Err(error) = self.sealer.keyring().refresh().await {
            if !matches!(error, StoreError::Unavailable(_)) {
                return Err(error);
            }
            tokio::time::sleep(PAUSE).await;
        }
        decode(&self.sealer, record)
    }
}

/// Adds the entries of a record, where `most` is what a segment may have.
pub(super) fn push<'e>(
    tail: &mut Tail,
    record: &Record,
    owner: &Owner,
    lines: impl Iterator<Item = &'e str>,
    most: usize,
) -> Result<(), StoreError> {
    for (index, line) in (0..).zip(lines) {
        let malformed = |error| StoreError::damaged(record.position, format!("an entry is malformed: {error}"));
        let entry: IndexedEntry<'_> = serde_json::from_str(line).map_err(malformed)?;
        tail.push(owner, Place { position: record.position, index }, &entry, most);
    }
    Ok(())
}

fn owner_of(record: &Record, owner: &KeyOwner) -> Result<Owner, StoreError> {
    domain_owner(owner).ok_or_else(|| StoreError::damaged(record.position, "its owner's id has another shape"))
}
