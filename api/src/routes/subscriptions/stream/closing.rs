//! That a stream has closed is recorded, however it came about: also if its client just goes away.

use std::sync::Arc;

use scaivault_commands::subscription::acknowledgement::finished;
use scaivault_commands::{Engine, EntryDraft, Failure};
use scaivault_domain::id::SubscriptionId;
use tokio::runtime::Handle;

/// The entry that is still to be made.
pub(super) struct Closing {
    engine: Arc<Engine>,
    id: SubscriptionId,
    /// `None` once it is made.
    entry: Option<Box<EntryDraft>>,
    sent: usize,
}

impl Closing {
    /// Of a stream that `entry` has opened.
    pub(super) fn new(engine: Arc<Engine>, id: SubscriptionId, entry: &EntryDraft) -> Self {
        Self { engine, id, entry: Some(Box::new(entry.clone())), sent: 0 }
    }

    /// So many events more were sent.
    pub(super) fn count(&mut self, sent: usize) {
        self.sent += sent;
    }

    /// Records it now.
    pub(super) async fn record(&mut self) {
        if let Some(work) = self.work() {
            work.await;
        }
    }

    fn work(&mut self) -> Option<impl Future<Output = ()> + use<>> {
        let mut entry = self.entry.take()?;
        let (engine, id, sent) = (self.engine.clone(), self.id.clone(), self.sent);
        entry.arrived_at = engine.now();
        Some(async move {
            let recorded = async {
                let entry = finished(&entry, &id, sent)?;
                engine.record(vec![entry]).await
            };
            if let Err(failure) = recorded.await {
                tell(&failure, &id);
            }
        })
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if let (Some(work), Ok(runtime)) = (self.work(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

fn tell(failure: &Failure, id: &SubscriptionId) {
    let error = failure as &dyn std::error::Error;
    tracing::error!(target: "audit", error, subscription_id = id.as_str(), "that a stream closed could not be recorded");
}
