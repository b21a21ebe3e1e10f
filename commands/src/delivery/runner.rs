//! Sends what waits for one recipient: in order within a lane, several lanes side by side, as many as it can take.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use scaivault_domain::delivery::{Attempt, Outcome, Recipient, Slot};
use scaivault_domain::publication::Published;
use scaivault_projections::outboxes::outbox::{ERASED, HIDDEN};
use scaivault_projections::outboxes::{Outbox, Waiting};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use super::attempt::Parcel;
use super::lanes::Lanes;
use super::target::Target;
use crate::{Engine, Failure};

/// Attempts at the same time to one recipient: at first, and at most while it answers well.
const PACE_FIRST: usize = 8;
const PACE_MOST: usize = 64;
/// Attempts that are not noted yet; beyond it nothing is sent.
const UNNOTED: usize = 1_000;
/// Rows in one record.
pub(super) const ROWS: usize = 250;
/// How late something due may be noticed when the clock is moved.
const TICK: Duration = Duration::from_millis(250);
/// Before what failed inside this process is tried again.
const REST: Duration = Duration::from_secs(1);

/// One recipient's runner.
pub(super) struct Runner {
    engine: Arc<Engine>,
    to: Recipient,
    bell: Arc<Notify>,
    places: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
    lanes: Lanes,
    target: Option<Arc<Target>>,
    pace: usize,
    /// What was tried, or given up, and is in no record yet.
    unnoted: Vec<Attempt>,
}

/// What came of a slot that was taken.
enum Done {
    /// It was tried, or is given up.
    Attempted(Box<Attempt>),
    /// Nothing could be done about it now.
    NotNow(Slot),
}

type Noting = Pin<Box<dyn Future<Output = (Vec<Attempt>, Result<(), Failure>)> + Send>>;

impl Runner {
    pub(super) fn new(
        engine: Arc<Engine>,
        to: Recipient,
        bell: Arc<Notify>,
        places: Arc<Semaphore>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let (lanes, unnoted) = (Lanes::default(), Vec::new());
        Self { engine, to, bell, places, stop, lanes, target: None, pace: PACE_FIRST, unnoted }
    }

    /// Ends when nothing waits any more.
    pub(super) async fn run(mut self) {
        let mut under_way = FuturesUnordered::new();
        let mut noting: Option<Noting> = None;
        loop {
            let stopping = *self.stop.borrow();
            let outbox = self.engine.projections.outboxes(|all| all.outbox(&self.to).cloned());
            let is_over = outbox.as_ref().is_none_or(Outbox::is_idle) || stopping;
            if is_over && under_way.is_empty() && self.unnoted.is_empty() && noting.is_none() {
                return;
            }
            if let Some(outbox) = outbox.as_ref().filter(|_| !stopping) {
                if !self.aim(outbox).await {
                    tokio::time::sleep(REST).await;
                    continue;
                }
                self.see_to_end(outbox).await;
                while under_way.len() < self.pace && self.unnoted.len() < UNNOTED {
                    let Some(started) = self.start(outbox, under_way.is_empty()) else { break };
                    under_way.push(started);
                }
            }
            if noting.is_none() && !self.unnoted.is_empty() {
                let some = self.unnoted.drain(..self.unnoted.len().min(ROWS)).collect();
                noting = Some(Box::pin(note(self.engine.clone(), self.to.clone(), some)));
            }
            tokio::select! {
                Some(done) = under_way.next() => self.take(done),
                (attempts, noted) = async { match noting.as_mut() {
                    Some(noting) => noting.await,
                    None => std::future::pending().await,
                } } => {
                    noting = None;
                    self.noted(attempts, noted).await;
                }
                () = self.bell.notified() => {}
                () = tokio::time::sleep(self.pause()) => {}
            }
        }
    }

    /// Looks whom it is about now. `false` if what it is signed with cannot be had.
    async fn aim(&mut self, outbox: &Outbox) -> bool {
        let view = self.engine.projections.view();
        match Target::of(&self.engine, &view, &outbox.owner, &self.to, self.target.as_ref()).await {
            Ok(target) => {
                self.target = target;
                true
            }
            Err(failure) => {
                self.complain(&failure, "its secrets cannot be read; it is tried again");
                false
            }
        }
    }

    /// Whether the server is to give the recipient up, and what was to be sent when it was.
    async fn see_to_end(&mut self, outbox: &Outbox) {
        let ended = match self.target.as_ref().filter(|target| target.is_enabled) {
            Some(_) => {
                self.lanes.take_in(outbox);
                self.engine.give_up_if_hopeless(&self.to, outbox).await
            }
            // What was taken in has ended.
            None => {
                self.lanes = Lanes::default();
                self.engine.note_dropped(&self.to, outbox).await
            }
        };
        if let Err(failure) = ended {
            self.complain(&failure, "what ended could not be noted; it is tried again");
            tokio::time::sleep(REST).await;
        }
    }

    /// Begins with the next that is due; the first needs no place, so that nobody waits for others.
    fn start(&mut self, outbox: &Outbox, is_first: bool) -> Option<impl Future<Output = Done> + use<>> {
        let target = self.target.clone().filter(|target| target.is_enabled)?;
        let place = if is_first { None } else { Some(self.places.clone().try_acquire_owned().ok()?) };
        let (slot, waiting) = loop {
            let slot = self.lanes.next(self.engine.now())?;
            match outbox.waiting.get(&slot) {
                Some(waiting) => break (slot, waiting.clone()),
                // It has ended meanwhile.
                None => self.lanes.settle(slot, Outcome::Failed {}),
            }
        };
        let (engine, to) = (self.engine.clone(), self.to.clone());
        Some(async move { send(&engine, &to, &target, slot, &waiting, place).await })
    }

    fn take(&mut self, done: Done) {
        match done {
            Done::NotNow(slot) => {
                let next_attempt_at = self.engine.now().plus_seconds(1);
                self.lanes.settle(slot, Outcome::Pending { next_attempt_at });
            }
            Done::Attempted(attempt) => {
                self.pace = match attempt.error {
                    None => PACE_MOST.min(self.pace + 1),
                    Some(_) => 1.max(self.pace / 2),
                };
                self.unnoted.push(*attempt);
            }
        }
    }

    async fn noted(&mut self, attempts: Vec<Attempt>, noted: Result<(), Failure>) {
        match noted {
            Ok(()) => {
                for attempt in &attempts {
                    attempt.slot.into_iter().for_each(|slot| self.lanes.settle(slot, attempt.outcome));
                }
            }
            // They were sent: they are noted as soon as that can be.
            Err(failure) => {
                self.complain(&failure, "attempts could not be noted; it is tried again");
                self.unnoted.splice(..0, attempts);
                tokio::time::sleep(REST).await;
            }
        }
    }

    fn complain(&self, failure: &Failure, what: &str) {
        let error = failure as &dyn std::error::Error;
        tracing::warn!(target: "deliveries", error, to = %self.to, "{what}");
    }

    /// Until something is due, or the clock may have been moved.
    fn pause(&self) -> Duration {
        let until = self.lanes.next_at().map(|at| at.as_micros() - self.engine.now().as_micros());
        until.map_or(TICK, |micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(TICK))
    }
}

async fn note(engine: Arc<Engine>, to: Recipient, attempts: Vec<Attempt>) -> (Vec<Attempt>, Result<(), Failure>) {
    let noted = engine.note_attempts(&to, &attempts).await;
    (attempts, noted)
}

async fn send(
    engine: &Engine,
    to: &Recipient,
    target: &Target,
    slot: Slot,
    waiting: &Waiting,
    place: Option<OwnedSemaphorePermit>,
) -> Done {
    let event = match engine.events.event(slot.key).await {
        Ok(event) => event,
        Err(error) => {
            tracing::warn!(target: "deliveries", error = %error, to = %to, "an event cannot be read; it is tried again");
            return Done::NotNow(slot);
        }
    };
    let id = slot.delivery(to, waiting.since);
    let made = waiting.tries.as_ref().map_or(0, |tries| tries.made);
    let Some(event) = event else {
        return Done::Attempted(Box::new(given_up(engine, (slot, id), made, None, ERASED)));
    };
    if !target.permits(engine, &event) {
        return Done::Attempted(Box::new(given_up(engine, (slot, id), made, Some(&event), HIDDEN)));
    }
    let parcel = Parcel {
        endpoint: &target.endpoint,
        secrets: &target.secrets,
        event: &event,
        id: &id,
        slot: Some(slot),
        replay: waiting.replay,
        number: made + 1,
    };
    let attempted = engine.attempt(parcel).await;
    drop(place);
    match attempted {
        Ok(attempt) => Done::Attempted(Box::new(attempt)),
        Err(failure) => {
            let error = &failure as &dyn std::error::Error;
            tracing::warn!(target: "deliveries", error, to = %to, "an event cannot be sent; it is tried again");
            Done::NotNow(slot)
        }
    }
}

/// The end of a delivery without an attempt.
pub(super) fn given_up(
    engine: &Engine,
    (slot, id): (Slot, scaivault_domain::id::DeliveryId),
    made: u32,
    event: Option<&Published>,
    error: &'static str,
) -> Attempt {
    Attempt {
        id,
        slot: Some(slot),
        event_id: event.map_or_else(|| "".into(), |event| event.event_id.as_str().into()),
        event_type: event.map_or_else(|| "".into(), |event| event.event_type.into()),
        number: made,
        at: engine.now(),
        duration_ms: None,
        response_code: None,
        response_body: None,
        error: Some(error.into()),
        outcome: Outcome::Failed {},
    }
}
