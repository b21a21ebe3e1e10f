//! Whether an identity may be told of an event: at the moment of delivery, by what it may do then.
//!
//! Nothing is recorded of it: who may not be told does not learn that there was something.

use std::net::IpAddr;
use std::sync::OnceLock;

use scaivault_domain::access::{Caller, Permission, Target};
use scaivault_domain::policy::{Asked, Candidates};
use scaivault_domain::publication::Published;
use scaivault_domain::subscription::Subscription;
use scaivault_domain::{Owner, SecretPath, Timestamp};
use scaivault_projections::View;

use crate::Engine;

/// Somebody who is about to be told of events, under the circumstances of this moment.
pub struct Listener<'v> {
    view: &'v View,
    caller: &'v Caller,
    /// In whose subscription it listens.
    target: &'v Target,
    address: Option<IpAddr>,
    at: Timestamp,
    candidates: OnceLock<Candidates>,
}

impl<'v> Listener<'v> {
    /// A caller that listens in a tenant.
    pub fn new(view: &'v View, caller: &'v Caller, target: &'v Target, address: Option<IpAddr>, at: Timestamp) -> Self {
        Self { view, caller, target, address, at, candidates: OnceLock::new() }
    }

    /// Whether it may be told: it could list or read the path, or administers those whom an event without one concerns.
    pub fn may_be_told(&self, event: &Published) -> bool {
        self.may_know(&event.owner, event.path.as_ref())
    }

    /// The same of an event that concerns an owner, and a secret if there is a path.
    pub fn may_know(&self, owner: &Owner, path: Option<&SecretPath>) -> bool {
        let of = Target { owner: owner.clone(), partner: self.view.installation.partner_of(owner) };
        match path {
            Some(path) => self.may(Permission::List, path, &of) || self.may(Permission::Read, path, &of),
            None => self.caller.administers(&of),
        }
    }

    /// Up to which position of the log it is known what may be told.
    pub fn horizon(&self) -> u64 {
        self.view.applied.0
    }

    fn may(&self, permission: Permission, path: &SecretPath, of: &Target) -> bool {
        let asked = Asked {
            permission,
            path: path.as_str(),
            address: self.address,
            mfa_verified_at: self.caller.mfa_verified_at,
            at: self.at,
        };
        // Policies count for secrets of the tenant alone.
        self.caller.may(of, &asked, || self.candidates.get_or_init(|| self.view.candidates(self.caller, self.target)))
    }
}

impl Engine {
    /// Whether the owner of a pushed subscription of a tenant may be told of an event, as its records have it. Rules
    /// about its address or its second factor do not count: there is no request that could have either.
    pub fn may_be_told(
        &self,
        view: &View,
        tenant: &Owner,
        subscription: &Subscription,
        event: &Published,
        now: Timestamp,
    ) -> bool {
        may_be_told(view, tenant, subscription, event, now)
    }
}

/// See [`Engine::may_be_told`].
pub fn may_be_told(
    view: &View,
    tenant: &Owner,
    subscription: &Subscription,
    event: &Published,
    now: Timestamp,
) -> bool {
    // Of one that is in no tenant nothing is recorded that could permit anything.
    let Some(home) = subscription.home_in(tenant) else { return false };
    let standing = view.installation.standing(Some(home), &subscription.owner);
    if standing.is_ended || !view.installation.is_open(Some(home), None) {
        return false;
    }
    let partner = |owner: &Owner| view.installation.partner_of(owner);
    let home = Owner::Tenant(home.clone());
    let at_home = Target { partner: partner(&home), owner: home };
    let caller = view.caller_of_record(&at_home, &subscription.owner);
    let target = Target { owner: tenant.clone(), partner: partner(tenant) };
    Listener::new(view, &caller, &target, None, now).may_be_told(event)
}
