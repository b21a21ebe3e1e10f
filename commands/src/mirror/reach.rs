//! How far a mirror reaches: which records it may change, and what it leaves as it is.
//!
//! Whoever holds the secret of a registration can say anything of a record. So a record that is here is
//! judged by what is known of it here alone.

use std::sync::Arc;

use scaivault_domain::directory::{Partner, Source, Status, Tenant, User};
use scaivault_domain::scaikey::{Registration, RegistrationScope};
use scaivault_domain::{PartnerId, Role, TenantId};
use scaivault_projections::{HeldUser, People};

use super::Mirror;

impl Mirror<'_> {
    /// The registration, if it is about less than everything.
    pub(super) fn restricted(&self) -> Option<&Registration> {
        self.registration.filter(|registration| registration.scope != RegistrationScope::Platform)
    }

    /// Whether a partner may become so. One that was made here is left alone by all but the whole platform.
    pub(super) fn reaches_partner(&self, before: Option<&Partner>, after: &Partner) -> bool {
        let Some(registration) = self.restricted() else { return true };
        let slug = before.map_or(&after.slug, |before| &before.slug);
        let is_own =
            registration.scope == RegistrationScope::Partner && registration.partner_slug.as_ref() == Some(slug);
        let is_apart = match before {
            Some(before) => before.provenance.source == Source::Scaikey,
            None => !self.view.installation.partners().any(|other| other.slug == after.slug),
        };
        is_own && is_apart
    }

    /// Whether a tenant may become so. One that was made here is left alone by all but the whole platform.
    pub(super) fn reaches_tenant(&self, before: Option<&Tenant>, after: &Tenant) -> bool {
        if self.restricted().is_none() {
            return true;
        }
        let is_apart = match before {
            Some(before) => before.provenance.source == Source::Scaikey,
            None => !self.view.installation.tenants().any(|other| other.slug == after.slug),
        };
        let slug = before.map_or(&after.slug, |before| &before.slug);
        is_apart && self.reaches_people(&after.partner_id, slug)
    }

    /// Whether the people of a tenant are within reach.
    pub(crate) fn reaches_people(&self, partner: &PartnerId, slug: &String) -> bool {
        let Some(registration) = self.registration else { return true };
        let partner_slug = self.view.installation.partner(partner).map(|partner| &partner.slug);
        match registration.scope {
            RegistrationScope::Platform => true,
            RegistrationScope::Partner => partner_slug.is_some() && partner_slug == registration.partner_slug.as_ref(),
            RegistrationScope::Tenant => registration.tenant_slug.as_ref() == Some(slug),
        }
    }

    /// Whether a user may become so: nobody whose roles go beyond the registration, no address of somebody who
    /// was made or given roles here, and not the end of the last active `super_admin`.
    pub(super) fn reaches_user(&self, tenant: &TenantId, before: Option<&Arc<HeldUser>>, after: &User) -> bool {
        let roles = before.map(|held| held.roles()).unwrap_or_default();
        let other = self.view.installation.people(tenant).user_named(&after.identity);
        let other = other.filter(|other| other.user.id != after.id && other.user.status != Status::Deleted);
        let is_kept = |other: &Arc<HeldUser>| is_local(other) || !other.assigned.is_empty();
        roles.iter().all(|role| self.may_give(*role))
            && !other.is_some_and(is_kept)
            && !before.is_some_and(|before| self.ends_last(tenant, before, after))
    }

    fn ends_last(&self, tenant: &TenantId, before: &HeldUser, after: &User) -> bool {
        is_end(before, after) && !self.view.installation.has_super_admin_besides(tenant, &before.user.identity)
    }

    /// Whether a partner or tenant that changes so closes on the last active `super_admin`.
    pub(super) fn locks_out(&self, before: Status, after: Status, holds: impl Fn(&Tenant) -> bool) -> bool {
        before == Status::Active && after != Status::Active && self.view.installation.holds_last_super_admin(holds)
    }

    pub(super) fn may_give(&self, role: Role) -> bool {
        match self.registration.map_or(RegistrationScope::Platform, |registration| registration.scope) {
            RegistrationScope::Platform => role.is_administrative(),
            RegistrationScope::Partner => matches!(role, Role::PartnerAdmin | Role::TenantAdmin),
            RegistrationScope::Tenant => role == Role::TenantAdmin,
        }
    }
}

/// The record that an id or address of the provider means: one that is ScaiKey's by its id, any other by its
/// address alone. An error if the id is that of another record made here.
pub(super) fn known<'p>(
    people: &'p People,
    id: &scaivault_domain::id::UserId,
    email: Option<&str>,
) -> Result<Option<&'p Arc<HeldUser>>, Foreign> {
    let is_mirrored = |held: &&Arc<HeldUser>| held.user.provenance.source == Source::Scaikey;
    let of_id = people.user_of_provider(id);
    let met = || email.and_then(|email| people.user_named(&scaivault_domain::IdentityId::user(email)));
    let found = of_id.filter(is_mirrored).or_else(|| met().filter(|held| !is_mirrored(held)));
    match of_id {
        Some(of_id) if found.is_none_or(|found| found.user.id != of_id.user.id) => Err(Foreign),
        Some(_) | None => Ok(found),
    }
}

/// The id is that of a record that is not ScaiKey's.
pub(super) struct Foreign;

/// Whether an active `super_admin` is none any more.
pub(crate) fn is_end(before: &HeldUser, after: &User) -> bool {
    let administers = |held: &HeldUser| held.user.status == Status::Active && held.roles().contains(&Role::SuperAdmin);
    let after = HeldUser { user: after.clone(), assigned: before.assigned.clone() };
    administers(before) && !administers(&after)
}

fn is_local(held: &HeldUser) -> bool {
    held.user.provenance.source == Source::Local
}
