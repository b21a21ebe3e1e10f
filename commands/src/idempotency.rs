//! Safe repetition: the first outcome under a key is kept in the log and given again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use scaivault_domain::idempotency::{KEPT_SECONDS, OutcomeKept};
use scaivault_domain::{ErrorCode, Event, Rejection, Timestamp};
use scaivault_eventstore::StreamId;
use scaivault_projections::outcomes::OutcomeKey;
use tokio::sync::watch;

use crate::audit::Outcome;
use crate::engine::Change;
use crate::race::Plan;
use crate::request::IdempotentRequest;
use crate::{Answer, ChangeRequest, Engine, Failure, Reply};

/// How long a repetition waits for the first request.
const PATIENCE: Duration = Duration::from_secs(30);

/// Requests with a key that are being worked on by this process.
#[derive(Default)]
pub struct InFlight {
    running: Arc<Mutex<HashMap<OutcomeKey, watch::Receiver<()>>>>,
}

/// Held while a request with a key is worked on; repetitions wait for its end.
pub struct Claim {
    key: OutcomeKey,
    running: Arc<Mutex<HashMap<OutcomeKey, watch::Receiver<()>>>>,
    _ended: watch::Sender<()>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.running.lock().remove(&self.key);
    }
}

/// What a key leads to.
pub enum Claimed {
    /// The first request: to be worked on.
    First(Claim),
    /// A repetition: its answer.
    Repetition(Answer),
}

impl Engine {
    /// Claims a key, or gives the outcome kept under it. Waits while the first request runs.
    pub async fn claim(&self, request: &IdempotentRequest) -> Result<Claimed, Failure> {
        let claimed = tokio::time::timeout(PATIENCE, self.claim_patiently(request)).await;
        claimed.map_err(|_| Failure::unavailable("first_request_running"))?
    }

    async fn claim_patiently(&self, request: &IdempotentRequest) -> Result<Claimed, Failure> {
        loop {
            let mut running = match self.in_flight.claim(&request.key) {
                Ok(claim) => {
                    // The claim is held: whoever came before is in the log, and must be folded.
                    self.read_barrier().await?;
                    return Ok(match self.kept(request).await? {
                        Some(answer) => Claimed::Repetition(answer),
                        None => Claimed::First(claim),
                    });
                }
                Err(running) => running,
            };
            // An error means that the first request has ended.
            let _ = running.changed().await;
        }
    }

    /// The outcome kept under a key, or `idempotency_key_reuse` for another request.
    pub(crate) async fn kept(&self, request: &IdempotentRequest) -> Result<Option<Answer>, Failure> {
        let view = self.projections.view();
        let Some(held) = view.outcomes.find(&request.key, self.now()).cloned() else { return Ok(None) };
        if held.kept.request_sha256 != request.request_sha256 {
            return Err(Rejection::new(
                ErrorCode::IdempotencyKeyReuse,
                "The Idempotency-Key was used for another request",
            )
            .into());
        }
        let body = match held.has_body {
            true => self.reader.part(held.position.0).await?,
            false => Some(zeroize::Zeroizing::default()),
        };
        // Its time ended between the two looks, and the sweeper was quick.
        let Some(body) = body else { return Ok(None) };
        let reply = Reply { status: held.kept.status, etag: held.kept.etag.clone(), body };
        Ok(Some(Answer { reply, position: held.position, replayed: true }))
    }

    /// Keeps a refusal as the outcome of its key, together with its audit entry.
    pub async fn keep_refusal(
        &self,
        request: &ChangeRequest,
        code: ErrorCode,
        reply: Reply,
    ) -> Result<Answer, Failure> {
        let plan = || Plan {
            change: Change::of(self.now(), Vec::new()),
            entry: request.entry.clone(),
            outcome: Outcome::Error(code.as_str()),
            besides: Vec::new(),
            reply: reply.clone(),
        };
        self.conclude(request, plan).await
    }

    pub(crate) fn outcome_stream(&self, key: &OutcomeKey) -> Result<StreamId, Failure> {
        self.stream(&key.owner, "outcome", &format!("{}\n{}", key.identity, key.key_sha256))
    }
}

impl InFlight {
    fn claim(&self, key: &OutcomeKey) -> Result<Claim, watch::Receiver<()>> {
        let mut running = self.running.lock();
        if let Some(first) = running.get(key) {
            return Err(first.clone());
        }
        let (ended, watcher) = watch::channel(());
        running.insert(key.clone(), watcher);
        Ok(Claim { key: key.clone(), running: self.running.clone(), _ended: ended })
    }
}

pub(crate) fn outcome_event(request: &IdempotentRequest, reply: &Reply, now: Timestamp) -> Event {
    Event::OutcomeKept(OutcomeKept {
        identity: request.key.identity.clone(),
        key_sha256: request.key.key_sha256.as_ref().to_owned(),
        request_sha256: request.request_sha256.clone(),
        status: reply.status,
        etag: reply.etag.clone(),
        expires_at: now.plus_seconds(KEPT_SECONDS),
    })
}
