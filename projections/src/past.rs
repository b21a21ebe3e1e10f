//! Time travel: the view as of a position of the past, the same fold that stops earlier.
//!
//! Each owner has a past of its own, in which is what its answers need (`scope`). It has one fold at a time, and few
//! owners have theirs side by side: a long log takes all processors for seconds. The last few views are kept for a while,
//! so that the pages of one answer, and questions about the same moment, share a fold. A fold that takes longer than
//! somebody waits goes on, and is there for whoever asks again.

mod kept;
pub mod published;
pub(crate) mod scope;

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use scaivault_domain::access::Target;
use scaivault_domain::{Owner, Timestamp};
use scaivault_eventstore::{Position, RecordedAt, StoreError};
use tokio::sync::{Mutex as Turn, Semaphore};

use self::kept::{Kept, Shelf};
use self::scope::Scope;

use crate::history::History;
use crate::projector::earlier::fold_up_to;
use crate::snapshot::{Candidate, Snapshots};
use crate::{Projections, View};

/// Folds at a time. Each has work for all processors; with a second one, whoever asks of little need not wait for much.
const SIDE_BY_SIDE: usize = 2;
/// Between two looks at what is kept: nothing of a tenant that is gone stays for longer.
const LOOK: Duration = Duration::from_secs(10);

/// Why there is no view of the past.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// It takes longer than the caller waits. What is under way goes on.
    #[error("the state of that moment is not rebuilt yet")]
    NotYet,
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Views of the past.
pub struct Past {
    history: History,
    projections: Arc<Projections>,
    snapshots: Option<Snapshots>,
    kept: Mutex<Shelf>,
    /// Held while a view of that owner is folded, or is about to be.
    turns: Mutex<HashMap<Owner, Weak<Turn<()>>>>,
    places: Semaphore,
}

impl Past {
    /// Of this log, beside the read models of its present.
    pub fn new(history: History, projections: Arc<Projections>) -> Self {
        let places = Semaphore::new(SIDE_BY_SIDE);
        Self { history, projections, snapshots: None, kept: Mutex::default(), turns: Mutex::default(), places }
    }

    /// With snapshots, from which folds may begin.
    #[must_use]
    pub fn resuming(self, snapshots: Option<Snapshots>) -> Self {
        Self { snapshots, ..self }
    }

    /// The log.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The end of the log.
    pub async fn end(&self) -> Result<Position, StoreError> {
        Ok(self.history.backend.head().await?.position)
    }

    /// The last record that was recorded at `at` or before; the start of the log if there is none. Times never decrease
    /// along the log.
    pub async fn last_up_to(&self, at: Timestamp) -> Result<Position, StoreError> {
        let head = self.history.backend.head().await?;
        let at = RecordedAt(at.as_micros());
        if head.recorded_at <= at {
            return Ok(head.position);
        }
        // The record at `low` is not later than `at`, the one at `high` is.
        let (mut low, mut high) = (Position::START.0, head.position.0);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match self.time(Position(middle)).await? <= at {
                true => low = middle,
                false => high = middle,
            }
        }
        Ok(Position(low))
    }

    /// When the record at `position`, which is in the log, was recorded.
    pub async fn recorded_at(&self, position: Position) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_micros(self.time(position).await?.0))
    }

    async fn time(&self, position: Position) -> Result<RecordedAt, StoreError> {
        let missing = || StoreError::damaged(position, "the record is missing");
        Ok(self.history.backend.read_at(position).await?.ok_or_else(missing)?.recorded_at)
    }

    /// What `target` was right after the record at `position`, which is in the log: its policies and secrets, those of
    /// its partner, and who there was.
    pub async fn view(
        self: &Arc<Self>,
        target: &Target,
        position: Position,
        patience: Duration,
    ) -> Result<Arc<View>, PastError> {
        if position == Position::START {
            return Ok(Arc::default());
        }
        if let Some(view) = self.at_hand(target, position) {
            return Ok(view);
        }
        let folded = async {
            let turn = self.turn(&target.owner).lock_owned().await;
            if let Some(view) = self.at_hand(target, position) {
                return Ok(view);
            }
            let (past, target) = (Arc::clone(self), target.clone());
            #[allow(clippy::disallowed_methods, reason = "it ends by itself, and is to go on if nobody waits any more")]
            let folding = tokio::spawn(async move {
                // First come, first served, and nobody comes twice: an owner's next fold waits for its turn.
                let place = past.places.acquire().await.map_err(StoreError::unavailable)?;
                let folded = past.fold(&target, position).await;
                drop((place, turn));
                folded
            });
            folding.await.unwrap_or_else(|panic| Err(StoreError::unavailable(panic)))
        };
        match tokio::time::timeout(patience, folded).await {
            Ok(folded) => Ok(folded?),
            Err(_) => Err(PastError::NotYet),
        }
    }

    fn turn(&self, owner: &Owner) -> Arc<Turn<()>> {
        let mut turns = self.turns.lock();
        if let Some(turn) = turns.get(owner).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        turns.insert(owner.clone(), Arc::downgrade(&turn));
        turn
    }

    fn at_hand(&self, target: &Target, position: Position) -> Option<Arc<View>> {
        let present = self.projections.view();
        if present.applied == position {
            return Some(present);
        }
        self.kept.lock().at(target, position, present.installation.shredded_count())
    }

    async fn fold(self: &Arc<Self>, target: &Target, position: Position) -> Result<Arc<View>, StoreError> {
        let started = Instant::now();
        let present = self.projections.view();
        let shredded = present.installation.shredded_count();
        let scope = Arc::new(Scope::of(target, &present.installation));
        let start = self.start(target, &scope, position).await;
        let view = fold_up_to(self.history.backend.as_ref(), &self.history.sealer, &start, &scope, position).await?;
        tracing::info!(
            target: "replay",
            position = position.0,
            from = start.applied.0,
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "the log folded up to a position of the past"
        );
        let view = Arc::new(view);
        self.keep(Kept { target: target.clone(), view: view.clone(), asked_at: Instant::now(), shredded });
        Ok(view)
    }

    fn keep(self: &Arc<Self>, new: Kept) {
        let mut kept = self.kept.lock();
        let is_watched = !kept.is_empty();
        kept.keep(new);
        drop(kept);
        if is_watched {
            return;
        }
        let past = Arc::downgrade(self);
        #[allow(clippy::disallowed_methods, reason = "it ends by itself when nothing is kept any more")]
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let Some(past) = past.upgrade() else { return };
                let shredded = past.projections.view().installation.shredded_count();
                let mut kept = past.kept.lock();
                kept.sort_out(shredded);
                if kept.is_empty() {
                    return;
                }
            }
        });
    }

    /// The latest view at hand that is not after `position`: of the same owner, or of all.
    async fn start(&self, target: &Target, scope: &Arc<Scope>, position: Position) -> Arc<View> {
        let present = self.projections.view();
        let shredded = present.installation.shredded_count();
        let earlier = self.kept.lock().earlier(target, position, shredded);
        let present = Some(present).filter(|view| view.applied <= position);
        let at_hand = earlier.into_iter().chain(present).max_by_key(|view| view.applied).unwrap_or_default();
        let Some(mut view) = self.snapshot(at_hand.applied, position).await else { return at_hand };
        let scope = Arc::clone(scope);
        // As long as there is much that is of others.
        let narrowed = tokio::task::spawn_blocking(move || {
            view.narrow_to(&scope);
            view
        });
        narrowed.await.map_or(at_hand, Arc::new)
    }

    /// A sound snapshot of this log from between two positions.
    async fn snapshot(&self, after: Position, up_to: Position) -> Option<View> {
        let snapshots = self.snapshots.clone()?;
        let fits = |candidate: &Candidate| candidate.position > after && candidate.position <= up_to;
        let candidate = snapshots.candidates().into_iter().find(fits)?;
        let record = self.history.backend.read_at(candidate.position).await.ok()??;
        if record.leaf_hash != candidate.leaf {
            return None;
        }
        let read = tokio::task::spawn_blocking(move || snapshots.read(&candidate)).await;
        // Whatever is wrong with it, the log is folded.
        Some(read.ok()?.ok()?.view)
    }
}
