//! Replays of decisions: what was asked for, and how it ended. What a replay says, and what it found, stays in the log.

use std::sync::Arc;

use imbl::{HashMap, OrdMap, OrdSet};
use scaivault_domain::id::ReplayId;
use scaivault_domain::policy::replay::{KEPT_SECONDS, ReplayCreated, ReplayEvent};
use scaivault_domain::{IdentityId, Owner, Timestamp};
use scaivault_eventstore::Revision;
use serde::{Deserialize, Serialize};

use crate::replay::Way;

/// A replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldReplay {
    /// What was asked for.
    pub created: ReplayCreated,
    /// Position of the record that says so, with the proposal in its erasable part.
    pub position: u64,
    /// When.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: IdentityId,
    /// How far it has come, as last noted.
    #[serde(default)]
    pub progress: Option<ReplayProgress>,
    /// How it ended, if it has.
    pub end: Option<ReplayEnd>,
}

/// How far a replay has come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayProgress {
    /// Position of the record that says so, with the differences so far in its erasable part.
    pub position: u64,
    /// Over which part of the log.
    pub way: Way,
    /// Decisions judged again.
    pub evaluated: u64,
    /// Of these, allowed and would be denied.
    pub allowed_to_denied: u64,
    /// Denied and would be allowed.
    pub denied_to_allowed: u64,
}

/// How a replay ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayEnd {
    /// Position of the record that says so, with the differences in its erasable part.
    pub position: u64,
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: ReplayOutcome,
}

/// What came of a replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ReplayOutcome {
    /// It came to its end.
    Completed {
        /// Decisions judged again.
        evaluated: u64,
        /// Of these, allowed and would be denied.
        allowed_to_denied: u64,
        /// Denied and would be allowed.
        denied_to_allowed: u64,
    },
    /// It could not be carried out.
    Failed {
        /// Code of the contract.
        code: String,
        /// For people.
        message: String,
    },
}

/// The replays of all tenants.
#[derive(Clone, Debug, Default)]
pub struct Replays {
    owners: HashMap<Owner, ReplaySet>,
    nothing: ReplaySet,
    ends: OrdSet<(Timestamp, Owner, ReplayId)>,
    /// Those that have not ended, by the time they were asked for.
    open: OrdSet<(Timestamp, Owner, ReplayId)>,
}

/// The replays of one tenant.
#[derive(Clone, Debug, Default)]
pub struct ReplaySet {
    replays: OrdMap<ReplayId, Arc<HeldReplay>>,
    open: usize,
    revision: Revision,
}

impl HeldReplay {
    /// Whether it is kept no more.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.end.as_ref().is_some_and(|end| end.at.plus_seconds(KEPT_SECONDS) <= now)
    }
}

impl ReplaySet {
    /// Revision of the tenant's stream of them.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// A replay.
    pub fn get(&self, id: &ReplayId) -> Option<&Arc<HeldReplay>> {
        self.replays.get(id)
    }

    /// How many have not ended.
    pub fn open(&self) -> usize {
        self.open
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<HeldReplay>> {
        self.replays.values()
    }
}

impl Replays {
    /// Those of a tenant.
    pub fn of(&self, owner: &Owner) -> &ReplaySet {
        self.owners.get(owner).unwrap_or(&self.nothing)
    }

    /// Those that have not ended, the earliest first.
    pub fn open(&self) -> impl Iterator<Item = (&Owner, &Arc<HeldReplay>)> {
        self.open.iter().filter_map(|(_, owner, id)| Some((owner, self.owners.get(owner)?.get(id)?)))
    }

    /// All tenants that ever had some.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Owner, &ReplaySet)> {
        self.owners.iter()
    }

    pub(crate) fn fold(
        &mut self,
        owner: &Owner,
        event: ReplayEvent,
        (at, by): (Timestamp, &IdentityId),
        position: u64,
        revision: Revision,
    ) {
        self.owners.entry(owner.clone()).or_default().revision = revision;
        match event {
            ReplayEvent::Created(created) => {
                let created_by = by.clone();
                self.hold(
                    owner,
                    HeldReplay { created, position, created_at: at, created_by, progress: None, end: None },
                );
            }
            ReplayEvent::Progressed { id, from, reached, to, evaluated, allowed_to_denied, denied_to_allowed } => {
                let way = Way { from, reached, to };
                let progress = ReplayProgress { position, way, evaluated, allowed_to_denied, denied_to_allowed };
                if let Some(set) = self.owners.get_mut(owner)
                    && let Some(held) = set.replays.get_mut(&id).filter(|held| held.end.is_none())
                {
                    Arc::make_mut(held).progress = Some(progress);
                }
            }
            ReplayEvent::Completed { id, evaluated, allowed_to_denied, denied_to_allowed } => {
                let outcome = ReplayOutcome::Completed { evaluated, allowed_to_denied, denied_to_allowed };
                self.end(owner, &id, ReplayEnd { position, at, outcome });
            }
            ReplayEvent::Failed { id, code, message } => {
                self.end(owner, &id, ReplayEnd { position, at, outcome: ReplayOutcome::Failed { code, message } });
            }
        }
    }

    fn end(&mut self, owner: &Owner, id: &ReplayId, end: ReplayEnd) {
        if let Some(held) = self.of(owner).get(id).filter(|held| held.end.is_none()).cloned() {
            self.open.remove(&(held.created_at, owner.clone(), id.clone()));
            if let Some(set) = self.owners.get_mut(owner) {
                set.open = set.open.saturating_sub(1);
            }
            self.hold(owner, HeldReplay { end: Some(end), ..HeldReplay::clone(&held) });
        }
    }

    /// Enters a replay as it is.
    pub(crate) fn hold(&mut self, owner: &Owner, held: HeldReplay) {
        let id = held.created.id.clone();
        let set = self.owners.entry(owner.clone()).or_default();
        match &held.end {
            Some(end) => _ = self.ends.insert((end.at, owner.clone(), id.clone())),
            None => {
                set.open += 1;
                self.open.insert((held.created_at, owner.clone(), id.clone()));
            }
        }
        set.replays.insert(id, Arc::new(held));
    }

    /// Sets the revision of a tenant's stream.
    pub(crate) fn restore_revision(&mut self, owner: &Owner, revision: Revision) {
        self.owners.entry(owner.clone()).or_default().revision = revision;
    }

    /// Forgets those of an owner.
    pub(crate) fn forget(&mut self, owner: &Owner) {
        let Some(set) = self.owners.remove(owner) else { return };
        for held in set.all() {
            let id = held.created.id.clone();
            self.open.remove(&(held.created_at, owner.clone(), id.clone()));
            if let Some(end) = &held.end {
                self.ends.remove(&(end.at, owner.clone(), id));
            }
        }
    }

    /// Forgets those that are kept no more.
    pub(crate) fn forget_before(&mut self, now: Timestamp) {
        let last = now.plus_seconds(-KEPT_SECONDS);
        while let Some((end, owner, id)) = self.ends.get_min().filter(|(end, _, _)| *end <= last).cloned() {
            if let Some(set) = self.owners.get_mut(&owner) {
                set.replays.remove(&id);
            }
            self.ends.remove(&(end, owner, id));
        }
    }
}
