//! What is to be done about an attached secret at a moment, and when there is something to do next.

use super::{Cycle, RotationPolicy, Schedule};
use crate::{DurationText, Timestamp};

/// How an attached secret stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not soon.
    Scheduled,
    /// Announced.
    Warning,
    /// Due, and without a new value.
    Due,
    /// The same, for longer than the grace period.
    Overdue,
    /// The last automatic attempt failed.
    Failed,
    /// Its policy is disabled, or it is soft-deleted.
    Paused,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] = [Self::Scheduled, Self::Warning, Self::Due, Self::Overdue, Self::Failed, Self::Paused];

    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Warning => "warning",
            Self::Due => "due",
            Self::Overdue => "overdue",
            Self::Failed => "failed",
            Self::Paused => "paused",
        }
    }

    /// The status of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether a write of the value counts as the rotation.
    pub fn takes_writes(self) -> bool {
        matches!(self, Self::Warning | Self::Due | Self::Overdue | Self::Failed)
    }
}

/// What is to be told or done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It will be due.
    Warn(DurationText),
    /// It is due.
    TellDue,
    /// It is overdue.
    TellOverdue,
    /// A value is to be made.
    Rotate,
}

/// An attached secret on the schedule of its active policy.
#[derive(Clone, Debug)]
pub struct Agenda<'a> {
    policy: &'a RotationPolicy,
    schedule: Schedule,
    /// Of this due date.
    cycle: Cycle,
}

impl<'a> Agenda<'a> {
    /// Of a secret that the policy does not pause.
    pub fn new(policy: &'a RotationPolicy, regular: Schedule, cycle: &Cycle) -> Self {
        let schedule = cycle.schedule(regular);
        Self { policy, cycle: cycle.of(schedule.due_at), schedule }
    }

    /// When it is due.
    pub fn due_at(&self) -> Timestamp {
        self.schedule.due_at
    }

    /// What has been told and tried of that date.
    pub fn cycle(&self) -> &Cycle {
        &self.cycle
    }

    /// When it is overdue.
    pub fn overdue_at(&self) -> Timestamp {
        self.due_at().plus_seconds(self.policy.content.grace_period.seconds())
    }

    /// How it stands.
    pub fn status(&self, now: Timestamp) -> Status {
        let is_announced = self.due_at().plus_seconds(-self.policy.content.warn_before.longest()) <= now;
        match self.due_at() <= now {
            true if self.overdue_at() <= now => Status::Overdue,
            true if self.cycle.failures > 0 => Status::Failed,
            true => Status::Due,
            false if is_announced && !self.policy.content.warn_before.all().is_empty() => Status::Warning,
            false => Status::Scheduled,
        }
    }

    /// What is to be done at `now`, in the order of its moments.
    pub fn steps(&self, now: Timestamp) -> Vec<Step> {
        if now < self.due_at() {
            let due = self.warnings().filter(|(moment, _)| *moment <= now);
            return due.map(|(_, warning)| Step::Warn(warning.clone())).collect();
        }
        let may_fire = !self.is_bound() || self.policy.content.window.as_ref().is_none_or(|window| window.holds(now));
        let mut steps = Vec::new();
        if self.cycle.told_at.is_none() && may_fire {
            steps.push(Step::TellDue);
        }
        let is_told = self.cycle.told_at.is_some() || may_fire;
        if is_told && self.overdue_is_told() && self.overdue_at() <= now {
            steps.push(Step::TellOverdue);
        }
        let may_try = self.is_tried_again() && self.cycle.next_attempt_at.is_none_or(|at| at <= now);
        if self.policy.content.auto_generate && may_fire && may_try {
            steps.push(Step::Rotate);
        }
        steps
    }

    /// Since when it waits: for a value from outside, or for its turn, as somebody asked. An attempt that failed is no
    /// waiting.
    pub fn waiting_since(&self) -> Option<Timestamp> {
        let waits = !self.policy.content.auto_generate || (self.cycle.asked.is_some() && self.cycle.failures == 0);
        self.cycle.told_at.filter(|_| waits)
    }

    /// When it is to be warned next; nothing comes of it once it is due.
    pub fn warns_at(&self) -> Option<Timestamp> {
        self.warnings().map(|(moment, _)| moment).min()
    }

    /// When there is something else to do next, the window open or not.
    pub fn free_at(&self) -> Option<Timestamp> {
        let overdue = (self.cycle.told_at.is_some() && self.overdue_is_told()).then(|| self.overdue_at());
        let asked = self.fires_at().filter(|_| !self.is_bound());
        [overdue, asked].into_iter().flatten().min()
    }

    /// When there is something to do next that only happens while the window is open.
    pub fn bound_at(&self) -> Option<Timestamp> {
        self.fires_at().filter(|_| self.is_bound())
    }

    fn fires_at(&self) -> Option<Timestamp> {
        match (self.cycle.told_at, self.policy.content.auto_generate && self.is_tried_again()) {
            (None, _) => Some(self.due_at()),
            (Some(_), true) => Some(self.cycle.next_attempt_at.unwrap_or_else(|| self.due_at())),
            (Some(_), false) => None,
        }
    }

    /// A disabled policy does what it is asked to, once.
    fn is_tried_again(&self) -> bool {
        self.policy.is_active || self.cycle.failures == 0
    }

    fn overdue_is_told(&self) -> bool {
        self.policy.is_active && !self.cycle.told_overdue
    }

    /// What somebody asked for is not bound to the window.
    fn is_bound(&self) -> bool {
        self.cycle.asked.is_none()
    }

    /// Warnings that are still to be given, with their moments.
    fn warnings(&self) -> impl Iterator<Item = (Timestamp, &DurationText)> {
        let all = self.policy.content.warn_before.all().iter();
        let moments = all.map(|warning| (self.due_at().plus_seconds(-warning.seconds()), warning));
        let is_open = move |moment: Timestamp| moment > self.schedule.since && self.cycle.told_at.is_none();
        moments.filter(move |(moment, warning)| is_open(*moment) && !self.cycle.warned.contains(warning))
    }
}
