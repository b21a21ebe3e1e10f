//! Years of random policies, writes, calls, pauses and leaping clocks, against a model of a few lines: the same
//! rotations, the same notices, none twice, none missed.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use scaivault_domain::context::{AttachedTo, Found, Settings};
use scaivault_domain::rotation::{RotationPolicy, Trigger, Warnings};
use scaivault_domain::secret::options::OptionsChange;
use scaivault_domain::secret::rotate::{self, NewValue, RotateSecret};
use scaivault_domain::secret::write::{self, WriteSecret};
use scaivault_domain::secret::{Condition, Secret, SecretEvent, scheduled};
use scaivault_domain::{Context, IdentityId, Rejection, Timestamp};

use crate::sample::{DAY, HOUR, at, duration, path, policy, window};

/// After how long a failed attempt is repeated.
const BACKOFF: [i64; 5] = [60, 300, 900, 3_600, 6 * 3_600];

#[derive(Clone, Debug)]
enum Step {
    /// The clock goes on, and somebody minds the schedule.
    Pass(i64),
    /// It goes on, or back, and nobody does until then.
    Leap(i64),
    Write,
    Rotate,
    /// Somebody asks for a rotation that waits for its value or its turn.
    Ask,
    Attach,
    Detach,
    Switch(bool),
    Interval(i64),
    Warn(Vec<i64>),
    /// From now on it fires between these hours alone, or always.
    Window(Option<(i64, i64)>),
    Generate(bool),
    /// From now on no value can be made, or again.
    Break(bool),
    Delete,
    Restore,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1..40_i64).prop_map(|days| Step::Pass(days * DAY / 3)),
        4 => (1..5_000_i64).prop_map(Step::Pass),
        2 => (-400..400_i64).prop_map(|days| Step::Leap(days * DAY)),
        4 => Just(Step::Write),
        2 => Just(Step::Rotate),
        2 => Just(Step::Ask),
        1 => Just(Step::Attach),
        1 => Just(Step::Detach),
        2 => any::<bool>().prop_map(Step::Switch),
        1 => prop::sample::select(vec![10, HOUR, DAY, 7 * DAY, 90 * DAY]).prop_map(Step::Interval),
        1 => prop::collection::btree_set(1..9_i64, 0..3).prop_map(|all| Step::Warn(all.into_iter().collect())),
        1 => prop::option::weighted(0.7, (0..23_i64, 1..24_i64)).prop_map(|hours| {
            Step::Window(hours.map(|(start, length)| (start, (start + length).min(23))).filter(|(start, end)| start < end))
        }),
        1 => any::<bool>().prop_map(Step::Generate),
        1 => any::<bool>().prop_map(Step::Break),
        1 => Just(Step::Delete),
        2 => Just(Step::Restore),
    ]
}

/// Something that came about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Warned(i64),
    Due,
    Overdue,
    Rotated(Trigger),
    Failed(u32),
}

/// The real thing.
struct Real {
    now: Timestamp,
    secret: Secret,
    policy: RotationPolicy,
    is_broken: bool,
    told: Vec<(Timestamp, Told)>,
}

/// What it should do.
struct Model {
    now: i64,
    since: i64,
    attached_at: Option<i64>,
    deleted: bool,
    active: bool,
    interval: i64,
    warnings: Vec<i64>,
    window: Option<(i64, i64)>,
    scheduled_since: i64,
    generates: bool,
    broken: bool,
    offset: f64,
    due: i64,
    warned: BTreeSet<i64>,
    told_due: bool,
    told_overdue: bool,
    failures: usize,
    next_try: i64,
    rotated: bool,
    asked: Option<i64>,
    value_since: i64,
    told: Vec<(Timestamp, Told)>,
}

impl Real {
    fn begin() -> Self {
        let event = SecretEvent::Created {
            secret_type: scaivault_domain::secret::SecretType::Kv,
            metadata: scaivault_domain::secret::Metadata::default(),
            options: scaivault_domain::secret::Options::initial(&context(at(0), None)),
            expires_at: None,
        };
        let secret = Secret::preview(None, &[event], at(0), &path("app/db")).unwrap();
        Self { now: at(0), secret, policy: policy(DAY), is_broken: false, told: Vec::new() }
    }

    fn attached_to(&self) -> Option<AttachedTo> {
        self.secret.attachment.as_ref()?;
        Some(AttachedTo { policy: Arc::new(self.policy.clone()), paired: None })
    }

    fn apply(&mut self, events: &[SecretEvent]) {
        for event in events {
            let told = match event {
                SecretEvent::RotationDue { warning: Some(warning), .. } => Told::Warned(warning.seconds()),
                SecretEvent::RotationDue { warning: None, .. } => Told::Due,
                SecretEvent::RotationOverdue { .. } => Told::Overdue,
                SecretEvent::RotationFailed(failed) => Told::Failed(failed.attempt),
                SecretEvent::VersionAdded { rotation: Some(rotation), .. } => {
                    let Some(under) = &rotation.under else { continue };
                    Told::Rotated(under.trigger)
                }
                _ => continue,
            };
            self.told.push((self.now, told));
        }
        let (secret, alice) = (Some(self.secret.clone()), IdentityId::user("alice@acme.example"));
        self.secret = Secret::preview_by(Some(&alice), secret, events, self.now, &path("app/db")).unwrap();
    }

    /// What the scheduler does at a moment.
    fn mind(&mut self) {
        let Some(attached_to) = self.attached_to() else { return };
        let scheduled::Scheduled { notices, rotates } = scheduled::at(&self.secret, &attached_to, self.now);
        self.apply(&notices);
        if !rotates {
            return;
        }
        let started_at = self.now;
        if self.is_broken {
            let rejection = Rejection::field("x", "is broken");
            let attempt = (Trigger::Schedule, started_at);
            let event = scheduled::failed(&self.secret, &attached_to, attempt, true, &rejection, self.now);
            return self.apply(&[event]);
        }
        let value = NewValue::Generated { trigger: Trigger::Schedule, started_at };
        self.rotate(value);
    }

    fn rotate(&mut self, value: NewValue) {
        let command = RotateSecret {
            path: path("app/db"),
            value,
            reason: None,
            grace_seconds: None,
            condition: Condition::default(),
        };
        let decided = rotate::decide(Some(&self.secret), &command, &context(self.now, self.attached_to()));
        if let Ok(decision) = decided {
            self.apply(&decision.events);
        }
    }

    /// The next moment at which there is something to do.
    fn next(&self) -> Option<Timestamp> {
        let attached_to = self.attached_to()?;
        let agenda = attached_to.agenda(&self.secret)?;
        let runs = scheduled::is_running(&self.secret, &attached_to, &agenda);
        let warns_at = agenda.warns_at().filter(|_| self.now < agenda.due_at());
        // What only happens in the window is looked at while that is open.
        let window = attached_to.policy.content.window.as_ref();
        let bound_at = agenda.bound_at().and_then(|at| match window {
            Some(window) if !window.holds(self.now.max(at)) => window.next_opening(self.now.max(at)),
            Some(_) | None => Some(at),
        });
        [warns_at, agenda.free_at(), bound_at].into_iter().flatten().min().filter(|_| runs)
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Pass(seconds) => {
                let target = self.now.plus_seconds(*seconds);
                while let Some(next) = self.next().filter(|next| *next <= target) {
                    let (before, count) = (self.now, self.told.len());
                    self.now = self.now.max(next);
                    self.mind();
                    assert!(self.told.len() > count || self.now > before, "nobody is woken for nothing");
                }
                self.now = target;
            }
            Step::Leap(seconds) => self.now = self.now.plus_seconds(*seconds),
            Step::Write => {
                let command = WriteSecret {
                    path: path("app/db"),
                    secret_type: None,
                    metadata: None,
                    options: OptionsChange::default(),
                    condition: Condition::default(),
                };
                if let Ok(decision) =
                    write::decide(Some(&self.secret), &command, &context(self.now, self.attached_to()))
                {
                    self.apply(&decision.events);
                }
            }
            Step::Rotate => self.rotate(NewValue::Given),
            Step::Ask => {
                let Some(attached_to) = self.attached_to().filter(|_| self.secret.deleted.is_none()) else { return };
                let agenda = attached_to.agenda(&self.secret).unwrap();
                if agenda.due_at() > self.now || agenda.waiting_since().is_none() {
                    self.apply(&[scheduled::asked(&attached_to, self.now)]);
                }
            }
            Step::Attach => self.apply(&[SecretEvent::RotationAttached { policy: self.policy.reference() }]),
            Step::Detach => self.apply(&[SecretEvent::RotationDetached {}]),
            Step::Switch(active) => self.policy.is_active = *active,
            Step::Interval(_) | Step::Warn(_) | Step::Window(_) => {
                let mut content = self.policy.content.clone();
                if let Step::Interval(interval) = step {
                    content.interval = duration(*interval);
                }
                if let Step::Warn(warnings) = step {
                    let text: Vec<String> = warnings.iter().map(|hours| format!("{hours}h")).collect();
                    content.warn_before = Warnings::parse(&text.join(",")).unwrap();
                }
                if let Step::Window(hours) = step {
                    let window = |(start, end)| window(&[], &format!("{start:02}:00"), &format!("{end:02}:00"), "UTC");
                    content.window = hours.map(window);
                }
                if !content.schedules_as(&self.policy.content) {
                    self.policy.scheduled_since = self.now;
                }
                self.policy.content = content;
            }
            Step::Generate(generates) => self.policy.content.auto_generate = *generates,
            Step::Break(is_broken) => self.is_broken = *is_broken,
            Step::Delete if self.secret.deleted.is_none() => {
                let recoverable_until = self.now.plus_seconds(30 * DAY);
                self.apply(&[SecretEvent::Deleted { recoverable_until, version_count: 1 }]);
            }
            Step::Restore if self.secret.deleted.is_some() => self.apply(&[SecretEvent::Restored { version: 1 }]),
            Step::Delete | Step::Restore => {}
        }
        self.mind();
    }
}

impl Model {
    fn begin() -> Self {
        Self {
            now: 0,
            since: 0,
            attached_at: None,
            deleted: false,
            active: true,
            interval: DAY,
            warnings: Vec::new(),
            window: None,
            scheduled_since: 0,
            generates: false,
            broken: false,
            offset: 0xe074_8953_405e_d43e_u64 as f64 / 18_446_744_073_709_551_616.0,
            due: i64::MIN,
            warned: BTreeSet::new(),
            told_due: false,
            told_overdue: false,
            failures: 0,
            next_try: i64::MIN,
            rotated: false,
            asked: None,
            value_since: 0,
            told: Vec::new(),
        }
    }

    fn say(&mut self, told: Told) {
        self.told.push((at(self.now), told));
    }

    fn due(&self) -> Option<i64> {
        let attached_at = self.attached_at?;
        if self.asked.is_some() {
            return self.asked;
        }
        let offset = (self.offset * (self.interval as f64 / 100.0).min(3_600.0)).floor() as i64;
        let is_old = self.since + self.interval <= attached_at;
        let due = if is_old { attached_at + offset } else { self.since + self.interval - offset };
        let Some((start, end)) = self.window.filter(|_| !self.is_open(due)) else { return Some(due) };
        let spread = (self.offset * ((end - start) * HOUR).min(HOUR) as f64).floor() as i64;
        Some(self.opening(due, start) + spread)
    }

    fn is_open(&self, at: i64) -> bool {
        self.window.is_none_or(|(start, end)| (start * HOUR..end * HOUR).contains(&at.rem_euclid(DAY)))
    }

    /// When it opens at an hour, at a moment or later.
    fn opening(&self, at: i64, start: i64) -> i64 {
        let today = at - at.rem_euclid(DAY) + start * HOUR;
        if today >= at { today } else { today + DAY }
    }

    fn fresh(&mut self, due: i64) {
        if self.due != due {
            self.due = due;
            (self.told_due, self.told_overdue, self.failures, self.next_try) = (false, false, 0, i64::MIN);
            self.warned.clear();
        }
    }

    fn mind(&mut self) {
        let runs = (self.active || self.asked.is_some()) && !self.deleted;
        let Some(due) = self.due().filter(|_| runs) else { return };
        if self.now < due {
            let changed = self.since.max(self.attached_at.unwrap()).max(self.scheduled_since);
            let changed = self.asked.unwrap_or(changed);
            for warning in self.warnings.clone() {
                let is_given = self.due == due && self.warned.contains(&warning);
                let is_told = self.due == due && self.told_due;
                if due - warning <= self.now && due - warning > changed && !is_given && !is_told {
                    self.fresh(due);
                    self.warned.insert(warning);
                    self.say(Told::Warned(warning));
                }
            }
            return;
        }
        let may_fire = self.asked.is_some() || self.is_open(self.now);
        if !may_fire && (self.due != due || !self.told_due) {
            return;
        }
        if self.due != due || !self.told_due {
            self.fresh(due);
            self.told_due = true;
            self.say(Told::Due);
        }
        if self.active && !self.told_overdue && self.now >= due + 2 * DAY {
            self.told_overdue = true;
            self.say(Told::Overdue);
        }
        let tries = self.active || self.failures == 0;
        if self.generates && tries && may_fire && self.now >= self.next_try {
            if self.broken {
                self.next_try = self.now + BACKOFF[self.failures.min(4)];
                self.failures += 1;
                self.say(Told::Failed(u32::try_from(self.failures).unwrap()));
            } else {
                self.rotate(Trigger::Schedule);
            }
        }
    }

    fn rotate(&mut self, trigger: Trigger) {
        if self.attached_at.is_some() {
            self.say(Told::Rotated(trigger));
        }
        (self.since, self.rotated, self.value_since, self.asked) = (self.now, true, self.now, None);
        self.due = i64::MIN;
        self.fresh(i64::MIN + 1);
    }

    fn write(&mut self) {
        if self.deleted {
            return;
        }
        let longest = self.warnings.iter().max().copied();
        let counts = self
            .due()
            .filter(|_| self.active)
            .is_some_and(|due| self.now >= due || longest.is_some_and(|longest| self.now >= due - longest));
        if counts { self.rotate(Trigger::Write) } else { self.value_since = self.now }
    }

    fn step(&mut self, step: &Step) {
        match step {
            // Minded second by second as far as it matters: whenever something can be due.
            Step::Pass(seconds) => {
                let target = self.now + seconds;
                loop {
                    self.mind();
                    let mut moments: Vec<i64> = self.warnings.iter().filter_map(|w| Some(self.due()? - w)).collect();
                    moments.extend(self.due());
                    moments.extend(self.due().map(|due| due + 2 * DAY));
                    moments.push(self.next_try);
                    moments.extend(self.window.map(|(start, _)| self.opening(self.now + 1, start)));
                    match moments.into_iter().filter(|moment| *moment > self.now && *moment <= target).min() {
                        Some(moment) => self.now = moment,
                        None => break,
                    }
                }
                self.now = target;
            }
            Step::Leap(seconds) => self.now += seconds,
            Step::Write => self.write(),
            Step::Rotate if !self.deleted => self.rotate(Trigger::Manual),
            Step::Ask => {
                let Some(due) = self.due().filter(|_| !self.deleted) else { return };
                let told = self.due == due && self.told_due;
                let untried = self.asked.is_some() && (self.due != due || self.failures == 0);
                if !(due <= self.now && told && (!self.generates || untried)) {
                    self.asked = Some(self.now);
                    self.due = i64::MIN;
                    self.fresh(self.now);
                    self.told_due = true;
                    self.say(Told::Due);
                }
            }
            Step::Attach => {
                self.asked = None;
                self.attached_at = Some(self.now);
                if !self.rotated {
                    self.since = self.value_since;
                }
                self.due = i64::MIN;
                self.fresh(i64::MIN + 1);
            }
            Step::Detach => (self.attached_at, self.asked) = (None, None),
            Step::Switch(active) => self.active = *active,
            Step::Interval(interval) => {
                if self.interval != *interval {
                    (self.interval, self.scheduled_since) = (*interval, self.now);
                }
            }
            Step::Warn(hours) => {
                let mut warnings: Vec<i64> = hours.iter().map(|hours| hours * HOUR).collect();
                warnings.sort_by_key(|warning| std::cmp::Reverse(*warning));
                if self.warnings != warnings {
                    (self.warnings, self.scheduled_since) = (warnings, self.now);
                }
            }
            Step::Window(hours) => {
                if self.window != *hours {
                    (self.window, self.scheduled_since) = (*hours, self.now);
                }
            }
            Step::Generate(generates) => self.generates = *generates,
            Step::Break(broken) => self.broken = *broken,
            Step::Delete => self.deleted = true,
            Step::Restore => self.deleted = false,
            Step::Rotate => {}
        }
        self.mind();
    }
}

fn context(now: Timestamp, attached_to: Option<AttachedTo>) -> Context {
    Context {
        now,
        actor: IdentityId::user("alice@acme.example"),
        request_id: "req_1".into(),
        settings: Settings::default(),
        found: Found { rotation: attached_to, ..Found::default() },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn years_pass_as_the_model_says(steps in prop::collection::vec(step(), 1..60)) {
        let (mut real, mut model) = (Real::begin(), Model::begin());
        real.step(&Step::Attach);
        model.step(&Step::Attach);
        for (number, step) in steps.iter().enumerate() {
            // An interval of seconds brings thousands of rotations: minded for an hour at most.
            let short = real.policy.content.interval.seconds() < HOUR;
            let step = match step {
                Step::Pass(seconds) if short => Step::Pass(seconds % HOUR),
                other => other.clone(),
            };
            real.step(&step);
            model.step(&step);
            prop_assert_eq!(&real.told, &model.told, "after step {} of {:?}", number, steps);
        }
    }
}
