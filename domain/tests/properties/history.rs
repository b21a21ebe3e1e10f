//! Random commands with a moving clock: invariants hold after each step, and replay gives the
//! live state.

use proptest::prelude::*;
use scaivault_domain::secret::{Facts, Secret, SecretEvent};
use scaivault_domain::{DurationText, Timestamp};

use crate::story::{Command, context, path, second};
use crate::vocabulary::*;

/// One thing that somebody does.
#[derive(Clone, Debug)]
pub enum Step {
    Write(Change),
    Update(Change),
    Rotate(i64),
    Delete {
        version: Option<u32>,
        permanent: bool,
    },
    Restore(Option<u32>),
    /// The sweeper runs.
    Sweep,
    /// Seconds pass.
    Pass(i64),
}

/// A change of options.
#[derive(Clone, Debug)]
pub enum Change {
    Nothing,
    Keep(u32),
    ExpireIn(&'static str),
    ExpireAfter(i64),
    Stay,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => Just(Change::Nothing),
        2 => (1_u32..5).prop_map(Change::Keep),
        1 => prop::sample::select(vec!["1h", "2d", "40d"]).prop_map(Change::ExpireIn),
        1 => (1_i64..40 * 86_400).prop_map(Change::ExpireAfter),
        1 => Just(Change::Stay),
    ]
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let version = prop::option::weighted(0.7, 1_u32..8);
    let step = prop_oneof![
        5 => change().prop_map(Step::Write),
        2 => change().prop_map(Step::Update),
        4 => (0_i64..100).prop_map(Step::Rotate),
        5 => (version.clone(), prop::bool::weighted(0.2))
            .prop_map(|(version, permanent)| Step::Delete { version, permanent }),
        4 => version.prop_map(Step::Restore),
        2 => Just(Step::Sweep),
        3 => prop_oneof![0_i64..7_200, 0_i64..86_400 * 3, 0_i64..86_400 * 40].prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..40)
}

/// A history as the server makes it.
#[derive(Default)]
pub struct Run {
    pub state: Option<Secret>,
    pub log: Vec<(SecretEvent, Facts)>,
    pub now: i64,
}

impl Run {
    pub fn now(&self) -> Timestamp {
        second(self.now)
    }

    fn append(&mut self, events: Vec<SecretEvent>) {
        for event in events {
            let position = self.log.len() as u64 + 1;
            let facts = Facts { position, at: self.now(), actor: Some(context(self.now()).actor) };
            self.state = Secret::evolve(self.state.take(), &path(), &event, &facts);
            self.log.push((event, facts));
        }
    }

    /// Settles, decides, appends.
    fn command<C: Command>(&mut self, command: &C) {
        let now = self.now();
        let due = self.state.as_ref().map_or_else(Vec::new, |secret| secret.destructions_due(now));
        let settled = Secret::preview(self.state.clone(), &due, now, &path());
        if let Ok(decision) = command.decide(settled.as_ref(), &context(now))
            && !decision.events.is_empty()
        {
            self.append(due);
            self.append(decision.events);
        }
    }

    pub fn step(&mut self, step: &Step) {
        match step.clone() {
            Step::Write(change) => self.command(&write_with(change.into_options(self.now()))),
            Step::Update(change) => self.command(&update_with(change.into_options(self.now()))),
            Step::Rotate(hours) => self.command(&rotate(hours)),
            Step::Delete { version, permanent } => {
                self.command(&scaivault_domain::secret::delete::DeleteSecret { version, permanent, ..delete() });
            }
            Step::Restore(version) => {
                self.command(&scaivault_domain::secret::restore::RestoreSecret { version, ..restore() });
            }
            Step::Sweep => {
                let due = self.state.as_ref().map_or_else(Vec::new, |secret| secret.due(self.now()));
                self.append(due);
            }
            Step::Pass(seconds) => self.now += seconds,
        }
    }
}

impl Change {
    fn into_options(self, now: Timestamp) -> scaivault_domain::secret::options::OptionsChange {
        match self {
            Self::Nothing => Default::default(),
            Self::Keep(max) => keep(max),
            Self::ExpireIn(text) => expire_in(text),
            Self::ExpireAfter(seconds) => expire_at(now.plus_seconds(seconds)),
            Self::Stay => {
                scaivault_domain::secret::options::OptionsChange { expires_at: Some(None), ..Default::default() }
            }
        }
    }
}

fn check(run: &Run) {
    let Some(secret) = &run.state else { return };
    let now = run.now();
    for (index, version) in secret.versions.iter().enumerate() {
        assert_eq!(version.number as usize, index + 1, "versions are consecutive");
        assert!(run.log[version.position as usize - 1].0.has_value(), "a version points at the record of its value");
    }
    let highest = secret.versions.iter().filter(|version| version.is_live()).map(|version| version.number).max();
    assert_eq!(secret.current_number(), highest, "the highest live version is current");
    assert!(secret.valued().next().is_some(), "a secret has a value");
    assert!(secret.deleted.is_some() || highest.is_some(), "a live secret has a current version");

    let settled = Secret::preview(run.state.clone(), &secret.destructions_due(now), now, &path());
    if let Some(settled) = settled.filter(|secret| secret.deleted.is_none()) {
        let current = settled.current_number();
        let kept = settled.valued().filter(|version| Some(version.number) <= current);
        let kept = kept.filter(|version| version.grace_ends_at.is_none_or(|end| end <= now)).count();
        assert!(kept <= settled.options.max_versions as usize, "no more versions are kept than wanted");
    }
}

/// What is due is due once, and its moment is foretold exactly.
fn check_due(run: &Run) {
    let Some(secret) = &run.state else { return };
    let now = run.now();
    let due = secret.due(now);
    assert_eq!(secret.next_due(now).is_some_and(|next| next <= now), !due.is_empty(), "{due:?}");
    let Some(after) = Secret::preview(run.state.clone(), &due, now, &path()) else { return };
    assert_eq!(after.due(now), [], "what was due is done");
    if let Some(next) = after.next_due(now) {
        assert!(next > now);
        assert!(!after.due(next).is_empty(), "nobody is woken for nothing");
        let before = Timestamp::from_micros(next.as_micros() - 1);
        assert_eq!(after.due(before), [], "nothing is due before its time");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_and_replay_gives_the_live_state(steps in steps()) {
        let mut run = Run::default();
        for step in &steps {
            run.step(step);
            check(&run);
            check_due(&run);
        }
        let replayed = run.log.iter().fold(None, |state, (event, facts)| Secret::evolve(state, &path(), event, facts));
        prop_assert_eq!(replayed, run.state);
    }

    #[test]
    fn keys_of_destroyed_values_are_destroyed_and_no_others(steps in steps()) {
        let mut run = Run::default();
        for step in &steps {
            let before = run.state.clone();
            let length = run.log.len();
            run.step(step);
            let events: Vec<_> = run.log[length..].iter().map(|(event, _)| event.clone()).collect();
            let valued = |state: &Option<Secret>| -> Vec<u64> {
                state.iter().flat_map(|secret| secret.valued().map(|version| version.position)).collect()
            };
            let shredded = before.as_ref().map_or_else(Vec::new, |secret| secret.shredded_by(&events));
            let after = valued(&run.state);
            let lost: Vec<u64> = valued(&before).into_iter().filter(|position| !after.contains(position)).collect();
            prop_assert_eq!(shredded, lost);
        }
    }

    #[test]
    fn an_event_that_does_not_fit_does_no_harm(steps in steps(), skipped in 0_usize..40) {
        let mut run = Run::default();
        steps.iter().for_each(|step| run.step(step));
        let rest = run.log.iter().enumerate().filter(|(index, _)| *index != skipped);
        let state = rest.fold(None, |state, (_, (event, facts))| Secret::evolve(state, &path(), event, facts));
        if let Some(secret) = state {
            secret.due(run.now());
            secret.next_due(run.now());
        }
    }

    #[test]
    fn durations_are_kept_as_written(text in "([0-9]{1,3}[smhdw]){1,3}") {
        if let Some(duration) = DurationText::parse(&text) {
            prop_assert_eq!(duration.as_str(), text.as_str());
            prop_assert!((1..=scaivault_domain::duration::MAX_SECONDS).contains(&duration.seconds()));
        }
    }
}
