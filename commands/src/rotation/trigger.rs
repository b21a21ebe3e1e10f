//! Rotation of the secrets of a policy by call: at once where the values are made here, and else as soon as they come.
//!
//! What is rotated at once is one append, with the outcome of the request if that is kept: nothing is done by halves, and
//! nothing twice.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use scaivault_domain::context::AttachedTo;
use scaivault_domain::rotation::{RotationPolicyId, Trigger, decide};
use scaivault_domain::secret::rotate::{self, NewValue, RotateSecret};
use scaivault_domain::secret::{Condition, Secret, SecretEvent, scheduled};
use scaivault_domain::{ErrorCode, IdentityId, Rejection, SecretPath, Timestamp};
use scaivault_eventstore::{Position, StoreError, log};
use scaivault_projections::View;
use scaivault_projections::rotations::item::{Item, ItemResult, item};

use super::rotate::{Made, context};
use crate::audit::Outcome;
use crate::engine::{Change, Pending};
use crate::{Answer, ChangeRequest, Engine, EntryDraft, Failure, Reply, measures, secret, sweeper};

/// Secrets that are rotated before the answer; others follow.
pub const MOST_AT_ONCE: usize = 100;
/// Secrets that are made due in one append.
const ASKED_AT_ONCE: usize = 500;
/// Values made at the same time.
const SIDE_BY_SIDE: usize = 8;
/// How long it is tried again when other writes come in between.
const PATIENCE: Duration = Duration::from_secs(20);

/// A secret that is to be rotated.
#[derive(Clone, Debug)]
pub struct Target {
    /// Which.
    pub path: SecretPath,
    /// The entry of that.
    pub entry: EntryDraft,
}

/// What became of a target.
#[derive(Clone, Debug)]
pub enum Triggered {
    /// It was tried; the note of it may come with the second telling only.
    Tried(Option<Item>),
    /// It waits for a value, or for its turn, since then.
    Waits(Timestamp),
    /// It was deleted or detached meanwhile, then.
    Gone(Timestamp),
}

/// What came of an append.
enum Appended {
    /// It is in the log.
    At(Position),
    /// Another write came in between, which is folded by now.
    Overtaken,
    /// The request is a repetition of one that another process has carried out meanwhile.
    Kept(Box<Answer>),
}

/// What is to become durable together.
struct Batch {
    /// The moment of what is decided.
    at: Timestamp,
    pending: Vec<Pending>,
    entries: Vec<log::Entry>,
    shred: Vec<u64>,
}

impl Batch {
    fn new(at: Timestamp) -> Self {
        Self { at, pending: Vec::new(), entries: Vec::new(), shred: Vec::new() }
    }
}

impl Engine {
    /// Rotates the targets, which are attached to the policy: those of a policy that makes values at once, the first
    /// hundred of them, and others when their value comes or it is their turn. `tell` may be asked more than once, and is
    /// told all at last.
    pub async fn trigger_rotation(
        &self,
        request: &ChangeRequest,
        policy: &RotationPolicyId,
        targets: &[Target],
        tell: impl Fn(&[(&SecretPath, Triggered)]) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let view = self.projections.view();
        let held = view.rotations.of(&request.owner).get(policy).ok_or_else(decide::unknown)?;
        let at_once = if held.content.auto_generate { MOST_AT_ONCE.min(targets.len()) } else { 0 };
        let (first, later) = targets.split_at_checked(at_once).unwrap_or((targets, &[]));
        let with_first = later.len().min(ASKED_AT_ONCE);
        let (with_first, before) = later.split_at_checked(with_first).unwrap_or((later, &[]));
        // What is asked for twice is done once, as long as it waits: so these may come before what must not be repeated.
        let mut asked_before = Vec::new();
        for some in before.chunks(ASKED_AT_ONCE) {
            match self.append_together(request, policy, (&[], some), |_| Ok(None)).await? {
                (Appended::Kept(answer), _) => return Ok(*answer),
                (Appended::At(_) | Appended::Overtaken, told) => asked_before.extend(told),
            }
        }
        let all = |told: &[(&SecretPath, Triggered)]| tell(&[told, &asked_before].concat());
        let appended = self.append_together(request, policy, (first, with_first), |told| all(told).map(Some)).await?;
        let (mut position, mut told) = match appended {
            (Appended::Kept(answer), _) => return Ok(*answer),
            (Appended::Overtaken, told) => (Position::START, told),
            (Appended::At(position), told) => (position, told),
        };
        for (path, triggered) in &mut told {
            if matches!(triggered, Triggered::Tried(None)) {
                let item = self.last_item(request, policy, path).await?;
                let results = item.iter().map(|item| matches!(item.result, ItemResult::Success { .. }));
                results.for_each(measures::rotated);
                *triggered = Triggered::Tried(item);
            }
        }
        let reply = all(&told)?;
        if request.idempotency.is_some() && !first.is_empty() {
            // With the events, which had no ids before.
            position = position.max(self.keep(request, &reply).await?);
        }
        Ok(Answer { reply, position, replayed: false })
    }

    /// Rotates some secrets and makes others due, in one append, with what `tell` makes of that as the outcome of the
    /// request.
    async fn append_together<'t>(
        &self,
        request: &ChangeRequest,
        policy: &RotationPolicyId,
        (first, asked): (&'t [Target], &'t [Target]),
        tell: impl Fn(&[(&'t SecretPath, Triggered)]) -> Result<Option<Reply>, serde_json::Error>,
    ) -> Result<(Appended, Vec<(&'t SecretPath, Triggered)>), Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let view = self.projections.view();
            let mut making = Vec::with_capacity(first.len());
            for target in first {
                making.push(self.make(view.clone(), &request.owner, &target.path));
            }
            let made: Vec<Result<Made, Failure>> = stream::iter(making).buffered(SIDE_BY_SIDE).collect().await;
            let now = self.now();
            let (mut batch, mut told) = (Batch::new(now), Vec::new());
            for (target, made) in first.iter().zip(made) {
                let made = made?;
                let is_there = self.enter(request, policy, &view, target, &mut batch, |secret, attached_to| {
                    self.rotated(request, &view, target, (secret, attached_to), made, now)
                })?;
                told.push((&target.path, if is_there { Triggered::Tried(None) } else { Triggered::Gone(now) }));
            }
            for target in asked {
                let is_there = self.enter(request, policy, &view, target, &mut batch, |secret, attached_to| {
                    let agenda = attached_to.agenda(secret);
                    let waits = agenda.is_some_and(|agenda| agenda.due_at() <= now && agenda.waiting_since().is_some());
                    let event = (!waits).then(|| scheduled::asked(attached_to, now));
                    Ok((event.into_iter().collect(), None, target.entry.finish(Outcome::Success)?))
                })?;
                told.push((&target.path, if is_there { Triggered::Waits(now) } else { Triggered::Gone(now) }));
            }
            let reply = tell(&told)?;
            match self.appended(request, &view, batch, reply.as_ref(), deadline).await? {
                Appended::Overtaken => {}
                other @ (Appended::At(_) | Appended::Kept(_)) => return Ok((other, told)),
            }
        }
    }

    fn rotated(
        &self,
        request: &ChangeRequest,
        view: &View,
        target: &Target,
        (secret, attached_to): (&Secret, &AttachedTo),
        made: Made,
        now: Timestamp,
    ) -> Result<Entered, Failure> {
        let attempt = (Trigger::Manual, made.started_at);
        let failed = |rejection: &Rejection| {
            let event = scheduled::failed(secret, attached_to, attempt, false, rejection, now);
            let code = rejection.code.as_str();
            Ok((vec![event], None, target.entry.finish(Outcome::Error(code))?))
        };
        let value = match made.value {
            Some(Ok(value)) => value,
            Some(Err(rejection)) => return failed(&rejection),
            None => return failed(&Rejection::field("new_value", "is required: the policy makes no values any more")),
        };
        let command = RotateSecret {
            path: target.path.clone(),
            value: NewValue::Generated { trigger: Trigger::Manual, started_at: made.started_at },
            reason: None,
            grace_seconds: None,
            condition: Condition::default(),
        };
        let context = context(view, &request.owner, attached_to.clone(), now, &request.request_id);
        let decision = rotate::decide(Some(secret), &command, &context)?;
        let secret_version = Some(decision.outcome.written.version);
        let entry = EntryDraft { secret_version, ..target.entry.clone() };
        Ok((decision.events, Some(value), entry.finish(Outcome::Success)?))
    }

    /// Adds what becomes of one target, after what the clock has brought about; tells whether it is still there.
    fn enter(
        &self,
        request: &ChangeRequest,
        policy: &RotationPolicyId,
        view: &View,
        target: &Target,
        batch: &mut Batch,
        decide: impl FnOnce(&Secret, &AttachedTo) -> Result<Entered, Failure>,
    ) -> Result<bool, Failure> {
        let (owner, path, now) = (&request.owner, &target.path, batch.at);
        let catalogue = view.secrets(owner);
        let held = catalogue.held(path.as_str());
        let attached_to = held.and_then(|held| view.rotations.of(owner).attached_to(catalogue, &held.secret));
        let attached_to = attached_to.filter(|of| of.policy.id == *policy);
        let due = held.map(|held| held.secret.due(now)).unwrap_or_default();
        let secret = Secret::preview(held.map(|held| held.secret.as_ref().clone()), &due, now, path);
        let secret = secret.filter(|secret| secret.deleted.is_none());
        let (Some(held), Some(attached_to), Some(secret)) = (held, attached_to, secret) else {
            let code = ErrorCode::SecretNotFound.as_str();
            batch.entries.push(target.entry.finish(Outcome::Error(code))?);
            return Ok(false);
        };
        let (events, value, entry) = decide(&secret, &attached_to)?;
        for event in &due {
            let swept = sweeper::entry(owner, path, event, now, &request.request_id);
            batch.entries.push(swept.finish(Outcome::Success)?);
        }
        batch.entries.push(entry);
        let all: Vec<SecretEvent> = due.iter().chain(&events).cloned().collect();
        batch.shred.extend(held.secret.shredded_by(&all));
        let events: Vec<(IdentityId, SecretEvent)> = secret::attributed(due, events, &request.actor);
        let stream = self.stream(owner, "secret", path.as_str())?;
        batch.pending.extend(secret::pending(owner, path, stream, held.revision, events, value.as_ref()));
        Ok(true)
    }

    /// Appends a batch that was made on `view`, with `reply` as the outcome of the request.
    async fn appended(
        &self,
        request: &ChangeRequest,
        view: &View,
        batch: Batch,
        reply: Option<&Reply>,
        deadline: Instant,
    ) -> Result<Appended, Failure> {
        let Batch { at, mut pending, entries, shred } = batch;
        if let Some(reply) = reply {
            pending.extend(self.outcome(request, reply)?);
        }
        if pending.is_empty() && entries.is_empty() {
            return Ok(Appended::At(Position::START));
        }
        request.handed.set();
        match self.append(&request.request_id, Change { at, pending, shred }, entries).await {
            Err(Failure::Unavailable { source: Some(StoreError::Conflict { .. }), .. }) => {}
            other => return other.map(Appended::At),
        }
        // What moved is in the log, after what was planned on.
        self.feed.look();
        self.catch_up(deadline, |later| later.applied > view.applied).await?;
        if let Some(idempotency) = &request.idempotency
            && let Some(answer) = self.kept(idempotency).await?
        {
            return Ok(Appended::Kept(Box::new(answer)));
        }
        Ok(Appended::Overtaken)
    }

    /// Keeps another outcome of a request whose work is done.
    async fn keep(&self, request: &ChangeRequest, reply: &Reply) -> Result<Position, Failure> {
        let deadline = Instant::now() + PATIENCE;
        let view = self.projections.view();
        match self.appended(request, &view, Batch::new(self.now()), Some(reply), deadline).await? {
            Appended::At(position) => Ok(position),
            // A repetition was given the first outcome: that stands.
            Appended::Overtaken | Appended::Kept(_) => Ok(Position::START),
        }
    }

    /// What was noted last of a secret under a policy.
    async fn last_item(
        &self,
        request: &ChangeRequest,
        policy: &RotationPolicyId,
        path: &SecretPath,
    ) -> Result<Option<Item>, Failure> {
        let view = self.projections.view();
        let set = view.rotations.of(&request.owner);
        let Some(policy) = set.get(policy) else { return Ok(None) };
        let Some(row) = set.history(policy).find(|row| row.path == *path) else { return Ok(None) };
        Ok(item(self.reader.history(), row.position).await?)
    }
}

/// Events of a target, the value that goes with them, and the entry.
type Entered = (Vec<SecretEvent>, Option<secret::Value>, log::Entry);
