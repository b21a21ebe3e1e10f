//! Partners, tenants and users.

use std::sync::Arc;

use imbl::HashMap;
use scaivault_domain::context::Settings;
use scaivault_domain::installation::{PartnerCreated, TenantCreated, UserCreated};
use scaivault_domain::{IdentityId, Owner, PartnerId, Role, Scopes, TenantId};
use scaivault_eventstore::Revision;

/// What the records of an identity say of it now. One without records has none of this, and may
/// still hold a token.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// For people.
    pub display_name: Option<Arc<str>>,
    /// Roles given to it here.
    pub roles: Vec<Role>,
    /// Groups it is in, nested ones included, sorted.
    pub groups: Vec<IdentityId>,
    /// What its tokens may open at most, where that is recorded.
    pub scopes: Option<Scopes>,
    /// Whether it is suspended or deleted: its tokens are refused.
    pub is_ended: bool,
}

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

    /// What is known of an identity of a tenant.
    pub fn standing(&self, tenant: Option<&TenantId>, identity: &IdentityId) -> Standing {
        let Some(user) = tenant.and_then(|tenant| self.user(tenant, identity)) else { return Standing::default() };
        Standing {
            display_name: Some(user.display_name.as_str().into()),
            roles: user.roles.clone(),
            ..Standing::default()
        }
    }

    /// The identity of a record of a tenant, by the record's id.
    pub fn recorded(&self, tenant: &TenantId, id: &str) -> Option<IdentityId> {
        let user = self.users.values().find(|user| user.tenant_id == *tenant && user.id.as_str() == id);
        user.map(|user| user.identity.clone())
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
