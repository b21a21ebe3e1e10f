//! Up to where audit entries were erased: as was ordered, and as it was found.
//!
//! A data key that is missing is damage, unless the log says, at that place or later, that it was to be destroyed.

use imbl::HashMap;
use scaivault_domain::Owner;
use scaivault_eventstore::sealing::Erased;
use scaivault_eventstore::{Position, Revision};

use crate::owners::key_owner;

/// Of one owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erasure {
    /// Everything up to here was to be erased.
    pub ordered: Position,
    /// The last position where entries are gone.
    pub found: Position,
    /// Revision of the owner's stream of such orders.
    pub revision: Revision,
}

/// Of all owners.
#[derive(Clone, Debug, Default)]
pub struct Erasures {
    by_owner: HashMap<Owner, Erasure>,
}

impl Erasures {
    /// Of an owner.
    pub fn of(&self, owner: &Owner) -> Erasure {
        self.by_owner.get(owner).copied().unwrap_or_default()
    }

    /// Somebody whose entries are gone beyond what was ordered, and where.
    pub fn unexplained(&self) -> Option<(&Owner, Position)> {
        let found = self.by_owner.iter().find(|(_, erasure)| erasure.found > erasure.ordered);
        found.map(|(owner, erasure)| (owner, erasure.found))
    }

    /// What was ordered, as the log names owners.
    pub fn orders(&self) -> Erased {
        self.by_owner.iter().map(|(owner, erasure)| (key_owner(owner), erasure.ordered)).collect()
    }

    pub(crate) fn ordered(&mut self, owner: &Owner, up_to: Position, revision: Revision) {
        let erasure = self.by_owner.entry(owner.clone()).or_default();
        erasure.ordered = erasure.ordered.max(up_to);
        erasure.revision = revision;
    }

    pub(crate) fn found(&mut self, owner: &Owner, position: Position) {
        let erasure = self.by_owner.entry(owner.clone()).or_default();
        erasure.found = erasure.found.max(position);
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&Owner, &Erasure)> {
        self.by_owner.iter()
    }

    pub(crate) fn restore(&mut self, owner: &Owner, erasure: Erasure) {
        self.by_owner.insert(owner.clone(), erasure);
    }
}
