//! The process that rotates by the clock: warnings, due dates, values that are made here, and what is overdue.
//!
//! Takes no input: it looks at what is to be done next, and compares that with what the log has. What is done about a
//! secret is one append at the revision it was decided upon, so that being killed at any point loses nothing, and a
//! second process does nothing twice. What has become due while nobody was there is caught up in the order of its
//! moments, some at a time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt as _, stream};
use scaivault_domain::audit::Action;
use scaivault_domain::context::AttachedTo;
use scaivault_domain::secret::rotate::{self, NewValue, RotateSecret};
use scaivault_domain::secret::{Condition, Secret, SecretEvent, scheduled};
use scaivault_domain::{IdentityId, Owner, SecretPath, Timestamp};
use scaivault_eventstore::{StoreError, log};
use tokio::sync::watch;

use super::handover::Handovers;
use super::rotate::context;
use crate::audit::{EntryDraft, Outcome};
use crate::engine::Change;
use crate::{Engine, Failure, ids, measures, secret, sweeper};

/// How late something due may be noticed.
const TICK: Duration = Duration::from_millis(250);
/// Secrets that are seen to at the same time, of all tenants and of one.
const SIDE_BY_SIDE: usize = 64;
const OF_TENANT: usize = 16;
/// What is looked at in a look: policies, and of each some secrets, as many of them may be under way or rest.
const POLICIES: usize = 256;
const OF_POLICY: usize = 80;
/// After a batch: requests have their turn.
const BREATH: Duration = Duration::from_millis(20);
/// Before a secret is seen to again that could not be.
const REST: Duration = Duration::from_secs(30);
/// How often it is looked whether consumers have moved.
const LOOK: Duration = Duration::from_secs(1);

/// Something to be done about a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Task {
    owner: Owner,
    path: SecretPath,
    /// Whether it keeps away from others, or others from it: then one after the other.
    is_distant: bool,
}

/// What is under way, and what rests.
#[derive(Default)]
struct Desk {
    taken: HashSet<Task>,
    resting: HashMap<Task, Instant>,
}

impl Desk {
    /// Whether a task may be begun beside the others.
    fn admits(&self, task: &Task) -> bool {
        let of_tenant = self.taken.iter().filter(|other| other.owner == task.owner);
        let (mut count, mut is_alone) = (0, true);
        for other in of_tenant {
            count += 1;
            is_alone &= !(other.is_distant && task.is_distant);
        }
        let rests = self.resting.get(task).is_some_and(|until| Instant::now() < *until);
        !rests && is_alone && count < OF_TENANT && self.taken.len() < SIDE_BY_SIDE && !self.taken.contains(task)
    }

    fn end(&mut self, task: Task, done: &Result<bool, Failure>) {
        self.taken.remove(&task);
        self.resting.retain(|_, until| Instant::now() < *until);
        if let Err(failure) = done {
            let error = failure as &dyn std::error::Error;
            tracing::warn!(target: "rotation", error, owner = ?task.owner, "a secret could not be seen to; it rests for a while");
            self.resting.insert(task, Instant::now() + REST);
        }
    }
}

impl Engine {
    /// Rotates by the clock until `stop` says so.
    pub async fn run_rotations(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let working = async { tokio::join!(self.rotate_by_the_clock(), self.mind_handovers()) };
        // What is under way is atomic: leaving it at any point is fine.
        tokio::select! {
            _ = working => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Begins what is due as places become free: nothing waits for what takes long. Does not end.
    async fn rotate_by_the_clock(&self) {
        let (mut desk, mut running) = (Desk::default(), FuturesUnordered::new());
        loop {
            let now = self.now();
            let tasks = if running.len() < SIDE_BY_SIDE { self.rotation_tasks(now) } else { Vec::new() };
            let request_id: Option<Arc<str>> = ids::request_id(now).ok().map(Into::into);
            let mut begun = 0;
            for task in tasks {
                if let Some(request_id) = request_id.clone().filter(|_| desk.admits(&task)) {
                    desk.taken.insert(task.clone());
                    begun += 1;
                    running.push(async move {
                        let done = self.see_to(&task, request_id).await;
                        (task, done)
                    });
                }
            }
            let pause = tokio::time::sleep(if begun > 0 { BREATH } else { TICK });
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    Some((task, done)) = running.next() => desk.end(task, &done),
                    () = &mut pause => break,
                }
            }
        }
    }

    /// Looks again and again whether consumers have moved. Does not end.
    async fn mind_handovers(&self) {
        let mut handovers = Handovers::default();
        loop {
            if let Err(failure) = self.see_to_handovers(&mut handovers).await {
                let error = &failure as &dyn std::error::Error;
                tracing::warn!(target: "rotation", error, "handovers could not be seen to; they are at the next look");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Does what is due now, some of it; returns how much.
    pub async fn rotate_what_is_due(&self) -> Result<usize, Failure> {
        let now = self.now();
        let tasks = self.rotation_tasks(now);
        if tasks.is_empty() {
            return Ok(0);
        }
        let request_id: Arc<str> = ids::request_id(now)?.into();
        let (distant, free): (Vec<_>, Vec<_>) = tasks.into_iter().partition(|task| task.is_distant);
        let mut begun = Vec::with_capacity(free.len());
        for task in &free {
            begun.push(self.see_to(task, request_id.clone()));
        }
        let mut outcomes: Vec<_> = stream::iter(begun).buffer_unordered(OF_TENANT).collect().await;
        for task in distant {
            outcomes.push(self.see_to(&task, request_id.clone()).await);
        }
        // One that fails must not keep the others.
        let done = outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count();
        match outcomes.into_iter().find_map(Result::err) {
            Some(failure) if done == 0 => Err(failure),
            Some(_) | None => Ok(done),
        }
    }

    /// What is due, some of each policy, in the order of its moments.
    fn rotation_tasks(&self, now: Timestamp) -> Vec<Task> {
        let view = self.projections.view();
        let mut tasks: Vec<(Timestamp, Task)> = Vec::new();
        for (owner, policy, lines) in view.rotations.due(now).take(POLICIES) {
            let (set, catalogue) = (view.rotations.of(owner), view.secrets(owner));
            let is_open = policy.content.window.as_ref().is_none_or(|window| window.holds(now));
            let has_step = |path: &SecretPath| {
                let held = catalogue.held(path.as_str());
                let attached_to = held.and_then(|held| set.attached_to(catalogue, &held.secret));
                held.zip(attached_to).is_some_and(|(held, attached_to)| {
                    scheduled::at(&held.secret, &attached_to, now) != scheduled::Scheduled::default()
                })
            };
            let mut seen = HashSet::new();
            for kind in lines.to_do(now, is_open) {
                let some = kind.filter(|(_, path)| seen.insert(*path) && has_step(path)).take(OF_POLICY);
                tasks.extend(some.map(|(at, path)| {
                    let is_distant = set.keeps_away(policy, path);
                    (at, Task { owner: owner.clone(), path: path.clone(), is_distant })
                }));
            }
        }
        tasks.sort_by_key(|(at, _)| *at);
        tasks.into_iter().map(|(_, task)| task).collect()
    }

    /// Does what is due about one secret; tells whether anything was.
    async fn see_to(&self, task: &Task, request_id: Arc<str>) -> Result<bool, Failure> {
        let Task { owner, path, .. } = task;
        let (view, now) = (self.projections.view(), self.now());
        let catalogue = view.secrets(owner);
        let Some(held) = catalogue.held(path.as_str()).cloned() else { return Ok(false) };
        let Some(attached_to) = view.rotations.of(owner).attached_to(catalogue, &held.secret) else {
            return Ok(false);
        };
        // What the clock has brought about goes into the log first.
        let swept = held.secret.due(now);
        let Some(secret) = Secret::preview(Some(held.secret.as_ref().clone()), &swept, now, path) else {
            return Ok(false);
        };
        let scheduled::Scheduled { notices, rotates } = scheduled::at(&secret, &attached_to, now);
        if notices.is_empty() && !rotates {
            return Ok(false);
        }
        let mut run = Run { owner, path, now, request_id, events: Vec::new(), entries: Vec::new(), value: None };
        for event in swept {
            run.sweep(event)?;
        }
        let secret = Secret::preview_by(Some(&scheduler()), Some(secret), &notices, now, path);
        notices.into_iter().try_for_each(|notice| run.notice(&attached_to, notice))?;
        if let Some(secret) = secret.filter(|_| rotates) {
            let made = self.make(view.clone(), owner, path).await?;
            let Some(value) = made.value else { return Ok(false) };
            // Making it may have taken long.
            run.now = self.now().max(now);
            let (trigger, initiator) = match attached_to.agenda(&secret) {
                Some(agenda) => scheduled::initiator(&agenda),
                None => return Ok(false),
            };
            match value {
                Ok(value) => {
                    let command = RotateSecret {
                        path: path.clone(),
                        value: NewValue::Generated { trigger, started_at: made.started_at },
                        reason: None,
                        grace_seconds: None,
                        condition: Condition::default(),
                    };
                    let context = context(&view, owner, attached_to.clone(), run.now, &run.request_id);
                    let decision = rotate::decide(Some(&secret), &command, &context)?;
                    run.value = Some(value);
                    run.rotated(&attached_to, &initiator, decision.events, decision.outcome.written.version)?;
                }
                Err(rejection) => {
                    let attempt = (trigger, made.started_at);
                    let event = scheduled::failed(&secret, &attached_to, attempt, true, &rejection, run.now);
                    run.failed(&attached_to, &initiator, event, rejection.code.as_str())?;
                }
            }
        }
        let Run { now, request_id, events, entries, value, .. } = run;
        let outcome = rotates.then_some(value.is_some());
        let only: Vec<SecretEvent> = events.iter().map(|(_, event)| event.clone()).collect();
        let shred = held.secret.shredded_by(&only);
        let stream = self.stream(owner, "secret", path.as_str())?;
        let pending = secret::pending(owner, path, stream, held.revision, events, value.as_ref());
        match self.append(&request_id, Change { at: now, pending, shred }, entries).await {
            Ok(_) => {
                outcome.into_iter().for_each(measures::rotated);
                Ok(true)
            }
            // Somebody was first, and what is due is looked at again.
            Err(Failure::Unavailable { source: Some(StoreError::Conflict { .. }), .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

/// What is done about one secret at once.
struct Run<'a> {
    owner: &'a Owner,
    path: &'a SecretPath,
    now: Timestamp,
    request_id: Arc<str>,
    events: Vec<(IdentityId, SecretEvent)>,
    entries: Vec<log::Entry>,
    value: Option<secret::Value>,
}

impl Run<'_> {
    fn sweep(&mut self, event: SecretEvent) -> Result<(), Failure> {
        let entry = sweeper::entry(self.owner, self.path, &event, self.now, &self.request_id);
        self.entries.push(entry.finish(Outcome::Success)?);
        self.events.push((IdentityId::system(IdentityId::SECRET_SWEEPER), event));
        Ok(())
    }

    fn notice(&mut self, attached_to: &AttachedTo, event: SecretEvent) -> Result<(), Failure> {
        let mut entry = self.entry(attached_to, Action::MetadataUpdate, None);
        entry.facts.reason = reason(&event);
        self.entries.push(entry.finish(Outcome::Success)?);
        self.events.push((scheduler(), event));
        Ok(())
    }

    fn rotated(
        &mut self,
        attached_to: &AttachedTo,
        initiator: &IdentityId,
        events: Vec<SecretEvent>,
        version: u32,
    ) -> Result<(), Failure> {
        let entry = self.entry(attached_to, Action::Rotate, Some(version));
        self.entries.push(entry.finish(Outcome::Success)?);
        self.events.extend(events.into_iter().map(|event| (initiator.clone(), event)));
        Ok(())
    }

    fn failed(
        &mut self,
        attached_to: &AttachedTo,
        initiator: &IdentityId,
        event: SecretEvent,
        code: &str,
    ) -> Result<(), Failure> {
        let entry = self.entry(attached_to, Action::Rotate, None);
        self.entries.push(entry.finish(Outcome::Error(code))?);
        self.events.push((initiator.clone(), event));
        Ok(())
    }

    fn entry(&self, attached_to: &AttachedTo, action: Action, version: Option<u32>) -> EntryDraft {
        entry(self.owner, self.path, attached_to.policy.id.as_str(), (action, version), self.now, &self.request_id)
    }
}

/// What a notice is about, for whoever reads the trail.
#[allow(clippy::wildcard_enum_match_arm, reason = "of all others there is nothing to say")]
pub(super) fn reason(event: &SecretEvent) -> Option<Arc<str>> {
    Some(match event {
        SecretEvent::RotationDue { warning: Some(warning), .. } => {
            format!("rotation due in {}", warning.as_str()).into()
        }
        SecretEvent::RotationDue { warning: None, .. } => "rotation due".into(),
        SecretEvent::RotationOverdue { .. } => "rotation overdue".into(),
        SecretEvent::GraceFinished { .. } => "all consumers have moved".into(),
        SecretEvent::StragglersFound(found) if found.missing == 0 => "the grace period ended without stragglers".into(),
        SecretEvent::StragglersFound(_) => "consumers have not moved".into(),
        _ => return None,
    })
}

/// The entry of something that the schedule did.
pub(super) fn entry(
    owner: &Owner,
    path: &SecretPath,
    policy: &str,
    (action, secret_version): (Action, Option<u32>),
    now: Timestamp,
    request_id: &Arc<str>,
) -> EntryDraft {
    let draft = EntryDraft::without_client(owner.clone(), action, Some(scheduler()), request_id.clone(), now);
    let mut draft = EntryDraft {
        secret_path: Some(path.as_str().into()),
        secret_version,
        resource: Some(format!("rotation/policies/{policy}")),
        ..draft
    };
    draft.facts.rotation = action == Action::Rotate;
    draft.facts.rotation_policy = Some(policy.into());
    draft
}

pub(super) fn scheduler() -> IdentityId {
    IdentityId::system(IdentityId::ROTATION_SCHEDULER)
}
