//! Time travel of everything: the view as of a position of the past, the same fold that stops earlier.
//!
//! One such fold at a time: a long log takes all processors for seconds. The last few views are kept for a while, so that
//! the pages of one answer, and questions about the same moment, share a fold. A fold that takes longer than somebody
//! waits goes on, and is there for whoever asks again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use scaivault_domain::Timestamp;
use scaivault_eventstore::{Position, RecordedAt, StoreError};
use tokio::sync::Mutex as Turn;

use crate::history::History;
use crate::projector::earlier::fold_up_to;
use crate::snapshot::{Candidate, Snapshots};
use crate::{Projections, View};

/// Views kept at most.
const KEPT: usize = 3;
/// And for how long after somebody last asked for one.
const IDLE: Duration = Duration::from_secs(600);
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
    kept: Mutex<VecDeque<Kept>>,
    folding: Arc<Turn<()>>,
}

struct Kept {
    view: Arc<View>,
    asked_at: Instant,
    /// Tenants that were gone when it was folded: what is destroyed must not live on here.
    shredded: usize,
}

impl Past {
    /// Of this log, beside the read models of its present.
    pub fn new(history: History, projections: Arc<Projections>) -> Self {
        Self { history, projections, snapshots: None, kept: Mutex::default(), folding: Arc::default() }
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

    /// Everything as it was right after the record at `position`, which is in the log.
    pub async fn view(self: &Arc<Self>, position: Position, patience: Duration) -> Result<Arc<View>, PastError> {
        if position == Position::START {
            return Ok(Arc::default());
        }
        if let Some(view) = self.at_hand(position) {
            return Ok(view);
        }
        let folded = async {
            let turn = Arc::clone(&self.folding).lock_owned().await;
            if let Some(view) = self.at_hand(position) {
                return Ok(view);
            }
            let past = Arc::clone(self);
            #[allow(clippy::disallowed_methods, reason = "it ends by itself, and is to go on if nobody waits any more")]
            let folding = tokio::spawn(async move {
                let folded = past.fold(position).await;
                drop(turn);
                folded
            });
            folding.await.unwrap_or_else(|panic| Err(StoreError::unavailable(panic)))
        };
        match tokio::time::timeout(patience, folded).await {
            Ok(folded) => Ok(folded?),
            Err(_) => Err(PastError::NotYet),
        }
    }

    fn at_hand(&self, position: Position) -> Option<Arc<View>> {
        let present = self.projections.view();
        if present.applied == position {
            return Some(present);
        }
        let shredded = present.installation.shredded_count();
        let mut kept = self.kept.lock();
        kept.retain(|kept| kept.shredded == shredded && kept.asked_at.elapsed() < IDLE);
        let found = kept.iter_mut().find(|kept| kept.view.applied == position)?;
        found.asked_at = Instant::now();
        Some(found.view.clone())
    }

    async fn fold(self: &Arc<Self>, position: Position) -> Result<Arc<View>, StoreError> {
        let started = Instant::now();
        let shredded = self.projections.view().installation.shredded_count();
        let start = self.start(position).await;
        let view = fold_up_to(self.history.backend.as_ref(), &self.history.sealer, &start, position).await?;
        tracing::info!(
            target: "replay",
            position = position.0,
            from = start.applied.0,
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "the log folded up to a position of the past"
        );
        let view = Arc::new(view);
        self.keep(Kept { view: view.clone(), asked_at: Instant::now(), shredded });
        Ok(view)
    }

    fn keep(self: &Arc<Self>, new: Kept) {
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT
            && let Some(longest_unasked) = (0..kept.len()).min_by_key(|index| kept.get(*index).map(|of| of.asked_at))
        {
            kept.remove(longest_unasked);
        }
        let is_watched = !kept.is_empty();
        kept.push_back(new);
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
                kept.retain(|kept| kept.shredded == shredded && kept.asked_at.elapsed() < IDLE);
                if kept.is_empty() {
                    return;
                }
            }
        });
    }

    /// The latest view at hand that is not after `position`.
    async fn start(&self, position: Position) -> Arc<View> {
        let present = self.projections.view();
        let shredded = present.installation.shredded_count();
        let sound: Vec<_> = {
            let kept = self.kept.lock();
            kept.iter().filter(|kept| kept.shredded == shredded).map(|kept| kept.view.clone()).collect()
        };
        let at_hand = sound.into_iter().chain([present, Arc::default()]).filter(|view| view.applied <= position);
        let at_hand = at_hand.max_by_key(|view| view.applied).unwrap_or_default();
        match self.snapshot(at_hand.applied, position).await {
            Some(view) => Arc::new(view),
            None => at_hand,
        }
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
