//! Deciding again: a change that another write overtook is planned anew on what is there by then.

use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scaivault_eventstore::{Revision, StoreError, StreamId, log};
use scaivault_projections::View;

use crate::audit::Outcome;
use crate::engine::Change;
use crate::{Answer, ChangeRequest, Engine, EntryDraft, Failure, Reply};

/// How long a command that loses races goes on trying.
const PATIENCE: Duration = Duration::from_secs(20);

/// What one command comes to on one view: all of it becomes durable in one step, or none.
pub(crate) struct Plan {
    /// Events and destroyed keys.
    pub(crate) change: Change,
    /// The request's audit entry.
    pub(crate) entry: EntryDraft,
    /// Its outcome.
    pub(crate) outcome: Outcome<'static>,
    /// Entries of what is done besides.
    pub(crate) besides: Vec<log::Entry>,
    /// What the caller is told.
    pub(crate) reply: Reply,
}

impl Plan {
    /// A success with nothing besides.
    pub(crate) fn success(change: Change, entry: EntryDraft, reply: Reply) -> Self {
        Self { change, entry, outcome: Outcome::Success, besides: Vec::new(), reply }
    }
}

impl Engine {
    /// Plans and commits until no other write comes in between.
    ///
    /// `stream` is what the plan writes to and `revision` what a view knows of it. The outcome
    /// under an idempotency key is added here; if another request took the key first, its answer is
    /// given, as a repetition.
    pub(crate) async fn race(
        &self,
        request: &ChangeRequest,
        stream: StreamId,
        revision: impl Fn(&View) -> Revision,
        plan: impl Fn(&View) -> Result<Plan, Failure>,
    ) -> Result<Answer, Failure> {
        self.race_over(request, stream, revision, |_| ready(Ok(())), |view, ()| plan(view)).await
    }

    /// The same for a plan over what has to be looked up first, such as a value. It is looked up in the view that the
    /// plan is made on, and again in the next one if that is overtaken.
    pub(crate) async fn race_over<T, L: Future<Output = Result<T, Failure>>>(
        &self,
        request: &ChangeRequest,
        stream: StreamId,
        revision: impl Fn(&View) -> Revision,
        look: impl Fn(Arc<View>) -> L,
        plan: impl Fn(&View, &T) -> Result<Plan, Failure>,
    ) -> Result<Answer, Failure> {
        let deadline = Instant::now() + PATIENCE;
        let _turn = tokio::time::timeout_at(deadline.into(), self.turns.take(stream)).await.map_err(|_| overload())?;
        loop {
            let view = self.projections.view();
            let found = look(view.clone()).await?;
            let plan = plan(&view, &found)?;
            let (moved, actual) = match self.commit(request, plan).await {
                Ok(answer) => return Ok(answer),
                Err(Failure::Unavailable { source: Some(StoreError::Conflict { stream, actual }), .. }) => {
                    (stream, actual)
                }
                Err(other) => return Err(other),
            };
            match &request.idempotency {
                Some(idempotency) if moved != stream => {
                    self.catch_up(deadline, |view| view.outcomes.revision(&idempotency.key) >= actual).await?;
                    if let Some(answer) = self.kept(idempotency).await? {
                        return Ok(answer);
                    }
                }
                Some(_) | None => self.catch_up(deadline, |view| revision(view) >= actual).await?,
            }
        }
    }

    /// The same for a plan that writes to several streams: whatever moved, it is planned anew once the fold has
    /// come further.
    pub(crate) async fn contend(
        &self,
        request: &ChangeRequest,
        plan: impl Fn(&View) -> Result<Plan, Failure>,
    ) -> Result<Answer, Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let view = self.projections.view();
            match self.commit(request, plan(&view)?).await {
                Err(Failure::Unavailable { source: Some(StoreError::Conflict { .. }), .. }) => {}
                other => return other,
            }
            // What moved is in the log, after what was planned on.
            self.feed.look();
            self.catch_up(deadline, |later| later.applied > view.applied).await?;
            if let Some(idempotency) = &request.idempotency
                && let Some(answer) = self.kept(idempotency).await?
            {
                return Ok(answer);
            }
        }
    }

    /// Concludes a request that writes to no stream but that of its idempotency key, if it has one.
    pub(crate) async fn conclude(&self, request: &ChangeRequest, plan: impl Fn() -> Plan) -> Result<Answer, Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let actual = match self.commit(request, plan()).await {
                Err(Failure::Unavailable { source: Some(StoreError::Conflict { actual, .. }), .. }) => actual,
                other => return other,
            };
            let idempotency = request.idempotency.as_ref().ok_or_else(overload)?;
            self.catch_up(deadline, |view| view.outcomes.revision(&idempotency.key) >= actual).await?;
            if let Some(answer) = self.kept(idempotency).await? {
                return Ok(answer);
            }
        }
    }

    /// Waits until the fold shows what was missed, so that deciding again is worth while.
    pub(crate) async fn catch_up(&self, deadline: Instant, shows: impl Fn(&View) -> bool) -> Result<(), Failure> {
        let mut changes = self.projections.changes();
        let waited = async {
            while !shows(&self.projections.view()) {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout_at(deadline.into(), waited).await.map_err(|_| overload())
    }
}

fn overload() -> Failure {
    Failure::unavailable("overload")
}
