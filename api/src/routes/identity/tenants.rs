//! Tenants and their settings.

pub mod create;
pub mod delete;
pub mod list;
pub mod show;
pub mod show_settings;
pub mod update;
pub mod update_settings;

use scaivault_domain::directory::{Status, Tenant};
use scaivault_domain::tenant::TenantSettings;
use scaivault_domain::{TenantId, Timestamp};
use serde::Serialize;

use super::records::ProvenanceView;
use crate::operation::Operation;

/// The operations of this group.
pub fn operations() -> [&'static Operation; 7] {
    [
        &list::LIST,
        &create::CREATE,
        &show::SHOW,
        &update::UPDATE,
        &delete::DELETE,
        &show_settings::SHOW_SETTINGS,
        &update_settings::UPDATE_SETTINGS,
    ]
}

/// A tenant as answers show it.
#[derive(Serialize)]
struct TenantView<'a> {
    id: &'a str,
    partner_id: &'a str,
    name: &'a str,
    slug: &'a str,
    region: Option<&'a str>,
    status: Status,
    #[serde(flatten)]
    provenance: ProvenanceView,
    #[serde(skip_serializing_if = "Option::is_none")]
    shredded_at: Option<Timestamp>,
}

impl<'a> From<&'a Tenant> for TenantView<'a> {
    fn from(tenant: &'a Tenant) -> Self {
        Self {
            id: tenant.id.as_str(),
            partner_id: tenant.partner_id.as_str(),
            name: &tenant.name,
            slug: &tenant.slug,
            region: tenant.region.as_deref(),
            status: tenant.status,
            provenance: tenant.provenance.into(),
            shredded_at: tenant.shredded_at,
        }
    }
}

/// Settings as answers show them.
#[derive(Serialize)]
struct SettingsView<'a> {
    tenant_id: &'a TenantId,
    default_max_versions: u32,
    recovery_window: &'a str,
    audit_retention: &'a str,
    max_leases: u32,
    updated_at: Timestamp,
}

impl<'a> SettingsView<'a> {
    fn new(tenant_id: &'a TenantId, settings: &'a TenantSettings, updated_at: Timestamp) -> Self {
        Self {
            tenant_id,
            default_max_versions: settings.for_decisions().default_max_versions,
            recovery_window: settings.recovery_window(),
            audit_retention: settings.audit_retention(),
            max_leases: settings.max_leases(),
            updated_at,
        }
    }
}
