//! Synchronisations with ScaiKey.

pub mod list;
pub mod show;
pub mod start;

use scaivault_domain::access::Caller;
use scaivault_domain::scaikey::{Sync, SyncCounts, SyncError, Trigger};
use scaivault_domain::{Role, Timestamp};
use scaivault_projections::View;
use serde::Serialize;

use super::reach;
use crate::operation::Operation;

/// The operations of this group.
pub fn operations() -> [&'static Operation; 3] {
    [&start::START, &list::LIST, &show::SHOW]
}

/// A synchronisation as answers show it.
#[derive(Serialize)]
struct SyncView<'a> {
    sync_id: &'a str,
    trigger: Trigger,
    partner_id: Option<&'a str>,
    tenant_id: Option<&'a str>,
    status: &'static str,
    started_at: Timestamp,
    completed_at: Option<Timestamp>,
    #[serde(flatten)]
    counts: SyncCounts,
    error: Option<&'a SyncError>,
}

impl<'a> From<&'a Sync> for SyncView<'a> {
    fn from(sync: &'a Sync) -> Self {
        let ended = sync.ended.as_ref();
        Self {
            sync_id: sync.started.id.as_str(),
            trigger: sync.started.trigger,
            partner_id: sync.started.target.partner_id.as_ref().map(|id| id.as_str()),
            tenant_id: sync.started.target.tenant_id.as_ref().map(|id| id.as_str()),
            status: sync.status(),
            started_at: sync.started_at,
            completed_at: ended.map(|(at, _)| *at),
            counts: ended.map(|(_, ended)| ended.counts).unwrap_or_default(),
            error: ended.and_then(|(_, ended)| ended.error.as_ref()),
        }
    }
}

/// Whether the caller sees a synchronisation: that of what it sees.
fn sees(view: &View, caller: &Caller, sync: &Sync) -> bool {
    let target = &sync.started.target;
    let tenant = target.tenant_id.as_ref().and_then(|id| view.installation.tenant(id));
    match (tenant, &target.partner_id) {
        (Some(tenant), _) => reach::sees_tenant(caller, tenant),
        (None, Some(partner)) => reach::administers_tenants_of(caller, partner),
        (None, None) => caller.has_role(Role::SuperAdmin),
    }
}
