//! The secrets attached to one policy, each with the moments at which something is to be done about it.

use imbl::{OrdMap, OrdSet};
use scaivault_domain::context::AttachedTo;
use scaivault_domain::rotation::Agenda;
use scaivault_domain::secret::{Secret, scheduled};
use scaivault_domain::{SecretPath, Timestamp};

/// An attached secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// When it is due; not while it is paused.
    pub due_at: Option<Timestamp>,
    /// When it is to be warned.
    warns_at: Option<Timestamp>,
    /// When there is something else to do, the window open or not.
    free_at: Option<Timestamp>,
    /// When there is something to do while the window is open.
    bound_at: Option<Timestamp>,
    /// Since when it waits for a value.
    waiting_since: Option<Timestamp>,
    rotated_at: Option<Timestamp>,
}

/// The secrets attached to a policy.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    all: OrdMap<SecretPath, Line>,
    due: OrdSet<(Timestamp, SecretPath)>,
    /// With the due date after the moment: once that has come, nobody is warned.
    warned: OrdSet<(Timestamp, Timestamp, SecretPath)>,
    free: OrdSet<(Timestamp, SecretPath)>,
    bound: OrdSet<(Timestamp, SecretPath)>,
    waiting: OrdSet<(Timestamp, SecretPath)>,
    rotated: OrdSet<(Timestamp, SecretPath)>,
    /// The next moment, as it stands among those of other policies.
    pub(super) noted: Option<Timestamp>,
}

impl Line {
    pub(super) fn of(secret: &Secret, attached_to: &AttachedTo) -> Self {
        let paused = Self { rotated_at: secret.rotated_at, ..Self::default() };
        let agenda = attached_to.agenda(secret).filter(|agenda| scheduled::is_running(secret, attached_to, agenda));
        let of = |agenda: Agenda<'_>| Self {
            due_at: Some(agenda.due_at()),
            warns_at: agenda.warns_at(),
            free_at: agenda.free_at(),
            bound_at: agenda.bound_at(),
            waiting_since: agenda.waiting_since(),
            ..paused
        };
        agenda.map_or(paused, of)
    }
}

impl Lines {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Their paths.
    pub fn paths(&self) -> impl Iterator<Item = &SecretPath> {
        self.all.keys()
    }

    /// Their paths after one of them.
    pub fn paths_after(&self, after: Option<&str>) -> impl Iterator<Item = &SecretPath> {
        let start = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        self.all.range::<_, str>((start, std::ops::Bound::Unbounded)).map(|(path, _)| path)
    }

    /// Whether a secret is among them.
    pub fn has(&self, path: &str) -> bool {
        self.all.contains_key(path)
    }

    /// Those that are not paused, by their due dates.
    pub fn by_due(&self) -> impl Iterator<Item = (Timestamp, &SecretPath)> {
        self.due.iter().map(|(due_at, path)| (*due_at, path))
    }

    /// Those that wait for a value, the last first.
    pub fn waiting(&self) -> impl Iterator<Item = (Timestamp, &SecretPath)> {
        self.waiting.iter().rev().map(|(since, path)| (*since, path))
    }

    /// Those with something to do at `now`, with the moments; `is_open` says whether the window is. Each kind in the order
    /// of its moments; a secret may come more than once.
    pub fn to_do(&self, now: Timestamp, is_open: bool) -> [Box<dyn Iterator<Item = (Timestamp, &SecretPath)> + '_>; 3] {
        let warned = self.warned.iter().take_while(move |(at, _, _)| *at <= now).filter(move |(_, due, _)| now < *due);
        let free = self.free.iter().take_while(move |(at, _)| *at <= now);
        let bound = self.bound.iter().take_while(move |(at, _)| is_open && *at <= now);
        [
            Box::new(warned.map(|(at, _, path)| (*at, path))),
            Box::new(free.map(|(at, path)| (*at, path))),
            Box::new(bound.map(|(at, path)| (*at, path))),
        ]
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        let first = |set: &OrdSet<(Timestamp, SecretPath)>| set.get_min().map(|(at, _)| *at);
        let warned = self.warned.get_min().map(|(at, _, _)| *at);
        [warned, first(&self.free), first(&self.bound)].into_iter().flatten().min()
    }

    pub(super) fn last_rotation_but(&self, path: &SecretPath) -> Option<Timestamp> {
        self.rotated.iter().rev().find(|(_, other)| other != path).map(|(at, _)| *at)
    }

    pub(super) fn enter(&mut self, path: SecretPath, line: Line) {
        self.remove(&path);
        if let (Some(at), Some(due_at)) = (line.warns_at, line.due_at) {
            self.warned.insert((at, due_at, path.clone()));
        }
        for (set, at) in self.sets(&line) {
            set.insert((at, path.clone()));
        }
        self.all.insert(path, line);
    }

    pub(super) fn remove(&mut self, path: &SecretPath) {
        let Some(line) = self.all.remove(path) else { return };
        if let (Some(at), Some(due_at)) = (line.warns_at, line.due_at) {
            self.warned.remove(&(at, due_at, path.clone()));
        }
        for (set, at) in self.sets(&line) {
            set.remove(&(at, path.clone()));
        }
    }

    /// The sets that a line stands in, each with its moment.
    fn sets(&mut self, line: &Line) -> impl Iterator<Item = (&mut OrdSet<(Timestamp, SecretPath)>, Timestamp)> {
        let sets = [
            (&mut self.due, line.due_at),
            (&mut self.free, line.free_at),
            (&mut self.bound, line.bound_at),
            (&mut self.waiting, line.waiting_since),
            (&mut self.rotated, line.rotated_at),
        ];
        sets.into_iter().filter_map(|(set, at)| Some((set, at?)))
    }
}
