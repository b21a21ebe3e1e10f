//! Looks at the end of a log that other processes write too.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Feed;

/// Bounds how late a node without other news sees the writes of others.
const EVERY: Duration = Duration::from_millis(200);
/// The same while the bus brings news, for what gets lost on the way without a sign.
const EVERY_WHILE_FED: Duration = Duration::from_millis(500);
/// Least time between two looks, however many ask for one.
const GAP: Duration = Duration::from_millis(5);

/// Polls until the feed is gone.
pub(super) fn spawn(feed: &Arc<Feed>) {
    let feed: Weak<Feed> = Arc::downgrade(feed);
    #[allow(clippy::disallowed_methods, reason = "the feed owns it: it ends with the last handle")]
    tokio::spawn(async move {
        let mut failing = false;
        loop {
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
            sleep(GAP).await;
            let pause = if feed.fed.load(Ordering::Acquire) { EVERY_WHILE_FED } else { EVERY };
            // Who asks for a look while nobody waits here is heard at once.
            let _ = timeout(pause, feed.looks.notified()).await;
        }
    });
}
