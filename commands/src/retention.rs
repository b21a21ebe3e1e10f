//! The end of audit entries: what has been kept as long as its owner wants is erased, and the log says so.
//!
//! Erasing is destroying data keys; the records, and their leaves, stay. The order to do so is in the same commit: a key
//! that is missing without one is damage.

use std::sync::Arc;

use scaivault_domain::audit::{Action, AuditErased};
use scaivault_domain::{Event, IdentityId, Owner, Timestamp};
use scaivault_eventstore::{Position, StoreError};

use crate::audit::{EntryDraft, Outcome};
use crate::engine::{Change, Pending};
use crate::shredding::KEY_MANAGER;
use crate::{Engine, Failure, ids};

/// Between two looks for entries that are old enough, in seconds.
const PAUSE_SECONDS: i64 = 600;
/// Records erased by one commit.
const RUN: usize = 2_000;
/// Runs after which others have their turn.
const RUNS: usize = 10;

impl Engine {
    /// Erases what is old enough, now and then.
    pub(crate) async fn erase_old_entries(&self, now: Timestamp) -> Result<(), Failure> {
        {
            let mut next = self.next_erasure.lock();
            if now < *next {
                return Ok(());
            }
            *next = now.plus_seconds(PAUSE_SECONDS);
        }
        let view = self.projections.view();
        let partners = view.installation.partners().map(|partner| Owner::Partner(partner.id.clone()));
        let tenants = view.installation.tenants().filter(|tenant| !tenant.is_doomed());
        let tenants = tenants.map(|tenant| Owner::Tenant(tenant.id.clone()));
        // One that fails must not keep the others.
        let mut outcome = Ok(());
        for owner in std::iter::once(Owner::Platform).chain(partners).chain(tenants) {
            let cutoff = now.plus_seconds(-view.installation.audit_retention_seconds(&owner));
            match self.erase_entries_of(&owner, cutoff, now).await {
                Ok(true) => {}
                Ok(false) => *self.next_erasure.lock() = now,
                Err(failure) => outcome = outcome.and(Err(failure)),
            }
        }
        outcome
    }

    /// Whether all that is old enough is gone.
    async fn erase_entries_of(&self, owner: &Owner, cutoff: Timestamp, now: Timestamp) -> Result<bool, Failure> {
        for _ in 0..RUNS {
            let erasure = self.projections.view().erasures.of(owner);
            if erasure.ordered > Position::START {
                self.audit.forget(owner, erasure.ordered).await?;
            }
            let old = self.audit.older_than(owner, erasure.ordered, cutoff, RUN).await?;
            let Some(last) = old.last() else { return Ok(true) };
            let request_id: Arc<str> = ids::request_id(now)?.into();
            let actor = IdentityId::system(KEY_MANAGER);
            let pending = Pending {
                owner: owner.clone(),
                stream: self.stream(owner, "audit", "")?,
                revision: erasure.revision.next(),
                actor: actor.clone(),
                event: Event::AuditErased(AuditErased { up_to: last.0 }),
                value: None,
            };
            let entry = EntryDraft::without_client(owner.clone(), Action::Delete, Some(actor), request_id.clone(), now);
            let entry = EntryDraft { resource: Some("audit/logs".into()), ..entry }.finish(Outcome::Success)?;
            let shred = old.iter().map(|position| position.0).collect();
            let change = Change { at: now, pending: vec![pending], shred };
            match self.append(&request_id, change, vec![entry]).await {
                Ok(_) => {}
                // Another node does the same.
                Err(Failure::Unavailable { source: Some(StoreError::Conflict { .. }), .. }) => return Ok(true),
                Err(other) => return Err(other),
            }
        }
        Ok(false)
    }
}
