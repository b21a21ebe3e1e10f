//! What is in memory, stored: sealed in segments, with the position up to which the index goes by then.

use std::sync::Arc;

use scaivault_eventstore::log::{Segment as Stored, SegmentRange};
use scaivault_eventstore::sealing::Sealer;
use scaivault_eventstore::{Owner as KeyOwner, Position, StoreError};

use super::index::AuditIndex;
use super::sealed;
use super::segment::Segment;
use super::tail::Tail;
use crate::owners::key_owner;

impl AuditIndex {
    /// Stores what is in memory.
    pub(super) async fn store_tail(&self) -> Result<(), StoreError> {
        let _alone = self.storing.lock().await;
        let (generation, tail) = {
            let state = self.state.read();
            (state.generation, state.tail.clone())
        };
        if self.store(generation, true, &tail).await? {
            let mut state = self.state.write();
            if state.generation == generation {
                state.tail.stored_up_to(tail.applied);
            }
            return Ok(());
        }
        // Another process has stored something, or made the index anew.
        self.refresh().await
    }

    /// Stores entries in a generation. `false` if it is not where they begin, or not what it is taken for.
    pub(super) async fn store(&self, generation: u64, is_current: bool, tail: &Tail) -> Result<bool, StoreError> {
        if tail.applied <= tail.stored {
            return Ok(true);
        }
        let mut segments = Vec::new();
        for (owner, of_owner) in tail.all() {
            let owner = key_owner(owner);
            // Nobody can read what is sealed under a key that is gone.
            if self.sealer.keyring().is_destroyed(&owner) {
                continue;
            }
            match self.packed(generation, &owner, of_owner, tail.stored).await {
                Ok(packed) => segments.extend(packed),
                // It went while this was done, here or by another process.
                Err(StoreError::Key { .. }) if self.is_gone(&owner).await? => {}
                Err(error) => return Err(error),
            }
        }
        self.store.advance(generation, is_current, (tail.stored, tail.applied), &segments).await
    }

    /// Whether the key of an owner has been destroyed, as the database says.
    async fn is_gone(&self, owner: &KeyOwner) -> Result<bool, StoreError> {
        self.sealer.keyring().refresh().await?;
        Ok(self.sealer.keyring().is_destroyed(owner))
    }

    /// The entries of an owner after `stored`, sealed.
    async fn packed(
        &self,
        generation: u64,
        owner: &KeyOwner,
        from: &[Arc<Segment>],
        stored: Position,
    ) -> Result<Vec<Stored>, StoreError> {
        let last = self.store.headers(SegmentRange::last(generation, owner)).await?.pop();
        let open = match &last {
            Some(last) => self.segment(generation, last).await?.unwrap_or_default(),
            None => Arc::default(),
        };
        let packing = Packing {
            sealer: self.sealer.clone(),
            generation,
            owner: owner.clone(),
            number: last.map_or(1, |last| last.number),
            open,
            most: self.sizes.segment,
        };
        let from = from.to_vec();
        // It takes some milliseconds, which others must not wait for.
        let packed = tokio::task::spawn_blocking(move || packing.run(&from, stored)).await;
        packed.map_err(StoreError::unavailable)?
    }
}

/// Entries of an owner on their way into sealed segments.
struct Packing {
    sealer: Sealer,
    generation: u64,
    owner: KeyOwner,
    /// The last stored segment, which few may still join.
    number: u64,
    open: Arc<Segment>,
    most: usize,
}

impl Packing {
    /// Seals the entries after `stored`.
    fn run(mut self, from: &[Arc<Segment>], stored: Position) -> Result<Vec<Stored>, StoreError> {
        let mut is_changed = false;
        let mut sealed = Vec::new();
        for segment in from {
            let rows = segment.rows_up_to(stored)..segment.len();
            if rows.is_empty() {
                continue;
            }
            if !self.open.is_empty() && !self.open.has_room_for(segment, rows.len(), self.most) {
                if is_changed {
                    sealed.extend(self.seal()?);
                }
                self.open = Arc::default();
                self.number += 1;
            }
            match self.open.is_empty() && rows.start == 0 {
                true => self.open = segment.clone(),
                false => {
                    let open = Arc::make_mut(&mut self.open);
                    rows.for_each(|row| open.push_row(segment, row));
                }
            }
            is_changed = true;
        }
        if is_changed {
            sealed.extend(self.seal()?);
        }
        Ok(sealed)
    }

    fn seal(&self) -> Result<Option<Stored>, StoreError> {
        sealed::seal(&self.sealer, self.generation, &self.owner, self.number, &self.open)
    }
}
