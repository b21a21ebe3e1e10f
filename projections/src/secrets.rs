//! The catalogue: the secrets of one owner, ordered by path.

mod list;

use std::sync::Arc;

use imbl::{HashMap, OrdMap, OrdSet};
use scaivault_domain::secret::{Facts, SecretEvent};
use scaivault_domain::secret_policy::PolicyUid;
use scaivault_domain::{SecretPath, Timestamp, secret::Secret};
use scaivault_eventstore::Revision;

pub use list::{Filter, Page};

/// A secret as it is held: state, and revision of its stream.
#[derive(Clone, Debug)]
pub struct Held {
    /// State, shared with whoever reads it.
    pub secret: Arc<Secret>,
    /// Revision of its stream.
    pub revision: Revision,
    /// When the clock brings something about next.
    pub(crate) due: Option<Timestamp>,
}

/// A secret in an index.
#[derive(Clone, Debug)]
struct Row {
    held: Arc<Held>,
    /// Neither deleted nor with an end: all that most lists ask of most secrets. It stands here so that
    /// counting does not touch each of them.
    is_plain: bool,
}

/// All secrets of one owner. Cloning is cheap: clones share what has not changed.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    held: OrdMap<SecretPath, Row>,
    /// Streams of paths whose secret was hard-deleted go on counting.
    vacated: OrdMap<SecretPath, Revision>,
    /// By tag, so that a list by tag looks at no other secrets.
    tagged: HashMap<Arc<str>, OrdMap<SecretPath, Row>>,
    expiring: OrdSet<(Timestamp, SecretPath)>,
    due: OrdSet<(Timestamp, SecretPath)>,
    /// How many secrets name each secret policy.
    recipes: HashMap<PolicyUid, usize>,
}

impl Held {
    pub(crate) fn new(secret: Secret, revision: Revision, due: Option<Timestamp>) -> Self {
        Self { secret: Arc::new(secret), revision, due }
    }

    fn recipe(&self) -> Option<PolicyUid> {
        self.secret.options.secret_policy.as_ref().map(|reference| reference.uid)
    }

    /// Whether the clock has ended it for good, though the log does not say so yet.
    fn has_ended(&self, now: Timestamp) -> bool {
        let due = self.due.is_some_and(|due| due <= now);
        due && self.secret.destructions_due(now).iter().any(|event| matches!(event, SecretEvent::Destroyed { .. }))
    }
}

impl Row {
    fn of(held: Arc<Held>) -> Self {
        let is_plain = held.secret.deleted.is_none() && held.secret.expiry.is_none();
        Self { held, is_plain }
    }
}

impl Catalogue {
    /// What is at a path, live or soft-deleted.
    pub fn held(&self, path: &str) -> Option<&Arc<Held>> {
        self.held.get(path).map(|row| &row.held)
    }

    /// Revision of a path's stream.
    pub fn revision(&self, path: &str) -> Revision {
        match self.held(path) {
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
        let held = self.held(path.as_str())?.clone();
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

    /// How many secrets name a secret policy, soft-deleted ones included: restored, they name it again. What is due
    /// by `now` counts as done.
    pub fn naming(&self, policy: PolicyUid, now: Timestamp) -> usize {
        let ended = self.due(now).filter_map(|path| self.held(path.as_str()));
        let ended = ended.filter(|held| held.recipe() == Some(policy) && held.has_ended(now)).count();
        self.recipes.get(&policy).copied().unwrap_or_default().saturating_sub(ended)
    }

    /// When something is due next.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.get_min().map(|(moment, _)| *moment)
    }

    /// Applies one event of a path.
    pub(crate) fn fold(&mut self, path: &SecretPath, event: &SecretEvent, facts: &Facts, revision: Revision) {
        let before = self.held(path.as_str()).cloned();
        let state = before.as_ref().map(|held| held.secret.as_ref().clone());
        // The path of the first event is shared by all that is held of it.
        let path = before.as_ref().map_or(path, |held| &held.secret.path);
        if let Some(before) = &before {
            self.forget_times(before);
            self.forget_policies(before);
        }
        let Some(secret) = Secret::evolve(state, path, event, facts) else {
            self.forget_tags(before.as_ref(), None);
            self.held.remove(path);
            self.vacated.insert(path.clone(), revision);
            return;
        };
        let due = secret.next_due(facts.at);
        let held = Arc::new(Held::new(secret, revision, due));
        self.forget_tags(before.as_ref(), Some(&held));
        self.vacated.remove(path);
        self.hold(held);
    }

    /// Everything that is held, by path.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Held>> {
        self.held.values().map(|row| &row.held)
    }

    /// Paths whose secret was hard-deleted, with the revisions of their streams.
    pub(crate) fn vacated(&self) -> impl Iterator<Item = (&SecretPath, Revision)> {
        self.vacated.iter().map(|(path, revision)| (path, *revision))
    }

    /// Enters a path without a secret.
    pub(crate) fn vacate(&mut self, path: SecretPath, revision: Revision) {
        self.vacated.insert(path, revision);
    }

    /// Enters a secret as it is.
    pub(crate) fn hold(&mut self, held: Arc<Held>) {
        self.remember_times(&held);
        self.remember_policies(&held);
        let path = held.secret.path.clone();
        let row = Row::of(held);
        for tag in row.held.secret.metadata.tags() {
            match self.tagged.get_mut(tag) {
                Some(tagged) => _ = tagged.insert(path.clone(), row.clone()),
                None => _ = self.tagged.insert(tag.clone(), OrdMap::unit(path.clone(), row.clone())),
            }
        }
        self.held.insert(path, row);
    }

    /// Takes a secret out of the tags that it has no more.
    fn forget_tags(&mut self, before: Option<&Arc<Held>>, after: Option<&Arc<Held>>) {
        let Some(before) = before else { return };
        let still = after.map(|held| held.secret.metadata.tags()).unwrap_or_default();
        for tag in before.secret.metadata.tags().iter().filter(|tag| !still.contains(tag)) {
            if let Some(tagged) = self.tagged.get_mut(tag) {
                tagged.remove(&before.secret.path);
                if tagged.is_empty() {
                    self.tagged.remove(tag);
                }
            }
        }
    }

    fn remember_policies(&mut self, held: &Held) {
        if let Some(policy) = held.recipe() {
            *self.recipes.entry(policy).or_default() += 1;
        }
    }

    fn forget_policies(&mut self, held: &Held) {
        let Some(policy) = held.recipe() else { return };
        let left = self.recipes.get(&policy).map_or(0, |count| count.saturating_sub(1));
        match left {
            0 => _ = self.recipes.remove(&policy),
            left => _ = self.recipes.insert(policy, left),
        }
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
