//! A stream while it is open. Idle it waits for the bell of its subscription and for the next second, holds no view and
//! has no buffer.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use scaivault_commands::Failure;
use scaivault_commands::subscription::acknowledgement::PassedOver;
use scaivault_commands::subscription::feed::{Found, Wanted};
use scaivault_commands::subscription::permission::Listener;
use scaivault_domain::id::SubscriptionId;
use scaivault_domain::publication::EventKey;
use scaivault_projections::View;
use scaivault_projections::bells::Watcher;
use tokio::sync::watch;
use tokio::time::Instant;

use super::closing::Closing;
use super::text;
use crate::admission::Admission;
use crate::call::Call;
use crate::error;
use crate::streams::Slot;

/// Most events of one piece.
const TOGETHER: usize = 32;
/// How often it is looked whether the client may still listen.
const LOOK: Duration = Duration::from_secs(1);
/// After how long a silent stream says that it is there.
const SILENCE: Duration = Duration::from_secs(15);

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Beginning,
    Live,
    Over,
}

pub(super) struct Open {
    admission: Admission,
    id: SubscriptionId,
    request_id: Arc<str>,
    watcher: Watcher,
    serving: watch::Receiver<bool>,
    closing: Closing,
    phase: Phase,
    /// The last event that was looked at.
    place: Option<EventKey>,
    /// Those that may not be seen, and wait to be let go.
    passed_over: Vec<EventKey>,
    /// Whether the client knows that events were dropped.
    knows_of_gap: bool,
    /// As of when the client was let in.
    looked_at: Option<u64>,
    spoke_at: Instant,
    _slot: Slot,
}

impl Open {
    pub(super) fn new(call: &Call, id: SubscriptionId, place: Option<EventKey>, slot: Slot) -> Self {
        let engine = &call.app.engine;
        Self {
            admission: Admission::of(call),
            request_id: call.entry.request_id.clone(),
            watcher: engine.projections().bells().watch(&id),
            serving: call.app.serving.clone(),
            closing: Closing::new(engine.clone(), id.clone(), &call.entry),
            id,
            phase: Phase::Beginning,
            place,
            passed_over: Vec::new(),
            knows_of_gap: false,
            looked_at: None,
            spoke_at: Instant::now(),
            _slot: slot,
        }
    }

    /// The next piece, once there is one; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<String> {
        let piece = match self.phase {
            Phase::Beginning => {
                self.phase = Phase::Live;
                text::BEGINNING.to_owned()
            }
            Phase::Live => match self.listen().await {
                Ok(piece) => piece,
                Err(failure) => {
                    self.phase = Phase::Over;
                    text::of_error(&error::envelope(&error::rejection_of(&failure), &self.request_id))
                }
            },
            Phase::Over => {
                self.closing.record().await;
                return None;
            }
        };
        self.spoke_at = Instant::now();
        Some(piece)
    }

    /// Waits until there is something to say, or a reason to end.
    async fn listen(&mut self) -> Result<String, Failure> {
        loop {
            self.let_go().await;
            // Made before looking, and kept until it rings: what comes meanwhile is not missed.
            let mut rung = pin!(self.watcher.rung());
            // What may be told is judged by all that came before it.
            let view = self.admission.app.engine.projections().view();
            self.check(&view).await?;
            let found = self.look(&view).await?;
            drop(view);
            if let Some(piece) = self.take(found)? {
                return Ok(piece);
            }
            if !self.passed_over.is_empty() {
                continue;
            }
            loop {
                tokio::select! {
                    () = &mut rung => break,
                    () = tokio::time::sleep(LOOK) => {}
                    _ = self.serving.wait_for(|serving| !*serving) => {}
                }
                let view = self.admission.app.engine.projections().view();
                self.check(&view).await?;
                if self.spoke_at.elapsed() >= SILENCE {
                    return Ok(text::ALIVE.to_owned());
                }
            }
        }
    }

    /// Notes what was found, and says it.
    fn take(&mut self, found: Found) -> Result<Option<String>, Failure> {
        let Found { events, passed_over, place, truncated, dropped, .. } = found;
        // Told once until the owner acknowledges, and again if more than what was sent is missing.
        let is_missing = dropped.is_some_and(|dropped| self.place.is_some_and(|place| dropped > place));
        self.knows_of_gap &= truncated && !is_missing;
        self.passed_over.extend(passed_over);
        self.place = place;
        if events.is_empty() {
            return Ok(None);
        }
        let mut piece = String::new();
        if truncated && !self.knows_of_gap {
            piece.push_str(text::TRUNCATED);
            self.knows_of_gap = true;
        }
        for event in &events {
            piece.push_str(&text::of_event(event)?);
        }
        self.closing.count(events.len());
        Ok(Some(piece))
    }

    /// Refuses to go on once the server stops, or the client may not be there any more.
    async fn check(&mut self, view: &View) -> Result<(), Failure> {
        if !*self.serving.borrow() {
            return Err(error::unavailable("stopping").into());
        }
        let caller = &self.admission.caller;
        let now = self.admission.app.engine.now();
        let is_over = caller.token_expires_at.is_some_and(|end| end <= now);
        // All that an opaque token rests on is in the view, but its end; a JWT rests on keys of others, too.
        if self.looked_at == Some(view.applied.0) && caller.jwt.is_none() && !is_over {
            return Ok(());
        }
        self.looked_at = Some(view.applied.0);
        Ok(self.admission.renew(view).await?)
    }

    /// Lets go of what the client may not see. If that fails they stay, and are looked at by whoever comes next.
    async fn let_go(&mut self) {
        if self.passed_over.is_empty() {
            return;
        }
        let keys = std::mem::take(&mut self.passed_over);
        let passed = PassedOver {
            owner: &self.admission.target.owner,
            id: &self.id,
            listener: &self.admission.caller.identity,
            request_id: &self.request_id,
            keys: &keys,
        };
        if let Err(failure) = self.admission.app.engine.pass_over(&passed, None).await {
            let error = &failure as &dyn std::error::Error;
            tracing::warn!(target: "subscriptions", error, "events that may not be seen are still waiting");
        }
    }

    async fn look(&self, view: &View) -> Result<Found, Failure> {
        let Admission { app, caller, target, address, .. } = &self.admission;
        let listener = Listener::new(view, caller, target, *address, app.engine.now());
        app.engine.look(Wanted { id: &self.id, place: self.place, most: TOGETHER }, &listener).await
    }
}
