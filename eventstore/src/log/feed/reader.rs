//! One reader of the feed and its place in the log.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};

use super::{Batch, Feed};
use crate::{Position, StoreError};

/// Records read from the log at once.
const PAGE: usize = 2000;

/// Waits between attempts to read a log that is not available.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LONGEST: Duration = Duration::from_secs(5);

/// Yields every record after its start exactly once, in order, without holes. Whether what comes
/// from the log fits its digests is for whoever opens it to check.
pub struct FeedReader {
    feed: Arc<Feed>,
    next: Position,
    batches: broadcast::Receiver<Batch>,
    reach: watch::Receiver<Position>,
    /// A batch from the feed that lies ahead of `next`: the log has what is between.
    ahead: Option<Batch>,
    /// The log may have more than what was read.
    behind: bool,
}

impl FeedReader {
    pub(super) fn new(feed: Arc<Feed>, after: Position) -> Self {
        // Subscribed before the log is read: what is committed in between is in both, not in none.
        let batches = feed.batches.subscribe();
        let reach = feed.reach.subscribe();
        Self { feed, next: after.next(), batches, reach, ahead: None, behind: true }
    }

    /// The position that will be yielded next.
    pub fn position(&self) -> Position {
        self.next
    }

    /// The next records, as soon as there are any.
    ///
    /// While the database is away it waits and tries again; [`StoreError::Damaged`] is final.
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Batch, StoreError> {
        loop {
            if let Some(batch) = self.take_fitting() {
                return Ok(self.yielded(batch));
            }
            if self.behind {
                let limit = match self.ahead.as_ref().and_then(Batch::first) {
                    Some(first) => usize::try_from(first.0 - self.next.0).unwrap_or(PAGE).min(PAGE),
                    None => PAGE,
                };
                let reach = *self.reach.borrow();
                let page = self.read(limit).await?;
                if page.is_empty() && reach >= self.next {
                    return Err(StoreError::damaged(self.next, format!("the log ends here, not at {reach}")));
                }
                // A page may have a successor if it is full, or was cut short because it is large; after
                // any other the feed has the rest.
                let is_cut = page.last().is_some_and(|last| last < self.feed.committed());
                self.behind = (page.len() == limit || is_cut) && self.ahead.is_none();
                if !page.is_empty() {
                    return Ok(self.yielded(page));
                }
                continue;
            }
            self.wait().await?;
        }
    }

    /// Takes batches of the feed while they are there, until one fits or lies ahead.
    fn take_fitting(&mut self) -> Option<Batch> {
        loop {
            let batch = match self.ahead.take() {
                Some(batch) => batch,
                None => match self.batches.try_recv() {
                    Ok(batch) => batch,
                    Err(TryRecvError::Lagged(_)) => {
                        self.behind = true;
                        continue;
                    }
                    Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
                },
            };
            let batch = batch.starting_at(self.next);
            match batch.first() {
                None => {}
                Some(first) if first == self.next => return Some(batch),
                Some(_) => {
                    self.ahead = Some(batch);
                    self.behind = true;
                    return None;
                }
            }
        }
    }

    /// Waits until the feed has a batch, or the log is known to reach further.
    async fn wait(&mut self) -> Result<(), StoreError> {
        let next = self.next;
        tokio::select! {
            // What this process wrote is usually in the feed before a poll sees it in the log.
            biased;
            batch = self.batches.recv() => match batch {
                Ok(batch) => self.ahead = Some(batch),
                Err(RecvError::Lagged(_)) => self.behind = true,
                // The feed is held by this reader, so it is never closed.
                Err(RecvError::Closed) => return Err(StoreError::Unavailable(None)),
            },
            reached = self.reach.wait_for(|reach| *reach >= next) => match reached {
                Ok(_) => self.behind = true,
                Err(_) => return Err(StoreError::Unavailable(None)),
            },
        }
        Ok(())
    }

    async fn read(&self, limit: usize) -> Result<Batch, StoreError> {
        let after = Position(self.next.0.saturating_sub(1));
        let mut pause = RETRY_FIRST;
        loop {
            match self.feed.backend.read(after, limit).await {
                Ok(records) => {
                    let page = Batch::read(records);
                    if let Some(last) = page.last() {
                        self.feed.reaches(last);
                    }
                    return Ok(page);
                }
                Err(error @ StoreError::Unavailable(_)) => {
                    if pause == RETRY_FIRST {
                        tracing::warn!(error = &error as &dyn std::error::Error, "cannot read the log, trying again");
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(RETRY_LONGEST);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn yielded(&mut self, batch: Batch) -> Batch {
        if let Some(last) = batch.last() {
            self.next = last.next();
        }
        batch
    }
}
