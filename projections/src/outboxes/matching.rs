//! Who wants an event.

use std::sync::Arc;

use scaivault_domain::publication::{About, EventTypes, Published};
use scaivault_domain::subscription::Subscription;
use scaivault_domain::webhook::Webhook;
use scaivault_domain::{IdentityId, Owner, PartnerId, Role, TenantId};

use crate::view::View;

/// Who wants it.
pub enum Wanted<'a> {
    /// A webhook.
    By(&'a Arc<Webhook>),
    /// A subscription.
    In(&'a Arc<Subscription>),
}

/// Whether anybody might want what is published of an owner.
pub(crate) fn is_heard(view: &View, owner: &Owner) -> bool {
    let mut is_heard = false;
    each_tenant(view, owner, |tenant| {
        is_heard |= !view.webhooks.of(tenant).is_empty() || !view.subscriptions.of(tenant).is_empty();
    });
    is_heard
}

/// Whether anybody wants one of these types of what is published of an owner, as far as types alone tell.
pub(crate) fn is_named(view: &View, owner: &Owner, event_types: &[&str]) -> bool {
    let types = EventTypes::of(event_types);
    let mut is_named = false;
    each_tenant(view, owner, |tenant| {
        let webhooks = view.webhooks.of(tenant).all().map(|webhook| &webhook.content.events);
        let subscriptions = view.subscriptions.of(tenant).all().map(|subscription| &subscription.content.events);
        let mut all = webhooks.chain(subscriptions);
        is_named |= all.any(|events| events.name_any(types));
    });
    is_named
}

/// Everybody who wants an event, as things are in a view.
pub(crate) fn recipients<'v>(
    view: &'v View,
    event: &Published,
    about: Option<&About>,
    mut each: impl FnMut(&'v Owner, Wanted<'v>),
) {
    let types = EventTypes::of(&[event.event_type]);
    each_tenant(view, &event.owner, |tenant| {
        for webhook in view.webhooks.of(tenant).all().filter(|webhook| webhook.is_enabled()) {
            let is_meant = webhook.content.events.name_any(types) || is_named_by_policy(view, webhook, event);
            let passes = webhook.content.filters.passes(event.path.as_ref(), about);
            if is_meant && passes && reaches(view, event, &webhook.created_by, webhook.home_in(tenant)) {
                each(tenant, Wanted::By(webhook));
            }
        }
        for subscription in view.subscriptions.of(tenant).all() {
            let content = &subscription.content;
            if subscription.disabled.is_none()
                && content.events.name_any(types)
                && content.watches(event.path.as_ref().map(scaivault_domain::SecretPath::as_str))
                && content.filters.passes(event.path.as_ref(), about)
                && !view.installation.standing(subscription.home_in(tenant), &subscription.owner).is_ended
                && reaches(view, event, &subscription.owner, subscription.home_in(tenant))
            {
                each(tenant, Wanted::In(subscription));
            }
        }
    });
}

/// Tenants in which events of an owner are heard: itself, those of the partner, or all.
fn each_tenant<'v>(view: &'v View, owner: &Owner, mut each: impl FnMut(&'v Owner)) {
    let of_partner = |tenant: &Owner, id: &PartnerId| view.installation.partner_of(tenant).as_ref() == Some(id);
    match owner {
        Owner::Tenant(_) => {
            let webhooks = view.webhooks.owner(owner);
            webhooks.or_else(|| view.subscriptions.owner(owner)).into_iter().for_each(each);
        }
        Owner::Partner(_) | Owner::Platform => {
            let webhooks = view.webhooks.all().map(|(tenant, _)| tenant);
            let subscriptions = view.subscriptions.all().map(|(tenant, _)| tenant);
            let only_there = subscriptions.filter(|tenant| view.webhooks.owner(tenant).is_none());
            for tenant in webhooks.chain(only_there) {
                let is_below = match owner {
                    Owner::Partner(id) => of_partner(tenant, id),
                    Owner::Platform | Owner::Tenant(_) => true,
                };
                if is_below {
                    each(tenant);
                }
            }
        }
    }
}

/// A rotation policy names webhooks that are told of its rotations, whatever events they name.
fn is_named_by_policy(view: &View, webhook: &Webhook, event: &Published) -> bool {
    if !event.event_type.starts_with("rotation.") && event.event_type != "secret.rotated" {
        return false;
    }
    let id = event.data.get("rotation_policy_id").and_then(|id| id.as_str());
    let id = id.and_then(scaivault_domain::rotation::RotationPolicyId::parse);
    let policy = id.and_then(|id| view.rotations.of(&event.owner).get(&id));
    policy.is_some_and(|policy| policy.content.webhook_ids.iter().any(|named| **named == *webhook.id.as_str()))
}

/// Whether what happens above tenants, but to no secret, concerns an identity that is at home in a tenant.
pub(crate) fn reaches(view: &View, event: &Published, identity: &IdentityId, home: Option<&TenantId>) -> bool {
    let is_above = event.path.is_none() && event.owner.tenant().is_none();
    if !is_above {
        return true;
    }
    let standing = view.installation.standing(home, identity);
    let has = |role| !standing.is_ended && standing.roles.contains(&role);
    let partner = || view.installation.partner_of(&Owner::Tenant(home?.clone()));
    match &event.owner {
        Owner::Tenant(_) => true,
        Owner::Partner(of) => has(Role::SuperAdmin) || (has(Role::PartnerAdmin) && partner().as_ref() == Some(of)),
        Owner::Platform => has(Role::SuperAdmin),
    }
}
