//! The catalogue: the secrets of one owner, ordered by path.

mod list;

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use scaivault_domain::secret::{Facts, SecretEvent};
use scaivault_domain::{SecretPath, Timestamp, secret::Secret};
use scaivault_eventstore::Revision;
use scaivault_eventstore::sealing::SealedValue;

pub use list::{Filter, Page};

/// A secret as it is held: state, revision of its stream, and its current value, sealed.
#[derive(Clone, Debug)]
pub struct Held {
    /// State, shared with whoever reads it.
    pub secret: Arc<Secret>,
    /// Revision of its stream.
    pub revision: Revision,
    /// The value of the version last written, while that is the current one and not erased.
    pub value: Option<(u32, Arc<SealedValue>)>,
    due: Option<Timestamp>,
}

/// All secrets of one owner. Cloning is cheap: clones share what has not changed.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    held: OrdMap<SecretPath, Arc<Held>>,
    /// Streams of paths whose secret was hard-deleted go on counting.
    vacated: OrdMap<SecretPath, Revision>,
    expiring: OrdSet<(Timestamp, SecretPath)>,
    due: OrdSet<(Timestamp, SecretPath)>,
}

impl Held {
    /// Whether the clock has ended it for good, though the log does not say so yet.
    fn has_ended(&self, now: Timestamp) -> bool {
        let due = self.due.is_some_and(|due| due <= now);
        due && self.secret.destructions_due(now).iter().any(|event| matches!(event, SecretEvent::Destroyed { .. }))
    }
}

impl Catalogue {
    /// What is at a path, live or soft-deleted.
    pub fn held(&self, path: &str) -> Option<&Arc<Held>> {
        self.held.get(path)
    }

    /// Revision of a path's stream.
    pub fn revision(&self, path: &str) -> Revision {
        match self.held.get(path) {
            Some(held) => held.revision,
            None => self.vacated.get(path).copied().unwrap_or(Revision::NONE),
        }
    }

    /// Number of secrets, soft-deleted ones included.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// The state at a path as the clock has made it: what is due by `now` counts as done.
    pub fn settled(&self, path: &SecretPath, now: Timestamp) -> Option<Settled> {
        let held = self.held.get(path)?.clone();
        if held.due.is_none_or(|due| due > now) {
            return Some(Settled { secret: held.secret.clone(), due: Vec::new(), held });
        }
        let due = held.secret.destructions_due(now);
        let secret = Secret::preview(Some(held.secret.as_ref().clone()), &due, now, path)?;
        Some(Settled { secret: Arc::new(secret), due, held })
    }

    /// Paths at which something is due by `now`, soonest first.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = &SecretPath> {
        self.due.iter().take_while(move |(moment, _)| *moment <= now).map(|(_, path)| path)
    }

    /// When something is due next.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.get_min().map(|(moment, _)| *moment)
    }

    /// Applies one event of a path.
    pub(crate) fn fold(
        &mut self,
        path: &SecretPath,
        event: &SecretEvent,
        facts: &Facts,
        revision: Revision,
        value: Option<SealedValue>,
    ) {
        let before = self.held.get(path).cloned();
        if let Some(before) = &before {
            self.forget_times(before);
        }
        let (state, kept) = match before {
            Some(held) => (Some(held.secret.as_ref().clone()), held.value.clone()),
            None => (None, None),
        };
        let Some(secret) = Secret::evolve(state, path, event, facts) else {
            self.held.remove(path);
            self.vacated.insert(path.clone(), revision);
            return;
        };
        let written = secret.versions.last().map_or(0, |version| version.number);
        let newest = if event.has_value() { value.map(|value| (written, Arc::new(value))) } else { kept };
        let value = newest.filter(|(number, _)| secret.version(*number).is_some_and(|version| version.has_value()));
        let held = Held { due: secret.next_due(facts.at), secret: Arc::new(secret), revision, value };
        self.remember_times(&held);
        self.vacated.remove(path);
        self.held.insert(path.clone(), Arc::new(held));
    }

    fn remember_times(&mut self, held: &Held) {
        let path = &held.secret.path;
        if let Some(due) = held.due {
            self.due.insert((due, path.clone()));
        }
        if let Some(end) = held.secret.expires_at() {
            self.expiring.insert((end, path.clone()));
        }
    }

    fn forget_times(&mut self, held: &Held) {
        let path = &held.secret.path;
        if let Some(due) = held.due {
            self.due.remove(&(due, path.clone()));
        }
        if let Some(end) = held.secret.expires_at() {
            self.expiring.remove(&(end, path.clone()));
        }
    }
}

/// A secret with what the clock has brought about taken as done.
#[derive(Clone, Debug)]
pub struct Settled {
    /// State.
    pub secret: Arc<Secret>,
    /// Events that brought it there and are not in the log yet.
    pub due: Vec<SecretEvent>,
    /// As the log has it.
    pub held: Arc<Held>,
}
