//! Views of the past that are kept for a while.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scaivault_domain::access::Target;
use scaivault_eventstore::Position;

use crate::View;

/// Of one owner at most: nobody drives out those of others.
const OF_OWNER: usize = 3;
/// Of all.
const OF_ALL: usize = 12;
/// For how long after somebody last asked for one.
const IDLE: Duration = Duration::from_secs(600);

/// One of them.
pub(super) struct Kept {
    /// Whose.
    pub(super) target: Target,
    pub(super) view: Arc<View>,
    pub(super) asked_at: Instant,
    /// Tenants that were gone when it was folded: what is destroyed must not live on here.
    pub(super) shredded: usize,
}

/// All of them.
#[derive(Default)]
pub(super) struct Shelf {
    kept: Vec<Kept>,
}

impl Shelf {
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Leaves what nobody has asked for in a while, and what is from when fewer tenants were gone.
    pub(super) fn sort_out(&mut self, shredded: usize) {
        self.kept.retain(|kept| kept.shredded == shredded && kept.asked_at.elapsed() < IDLE);
    }

    /// The view as of a position.
    pub(super) fn at(&mut self, target: &Target, position: Position, shredded: usize) -> Option<Arc<View>> {
        self.sort_out(shredded);
        let found = self.kept.iter_mut().find(|kept| kept.target == *target && kept.view.applied == position)?;
        found.asked_at = Instant::now();
        Some(found.view.clone())
    }

    /// The latest one that is not after a position.
    pub(super) fn earlier(&self, target: &Target, position: Position, shredded: usize) -> Option<Arc<View>> {
        let of_target = self.kept.iter().filter(|kept| kept.target == *target && kept.shredded == shredded);
        let views = of_target.map(|kept| &kept.view).filter(|view| view.applied <= position);
        views.max_by_key(|view| view.applied).cloned()
    }

    /// Keeps a new one. The one that was not asked for the longest makes room, first of the same owner's.
    pub(super) fn keep(&mut self, new: Kept) {
        let is_of_owner = |kept: &Kept| kept.target.owner == new.target.owner;
        if self.kept.iter().filter(|kept| is_of_owner(kept)).count() >= OF_OWNER {
            self.make_room(is_of_owner);
        } else if self.kept.len() >= OF_ALL {
            self.make_room(|_| true);
        }
        self.kept.push(new);
    }

    fn make_room(&mut self, among: impl Fn(&Kept) -> bool) {
        let mine = self.kept.iter().enumerate().filter(|(_, kept)| among(kept));
        if let Some((longest_unasked, _)) = mine.min_by_key(|(_, kept)| kept.asked_at) {
            self.kept.swap_remove(longest_unasked);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::field_reassign_with_default)]
    use std::sync::Arc;
    use std::time::Instant;

    use scaivault_domain::access::Target;
    use scaivault_domain::{Owner, TenantId};
    use scaivault_eventstore::Position;

    use super::{Kept, OF_ALL, OF_OWNER, Shelf};
    use crate::View;

    fn target(number: usize) -> Target {
        Target { owner: Owner::Tenant(TenantId::parse(&format!("tnt_{number}")).unwrap()), partner: None }
    }

    fn kept(number: usize, position: u64) -> Kept {
        let mut view = View::default();
        view.applied = Position(position);
        Kept { target: target(number), view: Arc::new(view), asked_at: Instant::now(), shredded: 0 }
    }

    #[test]
    fn nobody_drives_out_the_views_of_others() {
        let mut shelf = Shelf::default();
        shelf.keep(kept(0, 1));
        for position in 1..100 {
            shelf.keep(kept(1, position));
        }
        assert!(shelf.at(&target(0), Position(1), 0).is_some());
        assert!(shelf.at(&target(1), Position(1), 0).is_none(), "of another owner, or long ago");
        assert_eq!(shelf.kept.len(), 1 + OF_OWNER);
        assert_eq!(shelf.earlier(&target(1), Position(98), 0).unwrap().applied, Position(98));
        assert!(shelf.earlier(&target(0), Position(0), 0).is_none());
        for number in 0..100 {
            shelf.keep(kept(number, 7));
        }
        assert_eq!(shelf.kept.len(), OF_ALL);
        assert!(shelf.at(&target(99), Position(7), 0).is_some());
        assert!(shelf.at(&target(99), Position(7), 1).is_none(), "a tenant is gone since");
        assert!(shelf.is_empty());
    }
}
