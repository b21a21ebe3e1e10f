//! The process that lets time act: ends of recovery windows, grace periods and policy bindings,
//! notices of expiry.
//!
//! Takes no input: woken by the fold and by a slow tick, it compares what is due with what the log
//! has. Being killed at any point loses nothing; a second one is harmless, since each event is
//! appended at the revision it was decided upon.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use scaivault_domain::audit::Action;
use scaivault_domain::secret::SecretEvent;
use scaivault_domain::{IdentityId, Owner, SecretPath, Timestamp};
use scaivault_eventstore::StoreError;
use tokio::sync::watch;

use crate::audit::{EntryDraft, Outcome};
use crate::engine::Change;
use crate::{Engine, Failure, ids, secret};

/// How late something due may be noticed. Reads and writes take it as done at once anyway.
const TICK: Duration = Duration::from_millis(500);
/// Secrets settled in one run.
const RUN: usize = 500;
/// Of these, at the same time.
const SIDE_BY_SIDE: usize = 64;

impl Engine {
    /// Sweeps until `stop` says so.
    pub async fn sweep(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let mut stopped = stop.clone();
        let sweeping = async {
            loop {
                match self.sweep_once().await {
                    // There may be more than one run took.
                    Ok(settled) if settled > 0 => continue,
                    Ok(_) => {}
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(target: "sweeper", error, "sweeping failed; it goes on at the next tick");
                    }
                }
                tokio::time::sleep(TICK).await;
            }
        };
        // What is under way is atomic: leaving it at any point is fine.
        tokio::select! {
            () = sweeping => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    }

    /// Settles what is due now; returns how many secrets and bindings it settled.
    pub async fn sweep_once(&self) -> Result<usize, Failure> {
        let now = self.now();
        // One that fails must not keep the others: what it left is due at the next run too.
        logged("shred_tenants", self.shred_tenants().await);
        logged("end_abandoned_syncs", self.end_abandoned_syncs().await);
        logged("shred_outcomes", self.shred_outcomes(now).await);
        logged("erase_old_entries", self.erase_old_entries(now).await);
        let unbound = logged("end_bindings", self.end_bindings(now).await).unwrap_or_default();
        let view = self.projections.view();
        let due: Vec<(Owner, SecretPath)> = view
            .catalogues()
            .flat_map(|(owner, catalogue)| catalogue.due(now).map(move |path| (owner.clone(), path.clone())))
            .take(RUN)
            .collect();
        if due.is_empty() {
            return Ok(unbound);
        }
        let request_id: Arc<str> = ids::request_id(now)?.into();
        let asked = due.len();
        // Side by side they share commits.
        let settling = due.into_iter().map(|(owner, path)| self.settle(owner, path, now, request_id.clone()));
        let settled: Vec<_> = stream::iter(settling).buffer_unordered(SIDE_BY_SIDE).collect().await;
        // One that fails must not keep the others.
        let failed = settled.iter().filter(|settled| settled.is_err()).count();
        let done = settled.iter().filter(|settled| matches!(settled, Ok(true))).count();
        match settled.into_iter().find_map(Result::err) {
            Some(error) if failed == asked => Err(error),
            Some(_) | None => Ok(done + unbound),
        }
    }

    /// Destroys the keys of kept outcomes whose time has ended: one may hold a credential shown once.
    async fn shred_outcomes(&self, now: Timestamp) -> Result<(), Failure> {
        let after = *self.outcomes_shredded.lock();
        let shred: Vec<u64> =
            self.projections.view().outcomes.ended(after, now).into_iter().map(|position| position.0).collect();
        if !shred.is_empty() {
            let change = Change { at: now, pending: Vec::new(), shred };
            self.append(&ids::request_id(now)?, change, Vec::new()).await?;
        }
        *self.outcomes_shredded.lock() = now;
        Ok(())
    }

    async fn settle(
        &self,
        owner: Owner,
        path: SecretPath,
        now: Timestamp,
        request_id: Arc<str>,
    ) -> Result<bool, Failure> {
        let (owner, path, request_id) = (&owner, &path, &request_id);
        let view = self.projections.view();
        let catalogue = view.secrets(owner);
        let Some(held) = catalogue.held(path.as_str()) else { return Ok(false) };
        let events = held.secret.due(now);
        if events.is_empty() {
            return Ok(false);
        }
        let sweeper = IdentityId::system(IdentityId::SECRET_SWEEPER);
        let entries = events
            .iter()
            .map(|event| entry(owner, path, event, now, request_id).finish(Outcome::Success))
            .collect::<Result<Vec<_>, _>>()?;
        let shred = held.secret.shredded_by(&events);
        let stream = self.stream(owner, "secret", path.as_str())?;
        let events = events.into_iter().map(|event| (sweeper.clone(), event)).collect();
        let pending = secret::pending(owner, path, stream, held.revision, events, None);
        match self.append(request_id, Change { at: now, pending, shred }, entries).await {
            Ok(_) => Ok(true),
            // Another write settled it first, or will be seen at the next run.
            Err(Failure::Unavailable { source: Some(StoreError::Conflict { .. }), .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

/// What a step came to; if it failed, that is told.
fn logged<T>(step: &'static str, outcome: Result<T, Failure>) -> Option<T> {
    outcome
        .inspect_err(|failure| {
            let error = failure as &dyn std::error::Error;
            tracing::warn!(target: "sweeper", error, step, "a step of sweeping failed; it is tried again");
        })
        .ok()
}

pub(crate) fn entry(
    owner: &Owner,
    path: &SecretPath,
    event: &SecretEvent,
    now: Timestamp,
    request_id: &Arc<str>,
) -> EntryDraft {
    let (action, secret_version) = match event {
        SecretEvent::VersionDestroyed { version, .. } => (Action::Delete, Some(*version)),
        SecretEvent::Destroyed { .. } => (Action::Delete, None),
        SecretEvent::Created { .. }
        | SecretEvent::VersionAdded { .. }
        | SecretEvent::MetadataUpdated { .. }
        | SecretEvent::VersionDeleted { .. }
        | SecretEvent::VersionRestored { .. }
        | SecretEvent::CurrentVersionChanged { .. }
        | SecretEvent::Deleted { .. }
        | SecretEvent::Restored { .. }
        | SecretEvent::ExpiryAnnounced { .. }
        | SecretEvent::Expired { .. }
        | SecretEvent::RotationAttached { .. }
        | SecretEvent::RotationDetached {}
        | SecretEvent::RotationDue { .. }
        | SecretEvent::RotationOverdue { .. }
        | SecretEvent::RotationFailed(_)
        | SecretEvent::GraceFinished { .. }
        | SecretEvent::StragglersFound(_) => (Action::Write, None),
    };
    let sweeper = IdentityId::system(IdentityId::SECRET_SWEEPER);
    let entry = EntryDraft::without_client(owner.clone(), action, Some(sweeper), request_id.clone(), now);
    EntryDraft { secret_path: Some(path.as_str().into()), secret_version, ..entry }
}
