//! The registration with ScaiKey.

pub mod register;
pub mod show;

use scaivault_domain::Timestamp;
use scaivault_domain::scaikey::RegistrationScope;
use scaivault_projections::View;
use scaivault_projections::installation::HeldRegistration;
use serde::Serialize;

use crate::operation::Operation;
use crate::provider::Provider;

/// The operations of this group.
pub fn operations() -> [&'static Operation; 2] {
    [&show::SHOW, &register::REGISTER]
}

/// The registration as answers show it.
#[derive(Default, Serialize)]
struct RegistrationView<'a> {
    registered: bool,
    status: &'static str,
    scope: Option<RegistrationScope>,
    tenant_slug: Option<&'a str>,
    partner_slug: Option<&'a str>,
    email: Option<&'a str>,
    scaikey_url: Option<&'a str>,
    webhook_url: Option<&'a str>,
    registered_at: Option<Timestamp>,
    last_event_at: Option<Timestamp>,
    last_sync_id: Option<&'a str>,
    last_sync_status: Option<&'static str>,
}

impl<'a> RegistrationView<'a> {
    fn new(view: &'a View, held: &'a HeldRegistration, provider: &'a Provider) -> Self {
        let registration = &held.registration;
        let last = view.installation.syncs().next();
        let last_sync_status = last.map(|sync| sync.status());
        Self {
            registered: true,
            status: if last_sync_status == Some("failed") { "failing" } else { "active" },
            scope: Some(registration.scope),
            tenant_slug: registration.tenant_slug.as_deref(),
            partner_slug: registration.partner_slug.as_deref(),
            email: Some(&registration.email),
            scaikey_url: provider.url.as_deref(),
            webhook_url: provider.webhook_url.as_deref(),
            registered_at: Some(held.registered_at),
            last_event_at: held.last_event_at,
            last_sync_id: last.map(|sync| sync.started.id.as_str()),
            last_sync_status,
        }
    }

    fn unregistered() -> Self {
        Self { status: "unregistered", ..Self::default() }
    }
}
