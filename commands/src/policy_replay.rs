//! Replays of decisions: asked for, carried out in the background, and told of.
//!
//! What is asked for is in the log, and so is what came of it; in between it is noted now and then how far it has come,
//! more and more seldom. A process that takes over goes on from there, and comes to the same end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use parking_lot::Mutex;
use scaivault_domain::id::ReplayId;
use scaivault_domain::policy::PolicyEvent;
use scaivault_domain::policy::replay::{Base, Differences, Proposal, ReplayCreated, ReplayEvent, ReplayFilters};
use scaivault_domain::{ErrorCode, Event, IdentityId, Owner, PolicyId, Rejection, Timestamp};
use scaivault_eventstore::{Revision, StoreError};
use scaivault_projections::View;
use scaivault_projections::replay::epochs::Changes;
use scaivault_projections::replay::{self, Found, Question, Way};
use scaivault_projections::replays::{HeldReplay, ReplayEnd, ReplayOutcome, ReplayProgress};
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::engine::{Change, Pending};
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids};

/// Replays of a tenant that may wait for their turn.
const MOST_OPEN: usize = 100;
/// Replays of a tenant that are kept, ended ones included.
const MOST_KEPT: usize = 1_000;
/// Tenants whose replays are carried out at the same time.
const SIDE_BY_SIDE: usize = 2;
/// How late a new one may be noticed.
const TICK: Duration = Duration::from_millis(200);
/// Before another attempt, where the log could not be read.
const PAUSE: Duration = Duration::from_secs(2);
/// When it is first noted how far one has come; the time doubles from note to note.
const FIRST_NOTE: Duration = Duration::from_secs(1);
/// Longest time between two such notes.
const LATEST_NOTE: Duration = Duration::from_secs(60);
/// Longest time to append how one ended.
const APPENDING: Duration = Duration::from_secs(120);

/// What replays under way have found, by this process.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashMap<ReplayId, Arc<Mutex<Found>>>>);

/// What is asked for.
pub struct AskedReplay {
    /// What the proposal is laid over.
    pub base: Base,
    /// Start of the period.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// Which decisions.
    pub filters: ReplayFilters,
    /// What is proposed.
    pub proposal: Proposal,
}

/// Keeps what a replay finds where it can be looked at, as long as it goes on.
struct Shown<'a> {
    running: &'a Running,
    id: ReplayId,
    found: Arc<Mutex<Found>>,
}

impl<'a> Shown<'a> {
    fn begin(running: &'a Running, id: &ReplayId, found: Found) -> Self {
        let found = Arc::new(Mutex::new(found));
        running.0.lock().insert(id.clone(), found.clone());
        Self { running, id: id.clone(), found }
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.running.0.lock().remove(&self.id);
    }
}

impl Engine {
    /// Notes that a replay is asked for.
    pub async fn create_policy_replay(
        &self,
        request: &ChangeRequest,
        asked: &AskedReplay,
        tell: impl Fn(&HeldReplay) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let owner = &request.owner;
        let id = ReplayId::from_ulid(ids::ulid(self.now())?);
        let proposal = Zeroizing::new(serde_json::to_vec(&asked.proposal)?);
        let plan = |view: &View| {
            let (set, now) = (view.replays.of(owner), self.now());
            if set.open() >= MOST_OPEN || set.all().count() >= MOST_KEPT {
                return Err(Failure::unavailable("overload"));
            }
            let retention = view.installation.audit_retention_seconds(owner);
            let AskedReplay { base, from, to, filters, proposal: _ } = asked;
            let (base, from, to, filters) = (*base, *from, *to, filters.clone());
            let created =
                ReplayCreated { id: id.clone(), base, from, to, since: now.plus_seconds(-retention), filters };
            let created_by = request.actor.clone();
            let held = HeldReplay {
                created: created.clone(),
                position: 0,
                created_at: now,
                created_by: created_by.clone(),
                progress: None,
                end: None,
            };
            let event = ReplayEvent::Created(created);
            let pending = self.replay_event(owner, set.revision(), &created_by, event, Some(proposal.clone()))?;
            Ok(Plan::success(Change::of(now, vec![pending]), request.entry.clone(), tell(&held)?))
        };
        let stream = self.stream(owner, "policy_replays", "")?;
        self.race(request, stream, |view| view.replays.of(owner).revision(), plan).await
    }

    /// Refuses ids that no policy of these owners has or had.
    pub async fn require_policies<'i>(
        &self,
        owners: &[Owner],
        wanted: impl Iterator<Item = &'i PolicyId>,
    ) -> Result<(), Failure> {
        let view = self.projections.view();
        let is_there = |id: &&PolicyId| owners.iter().any(|owner| view.policies.of(owner).get(id).is_some());
        let mut missing: HashSet<&PolicyId> = wanted.filter(|id| !is_there(id)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut changes = Changes::of(self.reader.history(), owners)?;
        while let Some(change) = changes.next(u64::MAX).await? {
            if let PolicyEvent::Created { id, .. } = &change.event
                && missing.remove(id)
                && missing.is_empty()
            {
                break;
            }
        }
        match missing.into_iter().min() {
            None => Ok(()),
            Some(id) => {
                let rejection = Rejection::new(ErrorCode::PolicyNotFound, "Policy not found");
                Err(rejection.detail("policy_id", id.as_str()).into())
            }
        }
    }

    /// What a replay has found: in the end, or so far if it goes on; `None` if it has not begun or could not be carried out.
    pub async fn policy_replay_found(&self, held: &HeldReplay) -> Result<Option<Found>, Failure> {
        let here = self.replaying.0.lock().get(&held.created.id).cloned();
        if let Some(found) = here.filter(|_| held.end.is_none()) {
            return Ok(Some(found.lock().clone()));
        }
        let (position, found) = match (&held.end, held.progress) {
            (Some(ReplayEnd { position, outcome, .. }), _) => match *outcome {
                ReplayOutcome::Failed { .. } => return Ok(None),
                ReplayOutcome::Completed { evaluated, allowed_to_denied, denied_to_allowed } => {
                    (*position, Found { evaluated, allowed_to_denied, denied_to_allowed, ..Found::default() })
                }
            },
            (None, Some(progress)) => {
                let ReplayProgress { position, way, evaluated, allowed_to_denied, denied_to_allowed } = progress;
                (position, Found { way, evaluated, allowed_to_denied, denied_to_allowed, differences: Vec::new() })
            }
            (None, None) => return Ok(None),
        };
        let part = self.reader.part(position).await?;
        let differences = part.and_then(|bytes| Differences::decode(&bytes)).unwrap_or_default().0;
        Ok(Some(Found { differences, ..found }))
    }

    /// Carries replays out until `stop` says so: of a tenant the earliest, and the tenant first whose last turn is longest
    /// ago.
    pub async fn run_policy_replays(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let working = async {
            let mut running = FuturesUnordered::new();
            let mut busy: HashSet<Owner> = HashSet::new();
            let mut turns: HashMap<Owner, u64> = HashMap::new();
            loop {
                let view = self.projections.view();
                while running.len() < SIDE_BY_SIDE {
                    let waiting = view.replays.open().filter(|(owner, _)| !busy.contains(*owner));
                    let next = waiting.min_by_key(|(owner, _)| turns.get(*owner).copied().unwrap_or_default());
                    let Some((owner, held)) = next else { break };
                    let latest = turns.values().max().copied().unwrap_or_default();
                    turns.insert(owner.clone(), latest + 1);
                    busy.insert(owner.clone());
                    running.push(self.replay(owner.clone(), held.clone()));
                }
                tokio::select! {
                    Some(owner) = running.next() => {
                        busy.remove(&owner);
                    }
                    () = tokio::time::sleep(TICK) => {}
                }
            }
        };
        // What is under way goes on from its last note.
        tokio::select! {
            () = working => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Carries one out, and notes how it ended; gives the tenant back.
    async fn replay(&self, owner: Owner, held: Arc<HeldReplay>) -> Owner {
        let started = Instant::now();
        let id = &held.created.id;
        let ended = match self.judge_again(&owner, &held).await {
            Ok(found) => {
                let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
                tracing::info!(target: "replay", replay = %id, decisions = found.evaluated, duration_ms, "decisions judged again");
                self.end_replay(&owner, &held, Ok(found)).await
            }
            Err(failure @ (Failure::Unavailable { .. } | Failure::Undecided)) => Err(failure),
            Err(failure) => {
                tracing::error!(target: "replay", error = &failure as &dyn std::error::Error, replay = %id, "a replay failed");
                self.end_replay(&owner, &held, Err(())).await
            }
        };
        if let Err(failure) = ended {
            tracing::warn!(target: "replay", error = &failure as &dyn std::error::Error, replay = %id, "a replay was broken off; it is gone on with later");
            tokio::time::sleep(PAUSE).await;
        }
        owner
    }

    async fn judge_again(&self, owner: &Owner, held: &Arc<HeldReplay>) -> Result<Found, Failure> {
        let so_far = self.policy_replay_found(held).await?.unwrap_or_default();
        let shown = Shown::begin(&self.replaying, &held.created.id, so_far);
        let found = &*shown.found;
        let proposal = self.reader.part(held.position).await?;
        let missing = || StoreError::damaged(scaivault_eventstore::Position(held.position), "its proposal is missing");
        let proposal: Proposal = serde_json::from_slice(&proposal.ok_or_else(missing)?)?;
        let view = self.projections.view();
        let tenant = owner.tenant().and_then(|id| view.installation.tenant(id));
        let partner = tenant.map(|tenant| tenant.partner_id.clone());
        let question = Question { tenant: owner.clone(), partner, replay: held.clone(), proposal };
        tokio::select! {
            judged = replay::run(&self.past, question, found) => judged?,
            () = self.note_progress(owner, held, found) => {}
        }
        Ok(found.lock().clone())
    }

    /// Notes now and then how far a replay has come. Does not end.
    async fn note_progress(&self, owner: &Owner, held: &HeldReplay, found: &Mutex<Found>) {
        let mut pause = FIRST_NOTE;
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LATEST_NOTE);
            let so_far = found.lock().clone();
            let noted = self.note(owner, held, so_far).await;
            if let Err(failure) = noted {
                let error = &failure as &dyn std::error::Error;
                tracing::debug!(target: "replay", error, replay = %held.created.id, "how far a replay has come is noted later");
            }
        }
    }

    async fn note(&self, owner: &Owner, held: &HeldReplay, found: Found) -> Result<(), Failure> {
        let Found { way: Way { from, reached, to }, evaluated, allowed_to_denied, denied_to_allowed, differences } =
            found;
        if reached == from {
            return Ok(());
        }
        let id = held.created.id.clone();
        let event = ReplayEvent::Progressed { id, from, reached, to, evaluated, allowed_to_denied, denied_to_allowed };
        let value = Some(Zeroizing::new(Differences(differences).encode()?));
        self.append_of_replay(owner, held, event, value).await
    }

    /// Notes how a replay ended.
    async fn end_replay(&self, owner: &Owner, held: &HeldReplay, found: Result<Found, ()>) -> Result<(), Failure> {
        let id = held.created.id.clone();
        let (event, value) = match found {
            Ok(Found { way: _, evaluated, allowed_to_denied, denied_to_allowed, differences }) => {
                let value = Zeroizing::new(Differences(differences).encode()?);
                (ReplayEvent::Completed { id, evaluated, allowed_to_denied, denied_to_allowed }, Some(value))
            }
            Err(()) => {
                let message = "The recorded decisions could not be read; the log of the server says why".to_owned();
                let code = ErrorCode::InternalError.as_str().to_owned();
                (ReplayEvent::Failed { id, code, message }, None)
            }
        };
        self.append_of_replay(owner, held, event, value).await
    }

    /// Appends what happened to a replay, unless it has ended.
    async fn append_of_replay(
        &self,
        owner: &Owner,
        held: &HeldReplay,
        event: ReplayEvent,
        value: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + APPENDING;
        loop {
            let (now, view) = (self.now(), self.projections.view());
            let set = view.replays.of(owner);
            if set.get(&held.created.id).is_none_or(|held| held.end.is_some()) {
                return Ok(());
            }
            let pending = self.replay_event(owner, set.revision(), &held.created_by, event.clone(), value.clone())?;
            match self.append(&ids::request_id(now)?, Change::of(now, vec![pending]), Vec::new()).await {
                Ok(_) => return Ok(()),
                Err(Failure::Unavailable { source: Some(StoreError::Conflict { .. }), .. }) => {
                    self.feed.look();
                    self.catch_up(deadline, |later| later.applied > view.applied).await?;
                }
                Err(other) => return Err(other),
            }
        }
    }

    fn replay_event(
        &self,
        owner: &Owner,
        revision: Revision,
        actor: &IdentityId,
        event: ReplayEvent,
        value: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Pending, Failure> {
        Ok(Pending {
            owner: owner.clone(),
            stream: self.stream(owner, "policy_replays", "")?,
            revision: revision.next(),
            actor: actor.clone(),
            event: Event::Replay(event),
            value,
        })
    }
}
