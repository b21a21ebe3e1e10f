//! The one task that folds the log, and the handle through which the rest reads the result.

pub(crate) mod earlier;
mod fold;
mod opening;

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use parking_lot::RwLock;
use scaivault_eventstore::log::{Batch, FeedReader};
use scaivault_eventstore::sealing::Sealer;
use scaivault_eventstore::{Position, StoreError};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

use crate::accesses::Accesses;
use crate::bells::Bells;
use crate::events::Events;
use crate::outboxes::Outboxes;
use crate::values::Values;
use crate::view::View;
use fold::{Beside, Fold};
use opening::{Opened, Wanted, open, open_aside};

/// Parts of batches that are being opened while earlier ones are folded.
const AHEAD: usize = 48;
/// Batches whose parts may be opened meanwhile: large ones have few parts.
const BATCHES_AHEAD: usize = 3;
/// How often what is folded is shown while more is waiting, at first and at most: to show it is to
/// share it, and what is shared is copied before it changes again.
const SHOWING_FIRST: Duration = Duration::from_millis(20);
const SHOWING_LAST: Duration = Duration::from_secs(10);

/// How the fold is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectorState {
    /// Folding.
    Running,
    /// Stopped at something that must not be guessed around; the text says where and what.
    Stopped(String),
}

/// The read models.
pub struct Projections {
    view: ArcSwap<View>,
    accesses: RwLock<Accesses>,
    outboxes: RwLock<Outboxes>,
    values: Values,
    events: Events,
    bells: Arc<Bells>,
    applied: watch::Sender<Position>,
    /// How far the fold has come, shown or not, and how many audit entries that was.
    folded: AtomicU64,
    entries: AtomicU64,
    state: watch::Sender<ProjectorState>,
    damage: OnceLock<String>,
    /// Held from the first change that is not shown until it is: in between, everything is as of one
    /// position.
    folding: Arc<Mutex<()>>,
}

/// Everything but values, as of one position. Later changes do not touch it.
#[derive(Clone, Default)]
pub struct Frozen {
    /// The read models.
    pub view: View,
    /// The access counters.
    pub accesses: Accesses,
    /// What is on its way.
    pub outboxes: Outboxes,
}

impl Default for Projections {
    fn default() -> Self {
        Self::resumed(Frozen::default())
    }
}

impl Projections {
    /// To go on where a snapshot was taken.
    pub fn resumed(frozen: Frozen) -> Self {
        let applied = watch::Sender::new(frozen.view.applied);
        Self {
            folded: AtomicU64::new(frozen.view.applied.0),
            entries: AtomicU64::new(0),
            view: ArcSwap::from_pointee(frozen.view),
            accesses: RwLock::new(frozen.accesses),
            outboxes: RwLock::new(frozen.outboxes),
            values: Values::default(),
            events: Events::default(),
            bells: Arc::default(),
            applied,
            state: watch::Sender::new(ProjectorState::Running),
            damage: OnceLock::new(),
            folding: Arc::default(),
        }
    }

    /// Everything as of one position.
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// Reads the access counters.
    pub fn accesses<T>(&self, read: impl FnOnce(&Accesses) -> T) -> T {
        read(&self.accesses.read())
    }

    /// Reads what is on its way to webhooks and subscriptions.
    pub fn outboxes<T>(&self, read: impl FnOnce(&Outboxes) -> T) -> T {
        read(&self.outboxes.read())
    }

    /// Wakes who waits for events.
    pub fn bells(&self) -> &Arc<Bells> {
        &self.bells
    }

    /// The events at hand.
    pub(crate) fn events(&self) -> &Events {
        &self.events
    }

    /// The values at hand.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Everything as it is between two batches. Copies share what does not change, so this takes no
    /// time and the fold goes on.
    pub async fn freeze(&self) -> Frozen {
        let _between = self.folding.lock().await;
        Frozen {
            view: View::clone(&self.view()),
            accesses: self.accesses.read().clone(),
            outboxes: self.outboxes.read().clone(),
        }
    }

    /// How far the fold has come; ahead of [`Self::applied`] while there is much to fold.
    pub fn folded(&self) -> Position {
        Position(self.folded.load(Ordering::Relaxed))
    }

    /// Audit entries folded by this process.
    pub fn entries_folded(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    /// The last position folded.
    pub fn applied(&self) -> Position {
        *self.applied.borrow()
    }

    /// How the fold is doing.
    pub fn state(&self) -> ProjectorState {
        self.state.borrow().clone()
    }

    /// Waits until `position` is folded. `false` after `patience`, or when the fold has stopped.
    pub async fn wait_for(&self, position: Position, patience: Duration) -> bool {
        if *self.applied.borrow() >= position {
            return true;
        }
        let mut applied = self.applied.subscribe();
        let mut state = self.state.subscribe();
        let reached = async { applied.wait_for(|applied| *applied >= position).await.is_ok() };
        let stopped = async { state.wait_for(|state| *state != ProjectorState::Running).await.is_ok() };
        tokio::select! {
            reached = reached => reached,
            _ = stopped => false,
            () = tokio::time::sleep(patience) => false,
        }
    }

    /// Wakes whenever something was folded.
    pub fn changes(&self) -> watch::Receiver<Position> {
        self.applied.subscribe()
    }

    /// Folds what `reader` gives until it fails. Run by one task.
    pub async fn run(self: Arc<Self>, reader: FeedReader, sealer: Sealer) -> StoreError {
        let error = self.fold_all(reader, sealer).await;
        tracing::error!(target: "projections", error = %error, "the fold has stopped");
        self.state.send_replace(ProjectorState::Stopped(error.to_string()));
        error
    }

    /// Notes that the log, or the tree over it, is damaged where it had been folded before. What came of it
    /// then is served on.
    pub fn note_damage(&self, error: &StoreError) {
        // The first is the one to look at.
        if self.damage.set(error.to_string()).is_ok() {
            tracing::error!(target: "projections", error = %error, "the log is damaged where it was read before");
        }
    }

    /// What [`Self::note_damage`] was told.
    pub fn damage(&self) -> Option<&str> {
        self.damage.get().map(String::as_str)
    }

    /// What is far behind is read, opened and folded side by side; what has just been committed is
    /// folded at once.
    async fn fold_all(&self, reader: FeedReader, sealer: Sealer) -> StoreError {
        let mut fold = Fold::of(&self.view());
        let mut opening = FuturesOrdered::new();
        let mut shown = Instant::now();
        let mut showing = SHOWING_FIRST;
        let mut batches = 0;
        let mut reading = Reading::of(reader, false);
        loop {
            let done = tokio::select! {
                biased;
                // First: it goes on while the rest is folded.
                (reader, batch) = reading.done(), if opening.len() < AHEAD && batches < BATCHES_AHEAD => {
                    let far_behind = batch.as_ref().is_ok_and(|batch| batch.len() >= opening::PART);
                    reading = Reading::of(reader, far_behind);
                    match batch {
                        Err(error) => {
                            // What was read before it is sound.
                            while let Some(opened) = opening.next().await {
                                if let Err(earlier) = self.apply(&mut fold, opened, &sealer, true).await {
                                    return earlier;
                                }
                            }
                            return error;
                        }
                        Ok(batch) if opening.is_empty() && batch.len() < opening::PART => {
                            self.apply(&mut fold, open(&sealer, batch), &sealer, true).await
                        }
                        Ok(batch) => {
                            batches += 1;
                            opening.extend(open_aside(&sealer, &batch, &Wanted::Everything));
                            Ok(())
                        }
                    }
                }
                Some(opened) = opening.next() => {
                    batches -= usize::from(opened.is_last());
                    let caught_up = opening.is_empty();
                    // What is not shown has something after it, with which it will be.
                    let show = caught_up || shown.elapsed() >= showing;
                    if show {
                        shown = Instant::now();
                        showing = if caught_up { SHOWING_FIRST } else { SHOWING_LAST.min(showing * 4) };
                    }
                    self.apply(&mut fold, opened, &sealer, show).await
                }
            };
            if let Err(error) = done {
                return error;
            }
        }
    }

    /// Folds a part, and shows what has been folded so far if `show` says so, or nothing follows.
    async fn apply(&self, fold: &mut Fold, opened: Opened, sealer: &Sealer, show: bool) -> Result<(), StoreError> {
        let on_the_way = opened.batch.is_received().then(|| opened.batch.age());
        let (opened, failed) = opening::retried(opened, sealer).await;
        let folded = {
            let folding = match fold.unshown.take() {
                Some(folding) => folding,
                None => Arc::clone(&self.folding).lock_owned().await,
            };
            let beside = Beside {
                accesses: &self.accesses,
                values: &self.values,
                outboxes: &self.outboxes,
                events: &self.events,
            };
            let folded = fold.apply(opened, Some(beside));
            self.folded.store(fold.view.applied.0, Ordering::Relaxed);
            self.entries.store(fold.entries, Ordering::Relaxed);
            // What came before a record that does not hold is sound, and is shown.
            if show || folded.is_err() || failed.is_some() {
                self.view.store(Arc::new(fold.view.clone()));
                fold.forget_values(&self.values, &self.events);
                self.applied.send_replace(fold.view.applied);
                let changed = self.outboxes.write().take_changed();
                self.bells.ring(changed);
            } else {
                fold.unshown = Some(folding);
            }
            folded
        };
        if let Some(on_the_way) = on_the_way {
            metrics::histogram!("scaivault_bus_latency_seconds").record(on_the_way);
        }
        folded.and(failed.map_or(Ok(()), Err))
    }
}

/// The next batch on its way, and its reader.
struct Reading(Pin<Box<dyn Future<Output = Read> + Send>>);

type Read = (FeedReader, Result<Batch, StoreError>);

impl Reading {
    /// `aside` while there is more to do than to read: on a task of its own.
    fn of(mut reader: FeedReader, aside: bool) -> Self {
        let read = async move {
            let batch = reader.next().await;
            (reader, batch)
        };
        if !aside {
            return Self(Box::pin(read));
        }
        let mut task = JoinSet::new();
        task.spawn(read);
        Self(Box::pin(async move {
            match task.join_next().await {
                Some(Ok(read)) => read,
                // A panic in there is a defect, and stops the fold as one in here would.
                Some(Err(error)) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // The runtime is on its way out.
                    Err(_) => std::future::pending().await,
                },
                None => std::future::pending().await,
            }
        }))
    }

    /// To be polled to the end, even if something else is done in between.
    async fn done(&mut self) -> Read {
        self.0.as_mut().await
    }
}
