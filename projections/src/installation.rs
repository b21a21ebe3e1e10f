//! Partners, tenants, who there is in them, and what ties them to the identity provider.

mod provider;

use std::sync::Arc;

use imbl::{HashMap, OrdMap};
use scaivault_domain::context::Settings;
use scaivault_domain::directory::{IdentityEvent, Partner, Provenance, Status, Tenant, User};
use scaivault_domain::id::SyncId;
use scaivault_domain::installation::{PartnerCreated, TenantCreated, UserCreated};
use scaivault_domain::scaikey::Sync;
use scaivault_domain::tenant::TenantSettings;
use scaivault_domain::{IdentityId, IdentityType, Owner, PartnerId, Role, Scopes, TenantId, Timestamp};
use scaivault_eventstore::Revision;

pub use provider::HeldRegistration;

use crate::people::{HeldUser, People};
use provider::Hooks;

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
    partners: OrdMap<PartnerId, Arc<Partner>>,
    tenants: OrdMap<TenantId, Arc<Tenant>>,
    people: HashMap<TenantId, People>,
    nobody: People,
    registration: Option<Arc<HeldRegistration>>,
    syncs: OrdMap<SyncId, Arc<Sync>>,
    hooks: Hooks,
    revision: Revision,
    clock_offset_micros: i64,
    clock_revision: Revision,
}

impl Installation {
    /// Whether bootstrap has happened.
    pub fn is_initialised(&self) -> bool {
        !self.partners.is_empty()
    }

    /// A partner.
    pub fn partner(&self, id: &PartnerId) -> Option<&Arc<Partner>> {
        self.partners.get(id)
    }

    /// All partners.
    pub fn partners(&self) -> impl Iterator<Item = &Arc<Partner>> {
        self.partners.values()
    }

    /// A tenant.
    pub fn tenant(&self, id: &TenantId) -> Option<&Arc<Tenant>> {
        self.tenants.get(id)
    }

    /// All tenants.
    pub fn tenants(&self) -> impl Iterator<Item = &Arc<Tenant>> {
        self.tenants.values()
    }

    /// Who there is in a tenant.
    pub fn people(&self, tenant: &TenantId) -> &People {
        self.people.get(tenant).unwrap_or(&self.nobody)
    }

    /// Who there is in each tenant.
    pub fn all_people(&self) -> impl Iterator<Item = (&TenantId, &People)> {
        self.people.iter()
    }

    /// A user of a tenant.
    pub fn user(&self, tenant: &TenantId, identity: &IdentityId) -> Option<&Arc<HeldUser>> {
        self.people(tenant).user_named(identity)
    }

    /// All users.
    pub fn users(&self) -> impl Iterator<Item = (&TenantId, &Arc<HeldUser>)> {
        self.people.iter().flat_map(|(tenant, people)| people.users().map(move |user| (tenant, user)))
    }

    /// What is known of an identity of a tenant.
    pub fn standing(&self, tenant: Option<&TenantId>, identity: &IdentityId) -> Standing {
        let Some(people) = tenant.map(|tenant| self.people(tenant)) else { return Standing::default() };
        if identity.kind() == IdentityType::ServiceAccount {
            let Some(held) = people.account_named(identity) else {
                return Standing { is_ended: people.is_left(identity), ..Standing::default() };
            };
            let content = &held.account.content;
            return Standing {
                display_name: Some(held.account.name.clone()),
                roles: content.roles.clone(),
                groups: Vec::new(),
                scopes: Some(content.scopes),
                is_ended: !content.is_active,
            };
        }
        let Some(held) = people.user_named(identity) else {
            return Standing { is_ended: people.is_left(identity), ..Standing::default() };
        };
        Standing {
            display_name: Some(held.user.display_name.as_str().into()),
            roles: held.roles(),
            groups: people.groups_of(&held.user.id).iter().map(|group| group.identity.clone()).collect(),
            scopes: None,
            is_ended: held.user.status != Status::Active,
        }
    }

    /// The identity of a record of a tenant, by the record's id.
    pub fn recorded(&self, tenant: &TenantId, id: &str) -> Option<IdentityId> {
        self.people(tenant).recorded(id)
    }

    /// Whether a tenant, or the partner it belongs to, is open to anybody but those who look after it.
    pub fn is_open(&self, tenant: Option<&TenantId>, partner: Option<&PartnerId>) -> bool {
        let of_tenant = tenant.and_then(|id| self.tenant(id));
        let partner = of_tenant.map(|tenant| &tenant.partner_id).or(partner);
        let of_partner = partner.and_then(|id| self.partner(id));
        of_tenant.is_none_or(|tenant| tenant.status == Status::Active)
            && of_partner.is_none_or(|partner| partner.status == Status::Active)
    }

    /// Whether an active identity besides this one is a `super_admin`.
    pub fn has_super_admin_besides(&self, tenant: &TenantId, identity: &IdentityId) -> bool {
        let open = self.people.iter().filter(|(id, _)| self.is_open(Some(id), None));
        open.into_iter().any(|(id, people)| people.has_super_admin_besides((id == tenant).then_some(identity)))
    }

    /// Whether the key of an owner has been destroyed, so that nothing of it can be read any more.
    pub fn is_shredded(&self, owner: &Owner) -> bool {
        let tenant = owner.tenant().and_then(|id| self.tenant(id));
        tenant.is_some_and(|tenant| tenant.shredded_at.is_some())
    }

    /// Whether the last active `super_admin` is in those tenants.
    pub fn holds_last_super_admin(&self, within: impl Fn(&Tenant) -> bool) -> bool {
        let (mut inside, mut outside) = (false, false);
        for (id, _) in self.people.iter().filter(|(_, people)| people.has_super_admin_besides(None)) {
            match self.tenant(id).is_some_and(|tenant| within(tenant)) {
                true => inside = true,
                false => outside |= self.is_open(Some(id), None),
            }
        }
        inside && !outside
    }

    /// The partner that an owner belongs to, or is.
    pub fn partner_of(&self, owner: &Owner) -> Option<PartnerId> {
        match owner {
            Owner::Platform => None,
            Owner::Partner(id) => Some(id.clone()),
            Owner::Tenant(id) => self.tenants.get(id).map(|tenant| tenant.partner_id.clone()),
        }
    }

    /// The other tenants of a tenant's partner.
    pub fn sisters<'a>(&'a self, tenant: &'a TenantId) -> impl Iterator<Item = &'a TenantId> {
        let partner = self.tenants.get(tenant).map(|tenant| &tenant.partner_id);
        let others = self.tenants.values().filter(move |other| other.id != *tenant);
        others.filter(move |other| Some(&other.partner_id) == partner).map(|other| &other.id)
    }

    /// Tenants whose keys are destroyed.
    pub fn shredded_count(&self) -> usize {
        self.tenants.values().filter(|tenant| tenant.shredded_at.is_some()).count()
    }

    /// Settings of an owner, as decisions read them.
    pub fn settings(&self, owner: &Owner) -> Settings {
        let settings = owner.tenant().and_then(|tenant| self.people(tenant).settings());
        settings.map_or_else(Settings::default, |(settings, _)| settings.for_decisions())
    }

    /// How long audit entries of an owner can be asked for, in seconds.
    pub fn audit_retention_seconds(&self, owner: &Owner) -> i64 {
        let settings = owner.tenant().and_then(|tenant| self.people(tenant).settings());
        settings.map_or_else(
            || TenantSettings::default().audit_retention_seconds(),
            |(settings, _)| settings.audit_retention_seconds(),
        )
    }

    /// Revision of an owner's stream of identity events.
    pub fn revision_of(&self, owner: &Owner) -> Revision {
        owner.tenant().map_or(self.revision, |tenant| self.people(tenant).revision())
    }

    /// How far the development clock runs ahead, in microseconds.
    pub fn clock_offset_micros(&self) -> i64 {
        self.clock_offset_micros
    }

    pub(crate) fn partner_created(&mut self, partner: PartnerCreated) {
        let PartnerCreated { id, name, slug } = partner;
        let provenance = Provenance::local();
        self.hold_partner(Partner { id, name, slug, region: None, status: Status::Active, provenance });
    }

    pub(crate) fn tenant_created(&mut self, tenant: TenantCreated, at: Timestamp) {
        let TenantCreated { id, partner_id, name, slug } = tenant;
        self.people_mut(&id).begin(at);
        self.hold_tenant(Tenant {
            id,
            partner_id,
            name,
            slug,
            region: None,
            status: Status::Active,
            provenance: Provenance::local(),
            doomed_at: None,
            shredded_at: None,
        });
    }

    pub(crate) fn user_created(&mut self, user: UserCreated) {
        let UserCreated { id, identity, tenant_id, display_name, roles, .. } = user;
        let email = identity.as_str().strip_prefix("user:").filter(|text| text.contains('@')).map(str::to_owned);
        let user = User {
            id,
            provider_id: None,
            identity,
            email,
            display_name,
            status: Status::Active,
            mfa_enabled: false,
            roles: Vec::new(),
            provenance: Provenance::local(),
        };
        self.people_mut(&tenant_id).hold_user(HeldUser { user, assigned: roles });
    }

    /// Applies an event of the platform's own stream. What concerns one tenant's people is theirs.
    pub(crate) fn fold(&mut self, event: IdentityEvent, at: Timestamp, position: u64, revision: Revision) {
        self.revision = revision;
        match event {
            IdentityEvent::Partner(noted) => self.hold_partner(noted.record),
            IdentityEvent::Tenant(noted) => {
                if !noted.record.is_doomed() {
                    self.people_mut(&noted.record.id).begin(at);
                }
                self.hold_tenant(noted.record);
            }
            IdentityEvent::TenantShredded { id, at } => self.shredded(&id, at),
            event @ (IdentityEvent::Registered(_)
            | IdentityEvent::HookHandled(_)
            | IdentityEvent::SyncStarted(_)
            | IdentityEvent::SyncEnded(_)) => self.fold_provider(event, at, position),
            // Of one tenant's people, and never in this stream.
            IdentityEvent::SettingsChanged(_)
            | IdentityEvent::User(_)
            | IdentityEvent::RolesAssigned { .. }
            | IdentityEvent::Group(_)
            | IdentityEvent::Membership(_)
            | IdentityEvent::AccountCreated(_)
            | IdentityEvent::AccountUpdated { .. }
            | IdentityEvent::KeyAdded { .. }
            | IdentityEvent::AccountDeleted { .. } => {}
        }
    }

    /// The people of a tenant, to be changed.
    pub(crate) fn people_mut(&mut self, tenant: &TenantId) -> &mut People {
        self.people.entry(tenant.clone()).or_default()
    }

    /// Enters a partner as it is.
    pub(crate) fn hold_partner(&mut self, partner: Partner) {
        self.partners.insert(partner.id.clone(), Arc::new(partner));
    }

    /// Enters a tenant as it is.
    pub(crate) fn hold_tenant(&mut self, tenant: Tenant) {
        self.tenants.insert(tenant.id.clone(), Arc::new(tenant));
    }

    /// Sets the revision of the platform's stream.
    pub(crate) fn restore_revision(&mut self, revision: Revision) {
        self.revision = revision;
    }

    /// Nothing of it is left but the record that it was.
    fn shredded(&mut self, id: &TenantId, at: Timestamp) {
        self.people.remove(id);
        if let Some(tenant) = self.tenants.get_mut(id) {
            let tenant = Arc::make_mut(tenant);
            tenant.status = Status::Deleted;
            tenant.shredded_at = Some(at);
        }
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
