//! Which entries have been kept long enough, and the index without them.

use scaivault_domain::{Owner, Timestamp};
use scaivault_eventstore::log::SegmentRange;
use scaivault_eventstore::{Position, StoreError};

use super::filter::Filter;
use super::index::AuditIndex;
use super::page::Order;
use super::sealed;
use super::segment::Segment;
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

    /// Forgets entries of `owner` up to `last`, which are erased: also in memory, and in segments that go on after it.
    pub async fn forget(&self, owner: &Owner, last: Position) -> Result<(), StoreError> {
        let _alone = self.storing.lock().await;
        let generation = {
            let mut state = self.state.write();
            state.tail.forget(owner, last, self.sizes.segment);
            state.generation
        };
        let owner = key_owner(owner);
        self.store.prune(&owner, last).await?;
        let range = SegmentRange { positions: (Position::START, last), ..SegmentRange::all(generation, &owner) };
        let mut rewritten = Vec::new();
        for header in self.store.headers(range).await? {
            let Some(segment) = self.segment(generation, &header).await? else { continue };
            let mut left = Segment::default();
            (segment.rows_up_to(last)..segment.len()).for_each(|row| left.push_row(&segment, row));
            rewritten.extend(sealed::seal(&self.sealer, generation, &owner, header.number, &left)?);
        }
        if rewritten.is_empty() {
            return Ok(());
        }
        let generations = self.store.generations().await?;
        let Some(current) = generations.iter().find(|found| found.is_current && found.number == generation) else {
            // Made anew, or about to be: without them.
            return Ok(());
        };
        self.store.advance(generation, true, (current.position, current.position), &rewritten).await.map(drop)
    }
}
