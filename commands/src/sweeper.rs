//! The process that lets time act: ends of recovery windows and grace periods, notices of expiry.
//!
//! Takes no input: woken by the fold and by a slow tick, it compares what is due with what the log
//! has. Being killed at any point loses nothing; a second one is harmless, since each event is
//! appended at the revision it was decided upon.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scaivault_domain::audit::Action;
use scaivault_domain::secret::SecretEvent;
use scaivault_domain::{IdentityId, Owner, SecretPath, Timestamp};
use scaivault_eventstore::StoreError;
use tokio::sync::watch;

use crate::audit::{EntryDraft, EntryFacts, Outcome};
use crate::engine::Change;
use crate::{Engine, Failure, ids, secret};

/// How late something due may be noticed. Reads and writes take it as done at once anyway.
const TICK: Duration = Duration::from_millis(500);
/// Secrets settled in one run.
const RUN: usize = 500;

impl Engine {
    /// Sweeps until `stop` says so.
    pub async fn sweep(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            match self.sweep_once().await {
                Ok(0) => {}
                // There may be more than one run took.
                Ok(_) => continue,
                Err(error) => {
                    tracing::warn!(target: "sweeper", error = &error as &dyn std::error::Error, "sweeping failed; it goes on at the next tick");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Settles what is due now; returns how many secrets it settled.
    pub async fn sweep_once(&self) -> Result<usize, Failure> {
        let now = self.now();
        let view = self.projections.view();
        let due: Vec<(Owner, SecretPath)> = view
            .catalogues()
            .flat_map(|(owner, catalogue)| catalogue.due(now).map(move |path| (owner.clone(), path.clone())))
            .take(RUN)
            .collect();
        if due.is_empty() {
            return Ok(0);
        }
        let request_id: Arc<str> = ids::request_id(now)?.into();
        let mut settled = 0;
        for (owner, path) in due {
            settled += usize::from(self.settle(&owner, &path, now, &request_id).await?);
        }
        Ok(settled)
    }

    async fn settle(
        &self,
        owner: &Owner,
        path: &SecretPath,
        now: Timestamp,
        request_id: &Arc<str>,
    ) -> Result<bool, Failure> {
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

fn entry(owner: &Owner, path: &SecretPath, event: &SecretEvent, now: Timestamp, request_id: &Arc<str>) -> EntryDraft {
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
        | SecretEvent::Expired { .. } => (Action::Write, None),
    };
    EntryDraft {
        owner: owner.clone(),
        action,
        identity: Some(IdentityId::system(IdentityId::SECRET_SWEEPER)),
        acting_tenant: None,
        secret_path: Some(path.as_str().into()),
        secret_version,
        resource: None,
        source_ip: None,
        user_agent: None,
        request_id: request_id.clone(),
        arrived_at: now,
        started: Instant::now(),
        facts: EntryFacts::default(),
    }
}
