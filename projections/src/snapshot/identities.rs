//! Rows of identities: the installation's own, and those of each tenant under its key. As JSON, like events.

use std::sync::Arc;

use scaivault_domain::directory::{Group, Membership, Partner, Tenant};
use scaivault_domain::id::UserId;
use scaivault_domain::scaikey::Sync;
use scaivault_domain::tenant::TenantSettings;
use scaivault_domain::{IdentityId, Owner, Timestamp};
use scaivault_eventstore::Revision;
use serde::{Deserialize, Serialize};

use super::installation::{json, parsed};
use super::section::{Kind, Sections};
use crate::View;
use crate::codec::Decoder;
use crate::installation::HeldRegistration;
use crate::people::{HeldAccount, HeldUser, MadeKey};

/// One row.
#[derive(Serialize, Deserialize)]
enum Row {
    Revision(u64),
    Partner(Partner),
    Tenant(Tenant),
    Registration(HeldRegistration),
    Sync(Sync),
    Handled(Arc<str>),
    Settings(TenantSettings, Timestamp),
    User(HeldUser),
    Named(IdentityId, UserId),
    Left(IdentityId),
    Group(Group),
    Membership(Membership),
    Account(HeldAccount),
    MadeKey(Arc<str>, MadeKey),
}

/// Writes all of them.
pub(super) fn write<E, F: FnMut(&Owner, &[u8]) -> Result<(), E>>(view: &View, to: &mut Sections<F>) -> Result<(), E> {
    let installation = &view.installation;
    let own = std::iter::once(Row::Revision(installation.revision_of(&Owner::Platform).0))
        .chain(installation.partners().map(|partner| Row::Partner(partner.as_ref().clone())))
        .chain(installation.tenants().map(|tenant| Row::Tenant(tenant.as_ref().clone())))
        .chain(installation.registration().map(|held| Row::Registration(held.as_ref().clone())))
        .chain(installation.syncs().map(|sync| Row::Sync(sync.as_ref().clone())))
        .chain(installation.handled().map(|id| Row::Handled(id.clone())));
    for row in own {
        to.row(Kind::Identities, &Owner::Platform, |to| json(to, &row))?;
    }
    for (tenant, people) in installation.all_people() {
        let settings = people.settings().map(|(settings, at)| Row::Settings(settings.as_ref().clone(), *at));
        let rows = std::iter::once(Row::Revision(people.revision().0))
            .chain(settings)
            .chain(people.users().map(|held| Row::User(held.as_ref().clone())))
            .chain(people.shared_names().map(|(identity, id)| Row::Named(identity.clone(), id.clone())))
            .chain(people.left().map(|identity| Row::Left(identity.clone())))
            .chain(people.groups().map(|group| Row::Group(group.as_ref().clone())))
            .chain(people.memberships().map(|membership| Row::Membership(membership.as_ref().clone())))
            .chain(people.accounts().map(|held| Row::Account(held.as_ref().clone())))
            .chain(people.made_keys().map(|(id, made)| Row::MadeKey(id.clone(), made.as_ref().clone())));
        let owner = Owner::Tenant(tenant.clone());
        for row in rows {
            to.row(Kind::Identities, &owner, |to| json(to, &row))?;
        }
    }
    Ok(())
}

/// Reads one row of `owner`.
pub(super) fn read(owner: &Owner, from: &mut Decoder<'_>, view: &mut View) -> Option<()> {
    let row: Row = parsed(from)?;
    let installation = &mut view.installation;
    match (owner, row) {
        (Owner::Platform, Row::Revision(revision)) => installation.restore_revision(Revision(revision)),
        (_, Row::Partner(partner)) => installation.hold_partner(partner),
        (_, Row::Tenant(tenant)) => installation.hold_tenant(tenant),
        (_, Row::Registration(held)) => installation.hold_registration(held),
        (_, Row::Sync(sync)) => installation.hold_sync(sync),
        (_, Row::Handled(id)) => installation.hold_handled(id),
        (Owner::Tenant(tenant), row) => {
            let people = installation.people_mut(tenant);
            match row {
                Row::Revision(revision) => people.restore_revision(Revision(revision)),
                Row::Settings(settings, at) => people.hold_settings(settings, at),
                Row::User(held) => people.hold_user(held),
                Row::Named(identity, id) => people.hold_name(identity, id),
                Row::Left(identity) => people.hold_left(identity),
                Row::Group(group) => people.hold_group(group),
                Row::Membership(membership) => people.hold_membership(membership),
                Row::Account(held) => people.hold_account(held),
                Row::MadeKey(id, made) => people.hold_made_key(id, made),
                Row::Partner(_) | Row::Tenant(_) | Row::Registration(_) | Row::Sync(_) | Row::Handled(_) => {
                    return None;
                }
            }
        }
        (Owner::Platform | Owner::Partner(_), _) => return None,
    }
    Some(())
}
