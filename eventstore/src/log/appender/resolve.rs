//! What became of a commit that failed: decided by reading, never by sending it again.

use std::time::Duration;

use super::group::{Group, Writer};
use crate::StoreError;

const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LONGEST: Duration = Duration::from_secs(1);

impl Writer {
    /// Whether `group` is in the log. Tries until the log can be asked.
    pub(super) async fn resolve(&self, group: &Group) -> bool {
        let mut pause = RETRY_FIRST;
        loop {
            match self.look(group).await {
                Ok(found) => return found,
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "outcome of a commit not known yet");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_LONGEST);
        }
    }

    /// Taking the head waits for the old transaction to end, one way or the other. An append in one
    /// step may not even have begun: what is not in the log is kept out of it for good.
    async fn look(&self, group: &Group) -> Result<bool, StoreError> {
        // Without records there is only destruction of keys, which the caller repeats.
        let Some(first) = group.records.first() else { return Ok(false) };
        let mut tx = self.backend.begin().await?;
        let found = tx.leaf_at(first.position).await? == Some(first.leaf_hash);
        if !found {
            tx.fence().await?;
            tx.commit().await?;
        }
        Ok(found)
    }
}
