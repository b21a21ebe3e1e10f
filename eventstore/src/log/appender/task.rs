//! The task behind the queue: takes what waits, commits it, answers.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::group::{Failure, Group, Writer};
use super::health::Health;
use super::{AppenderLimits, Job};
use crate::StoreError;
use crate::log::feed::Feed;
use crate::log::unit::{Committed, Unit};

/// What a unit weighs beside its bodies and entries.
const UNIT_BYTES: usize = 256;

type Answer = oneshot::Sender<Result<Committed, StoreError>>;

pub(super) struct Task {
    pub(super) writer: Writer,
    pub(super) feed: Arc<Feed>,
    pub(super) health: Arc<Health>,
    pub(super) limits: AppenderLimits,
}

impl Task {
    /// Runs until the queue is closed and empty.
    pub(super) async fn run(self, mut queue: mpsc::Receiver<Job>) {
        while let Some(first) = queue.recv().await {
            // What is ready to run may have more to append: requests that the last commit answered, for one.
            tokio::task::yield_now().await;
            let (units, answers) = self.gather(first, &mut queue);
            match self.writer.write(&units).await {
                Ok((head, group)) => {
                    // Others may have written before this one: readers find that in the log.
                    self.feed.reaches(head.position);
                    self.deliver(group, answers);
                }
                Err(Failure::Clean(error)) => self.fail(&error, answers),
                Err(Failure::Unknown(group, error)) => {
                    if self.settle(group, &error, answers, &mut queue).await.is_none() {
                        return;
                    }
                }
            }
        }
    }

    /// Takes `first` and whatever waits behind it, up to the limits.
    fn gather(&self, first: Job, queue: &mut mpsc::Receiver<Job>) -> (Vec<Unit>, Vec<Answer>) {
        let mut bytes = weight(&first.unit);
        let mut units = vec![first.unit];
        let mut answers = vec![first.answer];
        while units.len() < self.limits.batch_units && bytes < self.limits.batch_bytes {
            let Ok(job) = queue.try_recv() else { break };
            bytes += weight(&job.unit);
            units.push(job.unit);
            answers.push(job.answer);
        }
        (units, answers)
    }

    /// Finds out what became of a commit that failed. Until then nothing else is appended, because
    /// the revisions of the composed records hang on it. `None` if the queue was closed meanwhile.
    async fn settle(
        &self,
        group: Group,
        error: &StoreError,
        mut answers: Vec<Answer>,
        queue: &mut mpsc::Receiver<Job>,
    ) -> Option<()> {
        tracing::error!(error = error as &dyn std::error::Error, "outcome of a commit is unknown, asking the log");
        self.health.resolving();
        let committed = self.outcome(&group, &mut answers, queue).await?;
        tracing::warn!(committed, "outcome of the commit is known");
        if committed {
            self.deliver(group, answers);
        } else {
            self.writer.abandon(&group);
            self.fail(error, answers);
        }
        Some(())
    }

    /// Whether `group` was committed. Waiters that have waited long enough are answered and taken
    /// out of `answers`; from then on, so is who comes.
    async fn outcome(&self, group: &Group, answers: &mut Vec<Answer>, queue: &mut mpsc::Receiver<Job>) -> Option<bool> {
        let mut resolving = std::pin::pin!(self.writer.resolve(group));
        if let Ok(committed) = timeout(self.limits.resolve, &mut resolving).await {
            return Some(committed);
        }
        for answer in answers.drain(..) {
            // Who does not wait any more does not mind.
            let _ = answer.send(Err(StoreError::Undecided));
        }
        loop {
            tokio::select! {
                biased;
                committed = &mut resolving => return Some(committed),
                job = queue.recv() => refuse(job?.answer),
            }
        }
    }

    /// Hands a committed group to the feed, then answers.
    fn deliver(&self, mut group: Group, answers: Vec<Answer>) {
        if let Some(last) = group.records.last() {
            let accepted = group.answers.iter().filter(|answer| answer.is_ok()).count();
            metrics::histogram!("scaivault_log_batch_size").record(accepted as f64);
            metrics::gauge!("scaivault_log_position").set(last.position.0 as f64);
        }
        self.health.succeeded();
        self.feed.publish(group.batch());
        for (answer, outcome) in answers.into_iter().zip(group.answers) {
            // Who does not wait any more does not mind.
            let _ = answer.send(outcome);
        }
    }

    fn fail(&self, error: &StoreError, answers: Vec<Answer>) {
        if self.health.failed(error) {
            tracing::error!(error = error as &dyn std::error::Error, "cannot append to the log");
        }
        for answer in answers {
            // Being sealed is not a failure of the database: callers tell it apart.
            let again = if matches!(error, StoreError::Sealed) { StoreError::Sealed } else { unavailable() };
            let _ = answer.send(Err(again));
        }
    }
}

fn refuse(answer: Answer) {
    let _ = answer.send(Err(unavailable()));
}

/// The cause is logged once, not handed to each waiter.
fn unavailable() -> StoreError {
    StoreError::Unavailable(None)
}

pub(super) fn weight(unit: &Unit) -> usize {
    let records: usize = unit.records.iter().map(|record| UNIT_BYTES + record.body.len()).sum();
    let entries: usize = unit.entries.iter().map(|entry| entry.json.len()).sum();
    UNIT_BYTES + records + entries
}
