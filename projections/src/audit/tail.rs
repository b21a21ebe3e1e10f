//! What came after the last position of the stored index: in memory, until it is stored.

use std::collections::HashMap;
use std::sync::Arc;

use scaivault_domain::Owner;
use scaivault_eventstore::Position;

use super::entry::IndexedEntry;
use super::segment::{Place, Segment};

/// The entries after a position, by owner, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    /// Up to which position everything is stored.
    pub(super) stored: Position,
    /// Up to which position everything is here.
    pub(super) applied: Position,
    /// How many entries there are.
    pub(super) entries: usize,
    segments: HashMap<Owner, Vec<Arc<Segment>>>,
}

impl Tail {
    /// Nothing after `stored`.
    pub(super) fn after(stored: Position) -> Self {
        Self { stored, applied: stored, ..Self::default() }
    }

    /// Adds an entry, where `most` is what a segment may have.
    pub(super) fn push(&mut self, owner: &Owner, place: Place, entry: &IndexedEntry<'_>, most: usize) {
        let of_owner = match self.segments.get_mut(owner) {
            Some(of_owner) => of_owner,
            None => self.segments.entry(owner.clone()).or_default(),
        };
        if of_owner.last().is_none_or(|last| last.is_whole(most)) {
            of_owner.push(Arc::default());
        }
        if let Some(last) = of_owner.last_mut() {
            // Copied if a search is looking at it.
            Arc::make_mut(last).push(place, entry);
            self.entries += 1;
        }
    }

    /// The entries of an owner, in order.
    pub(super) fn of(&self, owner: &Owner) -> Vec<Arc<Segment>> {
        self.segments.get(owner).cloned().unwrap_or_default()
    }

    /// All entries.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Owner, &[Arc<Segment>])> {
        self.segments.iter().map(|(owner, segments)| (owner, segments.as_slice()))
    }

    /// Forgets entries of an owner up to `last`, where `most` is what a segment may have.
    pub(super) fn forget(&mut self, owner: &Owner, last: Position, most: usize) {
        let Some(of_owner) = self.segments.remove(owner) else { return };
        let mut left: Vec<Arc<Segment>> = Vec::new();
        for segment in of_owner {
            for row in segment.rows_up_to(last)..segment.len() {
                if left.last().is_none_or(|open| open.is_whole(most)) {
                    left.push(Arc::default());
                }
                if let Some(open) = left.last_mut() {
                    Arc::make_mut(open).push_row(&segment, row);
                }
            }
        }
        if !left.is_empty() {
            self.segments.insert(owner.clone(), left);
        }
        self.entries = self.segments.values().flatten().map(|segment| segment.len()).sum();
    }

    /// Notes that another process has stored everything up to `stored`, which makes that much of this superfluous.
    pub(super) fn stored_up_to(&mut self, stored: Position) {
        self.stored = stored;
        self.applied = self.applied.max(stored);
        for segments in self.segments.values_mut() {
            segments.retain(|segment| segment.ends().is_some_and(|(_, last)| last.position > stored));
        }
        self.segments.retain(|_, segments| !segments.is_empty());
        self.entries = self.segments.values().flatten().map(|segment| segment.len()).sum();
    }
}
