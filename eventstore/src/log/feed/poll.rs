//! Looks at the end of a log that other processes write too.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Feed;

/// Bounds how late a node without other news sees the writes of others.
const EVERY: Duration = Duration::from_millis(200);

/// Polls until the feed is gone.
pub(super) fn spawn(feed: &Arc<Feed>) {
    let feed: Weak<Feed> = Arc::downgrade(feed);
    #[allow(clippy::disallowed_methods, reason = "the feed owns it: it ends with the last handle")]
    tokio::spawn(async move {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            ticks.tick().await;
            let Some(feed) = feed.upgrade() else { return };
            match feed.backend.head().await {
                Ok(head) => {
                    failing = false;
                    feed.reaches(head.position);
                }
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot poll the log");
                }
                Err(_) => {}
            }
        }
    });
}
