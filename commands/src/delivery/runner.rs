//! Sends what waits for one recipient: in order within a lane, several lanes side by side, as many as it can take.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use scaivault_domain::Owner;
use scaivault_domain::delivery::{Attempt, ERASED, HIDDEN, Outcome, Recipient, Slot};
use scaivault_domain::publication::Published;
use scaivault_projections::outboxes::{Outbox, Waiting};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use super::attempt::Parcel;
use super::lanes::Lanes;
use super::target::Target;
use crate::{Engine, Failure};

/// Attempts at the same time to one recipient: at first and at least, and at most while it answers well.
const PACE_FIRST: usize = 8;
const PACE_MOST: usize = 64;
/// Besides those that have not been answered for a while: other paths do not wait for them.
const HANGING_MOST: usize = 64;
const HANGING_AFTER: Duration = Duration::from_millis(500);
/// Attempts that are not noted yet; beyond it nothing is sent.
const UNNOTED: usize = 1_000;
/// Rows in one record.
pub(super) const ROWS: usize = 250;
/// How late something due may be noticed when the clock is moved.
const TICK: Duration = Duration::from_millis(250);
/// Answers that take longer are slow, in milliseconds.
const SLOW_MS: u64 = 1_000;
/// Before what failed inside this process is tried again.
const REST: Duration = Duration::from_secs(1);

/// One recipient's runner.
pub(super) struct Runner {
    engine: Arc<Engine>,
    owner: Owner,
    to: Recipient,
    bell: Arc<Notify>,
    places: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
    lanes: Lanes,
    target: Option<Arc<Target>>,
    pace: usize,
    /// When each attempt under way began.
    begun: HashMap<Slot, Instant>,
    /// Until when nothing is begun, after something failed in here.
    rests_until: Option<Instant>,
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
        (owner, to): (Owner, Recipient),
        bell: Arc<Notify>,
        places: Arc<Semaphore>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let (lanes, unnoted) = (Lanes::default(), Vec::new());
        Self {
            engine,
            owner,
            to,
            bell,
            places,
            stop,
            lanes,
            target: None,
            pace: PACE_FIRST,
            begun: HashMap::new(),
            rests_until: None,
            unnoted,
        }
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
            self.rests_until = self.rests_until.filter(|until| Instant::now() < *until);
            let rests = self.rests_until.is_some();
            if let Some(outbox) = outbox.as_ref().filter(|_| !stopping && !rests)
                && self.aim(outbox).await
                && self.see_to_end(outbox).await
            {
                while self.has_room() {
                    let Some(started) = self.start(outbox, under_way.is_empty()) else { break };
                    under_way.push(started);
                }
            }
            if noting.is_none() && !self.unnoted.is_empty() && !rests {
                let some = self.unnoted.drain(..self.unnoted.len().min(ROWS)).collect();
                noting = Some(Box::pin(note(self.engine.clone(), self.owner.clone(), self.to.clone(), some)));
            }
            let pause = self.pause();
            tokio::select! {
                Some(done) = under_way.next() => self.take(done),
                (attempts, noted) = async { match noting.as_mut() {
                    Some(noting) => noting.await,
                    None => std::future::pending().await,
                } } => {
                    noting = None;
                    self.noted(attempts, noted);
                }
                () = self.bell.notified() => {}
                () = tokio::time::sleep(pause) => {}
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
                self.rest(&failure, "its secrets cannot be read; it is tried again");
                false
            }
        }
    }

    /// Gives the recipient up if it is to be, and notes what ended when it was. `false` if that failed.
    async fn see_to_end(&mut self, outbox: &Outbox) -> bool {
        let hopeless = match self.target.as_ref().filter(|target| target.is_enabled) {
            Some(_) => {
                // What another process noted meanwhile may have put them out of step.
                if self.lanes.is_empty() && self.begun.is_empty() && self.unnoted.is_empty() {
                    self.lanes = Lanes::default();
                }
                self.lanes.take_in(outbox);
                self.engine.give_up_if_hopeless(&self.to).await
            }
            // What was taken in has ended.
            None => {
                self.lanes = Lanes::default();
                Ok(())
            }
        };
        let seen_to = match hopeless {
            Ok(()) => self.engine.note_dropped(&self.to, outbox).await,
            Err(failure) => Err(failure),
        };
        seen_to.inspect_err(|failure| self.rest(failure, "what ended could not be noted; it is tried again")).is_ok()
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
        self.begun.insert(slot, Instant::now());
        let (engine, to) = (self.engine.clone(), self.to.clone());
        Some(async move { send(&engine, &to, &target, slot, &waiting, place).await })
    }

    fn take(&mut self, done: Done) {
        match done {
            Done::NotNow(slot) => {
                self.begun.remove(&slot);
                let next_attempt_at = self.engine.now().plus_seconds(1);
                self.lanes.settle(slot, Outcome::Pending { next_attempt_at });
            }
            Done::Attempted(attempt) => {
                attempt.slot.map(|slot| self.begun.remove(&slot));
                self.pace = match (&attempt.error, attempt.duration_ms) {
                    (Some(_), _) => PACE_FIRST.max(self.pace / 2),
                    // Who is slow holds places that others might need.
                    (None, Some(SLOW_MS..)) => PACE_FIRST,
                    (None, _) => PACE_MOST.min(self.pace + 1),
                };
                self.unnoted.push(*attempt);
            }
        }
    }

    fn noted(&mut self, attempts: Vec<Attempt>, noted: Result<(), Failure>) {
        match noted {
            Ok(()) => {
                for attempt in &attempts {
                    attempt.slot.into_iter().for_each(|slot| self.lanes.settle(slot, attempt.outcome));
                }
            }
            // They were sent: they are noted as soon as that can be.
            Err(failure) => {
                self.rest(&failure, "attempts could not be noted; it is tried again");
                self.unnoted.splice(..0, attempts);
            }
        }
    }

    /// Begins nothing for a while; what is under way goes on.
    fn rest(&mut self, failure: &Failure, what: &str) {
        let error = failure as &dyn std::error::Error;
        tracing::warn!(target: "deliveries", error, to = %self.to, "{what}");
        self.rests_until = Some(Instant::now() + REST);
    }

    /// Whether another attempt may begin beside those under way.
    fn has_room(&self) -> bool {
        let hanging = self.begun.values().filter(|begun| begun.elapsed() >= HANGING_AFTER).count();
        self.begun.len() < self.pace + hanging.min(HANGING_MOST) && self.unnoted.len() < UNNOTED
    }

    /// Until something is due, or the clock may have been moved.
    fn pause(&self) -> Duration {
        if let Some(until) = self.rests_until {
            return until.saturating_duration_since(Instant::now());
        }
        // What is due and has no room waits for something to end.
        let until =
            self.lanes.next_at().filter(|_| self.has_room()).map(|at| at.as_micros() - self.engine.now().as_micros());
        until.map_or(TICK, |micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(TICK))
    }
}

async fn note(
    engine: Arc<Engine>,
    owner: Owner,
    to: Recipient,
    attempts: Vec<Attempt>,
) -> (Vec<Attempt>, Result<(), Failure>) {
    let noted = engine.note_attempts(&owner, &to, &attempts).await;
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
    let Some(permits) = target.permits(engine, &event) else { return Done::NotNow(slot) };
    if !permits {
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
