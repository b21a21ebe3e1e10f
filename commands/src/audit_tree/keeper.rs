//! The process that keeps the tree: every second, if records arrived, it completes tiles and signs a
//! checkpoint.
//!
//! Takes no input, and may be killed anywhere: the next round, here or on another node, goes on. A second
//! keeper is harmless.

use std::sync::Arc;
use std::time::Duration;

use scaivault_eventstore::StoreError;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::AuditTree;

/// Between checkpoints while records arrive.
const TICK: Duration = Duration::from_secs(1);
/// Before another look at a tree that does not hold.
const DAMAGED: Duration = Duration::from_secs(60);
/// How long the last checkpoint of a process may take.
const LAST: Duration = Duration::from_secs(2);

impl AuditTree {
    /// Keeps the tree until `stop` says so.
    pub async fn keep(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let keeping = async {
            let mut ticks = interval(TICK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let (mut kept, mut is_failing) = (0, false);
            loop {
                ticks.tick().await;
                match self.keep_once(kept).await {
                    Ok(size) => (kept, is_failing) = (size, false),
                    Err(error @ StoreError::Damaged { .. }) => {
                        self.engine.projections.note_damage(&error);
                        sleep(DAMAGED).await;
                    }
                    // Told once, not every second.
                    Err(error) if !std::mem::replace(&mut is_failing, true) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(target: "tree", error, "no checkpoint could be kept; it is tried again");
                    }
                    Err(_) => {}
                }
            }
        };
        // What is under way is atomic: leaving it at any point is fine.
        tokio::select! {
            () = keeping => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Keeps a checkpoint of what the last records of this process were. It was the leader so far.
    pub async fn keep_last(&self) {
        match timeout(LAST, self.keep_once(0)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(target: "tree", error, "the last records are not in a checkpoint yet");
            }
            Err(_) => tracing::warn!(target: "tree", "the last records are not in a checkpoint yet: no time was left"),
        }
    }

    /// Keeps what has been folded since the tree had `kept` records; returns how many it has now.
    async fn keep_once(&self, kept: u64) -> Result<u64, StoreError> {
        let view = self.engine.projections.view();
        if view.tree.size() > kept {
            self.notary.keep(&view.tree, self.now()).await?;
        }
        Ok(view.tree.size())
    }
}
