//! The end of a tenant: ordered, carried out on its key, and noted.
//!
//! The order is in the log first, then the key is destroyed, then that is in the log. Whoever is killed in
//! between leaves the rest to the sweeper, here or on another node.

use std::sync::Arc;

use scaivault_domain::audit::Action;
use scaivault_domain::directory::{Change as RecordChange, IdentityEvent, Noted, Status, Tenant};
use scaivault_domain::{ErrorCode, IdentityId, Owner, Rejection, TenantId};
use scaivault_eventstore::StoreError;
use scaivault_projections::owners::key_owner;

use crate::audit::{EntryDraft, Outcome};
use crate::engine::Change;
use crate::tenancy::{keep_administered, unknown_tenant};
use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids};

/// The server's own actor for keys.
pub(crate) const KEY_MANAGER: &str = "system:key-manager";

impl Engine {
    /// Orders the destruction of a tenant that is suspended or gone at its source, and has it carried out.
    pub async fn delete_tenant(
        &self,
        request: &ChangeRequest,
        id: &TenantId,
        tell: impl Fn(&Tenant) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let answer = self
            .change_tenancy(request, |view| {
                let before = view.installation.tenant(id).ok_or_else(unknown_tenant)?;
                if before.is_doomed() {
                    return Ok((Vec::new(), tell(before)?));
                }
                if before.status == Status::Active {
                    let active = Rejection::new(ErrorCode::ResourceInUse, "Suspend the tenant first");
                    return Err(active.detail("reason", "tenant_active").into());
                }
                keep_administered(view, |tenant| tenant.id == *id)?;
                let doomed = Tenant { status: Status::Deleted, doomed_at: Some(self.now()), ..before.as_ref().clone() };
                let event = IdentityEvent::Tenant(Noted::single(RecordChange::Deleted, doomed.clone()));
                Ok((vec![event], tell(&doomed)?))
            })
            .await?;
        if let Err(error) = self.shred_tenants().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(target: "identity", error, tenant = %id, "the tenant's key is not destroyed yet; it is tried again");
        }
        Ok(answer)
    }

    /// Carries out what was ordered and is not done yet. A tenant that fails does not keep the others.
    pub(crate) async fn shred_tenants(&self) -> Result<(), Failure> {
        let view = self.projections.view();
        let mut outcome = Ok(());
        for tenant in view.installation.tenants().filter(|tenant| tenant.is_doomed()) {
            outcome = outcome.and(self.shred_tenant(tenant).await);
        }
        outcome
    }

    async fn shred_tenant(&self, tenant: &Tenant) -> Result<(), Failure> {
        let owner = key_owner(&Owner::Tenant(tenant.id.clone()));
        let keyring = self.sealer.keyring();
        if !keyring.is_destroyed(&owner) {
            keyring.destroy(&owner).await?;
            tracing::info!(target: "identity", tenant = %tenant.id, "the tenant's key is destroyed");
        }
        if tenant.shredded_at.is_none() {
            self.note_shredded(&tenant.id).await?;
        }
        Ok(())
    }

    async fn note_shredded(&self, id: &TenantId) -> Result<(), Failure> {
        let (now, view) = (self.now(), self.projections.view());
        let actor = IdentityId::system(KEY_MANAGER);
        let event = IdentityEvent::TenantShredded { id: id.clone(), at: now };
        let pending = self.identity_events(&view, &Owner::Platform, &actor, vec![event])?;
        let request_id: Arc<str> = ids::request_id(now)?.into();
        let entry = EntryDraft::without_client(Owner::Platform, Action::Delete, Some(actor), request_id.clone(), now);
        let entry = EntryDraft { resource: Some(format!("identity/tenants/{id}")), ..entry };
        match self.append(&request_id, Change::of(now, pending), vec![entry.finish(Outcome::Success)?]).await {
            // Another record of the installation came first, perhaps this very one: the next run sees.
            Err(Failure::Unavailable { source: Some(StoreError::Conflict { .. }), .. }) => Ok(()),
            other => other.map(drop),
        }
    }
}
