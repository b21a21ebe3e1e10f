//! Kept outcomes of requests with an idempotency key.

use std::sync::Arc;

use imbl::{HashMap, OrdSet};
use scaivault_domain::idempotency::OutcomeKept;
use scaivault_domain::{IdentityId, Owner, Timestamp};
use scaivault_eventstore::{Position, Revision};

/// Outcomes past their time are remembered this long for the sweeper, which destroys their keys
/// within a second while it runs, and at the next start after a downtime.
const SHREDDED_AFTER_SECONDS: i64 = 30 * 86_400;

/// Under what an outcome is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutcomeKey {
    /// Where the request acted.
    pub owner: Owner,
    /// Whose key.
    pub identity: IdentityId,
    /// SHA-256 of the key, hexadecimal.
    pub key_sha256: Arc<str>,
}

/// An outcome as it is held.
#[derive(Clone, Debug)]
pub struct HeldOutcome {
    /// Status, tag, digest of the request.
    pub kept: OutcomeKept,
    /// Whether it has a body, in the record at `position`, whose key may be destroyed by now.
    pub has_body: bool,
    /// Revision of its stream.
    pub revision: Revision,
    /// Where it is in the log.
    pub position: Position,
}

/// All kept outcomes. Those past their time are dropped as the fold goes on.
#[derive(Clone, Debug, Default)]
pub struct Outcomes {
    held: HashMap<OutcomeKey, Arc<HeldOutcome>>,
    ends: OrdSet<(Timestamp, Position, OutcomeKey)>,
    /// By end: the records whose data keys are destroyed then.
    over: OrdSet<(Timestamp, Position)>,
    /// Streams of dropped outcomes go on counting.
    last: HashMap<OutcomeKey, Revision>,
}

impl Outcomes {
    /// The outcome kept under a key, if its time has not passed.
    pub fn find(&self, key: &OutcomeKey, now: Timestamp) -> Option<&Arc<HeldOutcome>> {
        self.held.get(key).filter(|held| now < held.kept.expires_at)
    }

    /// Revision of the key's stream.
    pub fn revision(&self, key: &OutcomeKey) -> Revision {
        let held = self.held.get(key).map(|held| held.revision);
        held.or_else(|| self.last.get(key).copied()).unwrap_or(Revision::NONE)
    }

    /// Positions of outcomes whose time ended in `(after, until]` and whose body could be opened.
    pub fn ended(&self, after: Timestamp, until: Timestamp) -> Vec<Position> {
        let ended = self.over.iter().skip_while(|(end, _)| *end <= after).take_while(|(end, _)| *end <= until);
        ended.map(|(_, position)| *position).collect()
    }

    /// Those that are held.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&OutcomeKey, &HeldOutcome)> {
        self.held.iter().map(|(key, held)| (key, held.as_ref()))
    }

    /// Revisions of those that were dropped.
    pub(crate) fn dropped(&self) -> impl Iterator<Item = (&OutcomeKey, Revision)> {
        self.last.iter().map(|(key, revision)| (key, *revision))
    }

    /// Ends and positions of those whose keys are to be destroyed.
    pub(crate) fn to_shred(&self) -> impl Iterator<Item = (Timestamp, Position)> {
        self.over.iter().copied()
    }

    /// Enters the revision of one that was dropped.
    pub(crate) fn drop_at(&mut self, key: OutcomeKey, revision: Revision) {
        self.last.insert(key, revision);
    }

    /// Enters one whose key is to be destroyed.
    pub(crate) fn shred_at(&mut self, end: Timestamp, position: Position) {
        self.over.insert((end, position));
    }

    pub(crate) fn kept(&mut self, key: OutcomeKey, outcome: HeldOutcome) {
        let (end, position) = (outcome.kept.expires_at, outcome.position);
        if outcome.has_body {
            self.over.insert((end, position));
        }
        self.ends.insert((end, position, key.clone()));
        self.last.remove(&key);
        self.held.insert(key, Arc::new(outcome));
    }

    /// Forgets those of an owner; destroying their data keys goes on.
    pub(crate) fn forget(&mut self, owner: &Owner) {
        self.held.retain(|key, _| key.owner != *owner);
        self.ends = self.ends.iter().filter(|(_, _, key)| key.owner != *owner).cloned().collect();
        self.last.retain(|key, _| key.owner != *owner);
    }

    pub(crate) fn forget_before(&mut self, now: Timestamp) {
        while let Some((end, position, key)) = self.ends.get_min().filter(|(end, _, _)| *end <= now).cloned() {
            self.ends.remove(&(end, position, key.clone()));
            // A key used anew meanwhile is held for its later use.
            if let Some(held) = self.held.get(&key).filter(|held| held.position == position) {
                self.last.insert(key.clone(), held.revision);
                self.held.remove(&key);
            }
        }
        let shredded = now.plus_seconds(-SHREDDED_AFTER_SECONDS);
        while let Some(over) = self.over.get_min().filter(|(end, _)| *end <= shredded).copied() {
            self.over.remove(&over);
        }
    }
}
