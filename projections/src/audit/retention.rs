//! Which entries have been kept long enough, and the index without them.

use scaivault_domain::{Owner, Timestamp};
use scaivault_eventstore::{Position, StoreError};

use super::filter::Filter;
use super::index::AuditIndex;
use super::page::Order;
use crate::owners::key_owner;

impl AuditIndex {
    /// The first records after `after` with entries of `owner`, all of them from before `cutoff`, up to the first that
    /// has a later one; at most `limit`.
    pub async fn older_than(
        &self,
        owner: &Owner,
        after: Position,
        cutoff: Timestamp,
        limit: usize,
    ) -> Result<Vec<Position>, StoreError> {
        let everything = Filter::default();
        let positions = (after.next(), Position(u64::MAX));
        let mut scan = self.scan(owner, &everything, positions, Order::OldestFirst).await?;
        let mut old: Vec<Position> = Vec::new();
        while let Some(part) = scan.next().await? {
            for row in part.rows.clone() {
                let position = part.segment.place(row).position;
                let is_new = part.segment.at(row) >= cutoff;
                if is_new || (old.len() >= limit && old.last() != Some(&position)) {
                    // A record stays as long as any of its entries.
                    old.retain(|other| !is_new || *other != position);
                    return Ok(old);
                }
                if old.last() != Some(&position) {
                    old.push(position);
                }
            }
        }
        Ok(old)
    }

    /// Forgets entries of `owner` up to `last`, which are erased.
    pub async fn forget(&self, owner: &Owner, last: Position) -> Result<(), StoreError> {
        self.store.prune(&key_owner(owner), last).await.map(drop)
    }
}
