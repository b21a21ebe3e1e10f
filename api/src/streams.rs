//! Streams of events that this node has open, by subscription: so many and no more.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use scaivault_domain::Owner;
use scaivault_domain::id::SubscriptionId;

/// Most of one subscription.
pub const MOST: usize = 5;
/// Most of one tenant: connections of a node are for all of them.
pub const MOST_OF_TENANT: usize = 4_000;

/// How many are open.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<Open>>);

#[derive(Default)]
struct Open {
    subscriptions: HashMap<SubscriptionId, usize>,
    tenants: HashMap<Owner, usize>,
}

/// The place of one, as long as it is open.
pub struct Slot {
    streams: Streams,
    tenant: Owner,
    id: SubscriptionId,
}

impl Streams {
    /// A place for one more, if there is one.
    pub fn open(&self, tenant: &Owner, id: &SubscriptionId) -> Option<Slot> {
        let mut open = self.0.lock();
        let of_tenant = open.tenants.get(tenant).copied().unwrap_or_default();
        let count = open.subscriptions.get(id).copied().unwrap_or_default();
        if count >= MOST || of_tenant >= MOST_OF_TENANT {
            return None;
        }
        open.subscriptions.insert(id.clone(), count + 1);
        open.tenants.insert(tenant.clone(), of_tenant + 1);
        Some(Slot { streams: self.clone(), tenant: tenant.clone(), id: id.clone() })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock();
        let Open { subscriptions, tenants } = &mut *open;
        give_back(subscriptions, &self.id);
        give_back(tenants, &self.tenant);
    }
}

fn give_back<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn places_are_given_back() {
        let streams = Streams::default();
        let id = SubscriptionId::parse("sub_01JX5XK1M3P5R7T9V1X3Z5B7D9").unwrap();
        let tenant = Owner::Platform;
        let mut slots: Vec<_> = (0..MOST).map(|_| streams.open(&tenant, &id).unwrap()).collect();
        assert!(streams.open(&tenant, &id).is_none());
        slots.pop();
        assert!(streams.open(&tenant, &id).is_some());
        slots.clear();
        let open = streams.0.lock();
        assert!(open.subscriptions.is_empty() && open.tenants.is_empty());
    }
}
