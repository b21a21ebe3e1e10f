//! Partners, tenants and users.

use std::sync::Arc;

use imbl::HashMap;
use scaivault_domain::context::Settings;
use scaivault_domain::installation::{PartnerCreated, TenantCreated, UserCreated};
use scaivault_domain::{IdentityId, Owner, PartnerId, TenantId};
use scaivault_eventstore::Revision;

/// Who there is. An identity is looked up inside its tenant.
#[derive(Clone, Debug, Default)]
pub struct Installation {
    partners: HashMap<PartnerId, Arc<PartnerCreated>>,
    tenants: HashMap<TenantId, Arc<TenantCreated>>,
    users: HashMap<(TenantId, IdentityId), Arc<UserCreated>>,
    clock_offset_micros: i64,
    clock_revision: Revision,
}

impl Installation {
    /// Whether bootstrap has happened.
    pub fn is_initialised(&self) -> bool {
        !self.users.is_empty()
    }

    /// A partner.
    pub fn partner(&self, id: &PartnerId) -> Option<&Arc<PartnerCreated>> {
        self.partners.get(id)
    }

    /// A tenant.
    pub fn tenant(&self, id: &TenantId) -> Option<&Arc<TenantCreated>> {
        self.tenants.get(id)
    }

    /// A user of a tenant.
    pub fn user(&self, tenant: &TenantId, identity: &IdentityId) -> Option<&Arc<UserCreated>> {
        self.users.get(&(tenant.clone(), identity.clone()))
    }

    /// All users.
    pub fn users(&self) -> impl Iterator<Item = &Arc<UserCreated>> {
        self.users.values()
    }

    /// The partner that an owner belongs to, or is.
    pub fn partner_of(&self, owner: &Owner) -> Option<PartnerId> {
        match owner {
            Owner::Platform => None,
            Owner::Partner(id) => Some(id.clone()),
            Owner::Tenant(id) => self.tenants.get(id).map(|tenant| tenant.partner_id.clone()),
        }
    }

    /// Settings of an owner; none are changeable in this build.
    pub fn settings(&self, _owner: &Owner) -> Settings {
        Settings::default()
    }

    /// How far the development clock runs ahead, in microseconds.
    pub fn clock_offset_micros(&self) -> i64 {
        self.clock_offset_micros
    }

    /// All partners.
    pub(crate) fn partners(&self) -> impl Iterator<Item = &Arc<PartnerCreated>> {
        self.partners.values()
    }

    /// All tenants.
    pub(crate) fn tenants(&self) -> impl Iterator<Item = &Arc<TenantCreated>> {
        self.tenants.values()
    }

    pub(crate) fn partner_created(&mut self, partner: PartnerCreated) {
        self.partners.insert(partner.id.clone(), Arc::new(partner));
    }

    pub(crate) fn tenant_created(&mut self, tenant: TenantCreated) {
        self.tenants.insert(tenant.id.clone(), Arc::new(tenant));
    }

    pub(crate) fn user_created(&mut self, user: UserCreated) {
        self.users.insert((user.tenant_id.clone(), user.identity.clone()), Arc::new(user));
    }

    /// Revision of the clock's stream.
    pub fn clock_revision(&self) -> Revision {
        self.clock_revision
    }

    pub(crate) fn clock_moved(&mut self, offset_micros: i64, revision: Revision) {
        self.clock_offset_micros = offset_micros;
        self.clock_revision = revision;
    }
}
