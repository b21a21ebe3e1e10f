//! Who is woken when something has come for a recipient: watchers of a subscription, and whoever pushes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use scaivault_domain::delivery::Recipient;
use scaivault_domain::id::SubscriptionId;
use tokio::sync::Notify;

/// Wakes those who wait.
#[derive(Default)]
pub struct Bells {
    watchers: Mutex<HashMap<SubscriptionId, Arc<Notify>>>,
    changed: Mutex<HashSet<Recipient>>,
    pushing: Notify,
}

/// Waits for events of a subscription.
pub struct Watcher {
    bells: Arc<Bells>,
    id: SubscriptionId,
    notify: Arc<Notify>,
}

impl Bells {
    /// Somebody who waits for what comes for a subscription. What comes after this call wakes it.
    pub fn watch(self: &Arc<Self>, id: &SubscriptionId) -> Watcher {
        let notify = self.watchers.lock().entry(id.clone()).or_default().clone();
        Watcher { bells: self.clone(), id: id.clone(), notify }
    }

    /// Waits until queues of what is pushed change, and tells whose did. One task asks.
    pub async fn changed(&self) -> HashSet<Recipient> {
        loop {
            let changed = std::mem::take(&mut *self.changed.lock());
            if !changed.is_empty() {
                return changed;
            }
            self.pushing.notified().await;
        }
    }

    pub(crate) fn ring(&self, changed: HashSet<Recipient>) {
        if changed.is_empty() {
            return;
        }
        {
            let watchers = self.watchers.lock();
            for to in &changed {
                if let Recipient::Subscription(id) = to
                    && let Some(notify) = watchers.get(id)
                {
                    notify.notify_waiters();
                }
            }
        }
        self.changed.lock().extend(changed);
        self.pushing.notify_one();
    }
}

impl Watcher {
    /// To be made before looking whether there is something, and waited for afterwards.
    pub fn rung(&self) -> tokio::sync::futures::OwnedNotified {
        self.notify.clone().notified_owned()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut watchers = self.bells.watchers.lock();
        // This one and the table.
        if Arc::strong_count(&self.notify) <= 2 {
            watchers.remove(&self.id);
        }
    }
}
