//! What a webhook says, read from a body.

use std::sync::Arc;

use scaivault_commands::endpoint::{EndpointSecrets, Signing};
use scaivault_commands::webhook::Edited;
use scaivault_domain::Rejection;
use scaivault_domain::endpoint::Endpoint;
use scaivault_domain::publication::{EventFilter, EventNames};
use scaivault_domain::webhook::{Content, MAX_NAME, Webhook};

use crate::call::{Call, Stop};
use crate::routes::endpoint::{GivenEndpoint, GivenFilters, events, filters};
use crate::routes::issuers::input::name;

/// Fields of a webhook, each as far as it was given; inner `None` is `null`, which restores the default.
pub(super) struct Given {
    name: Option<Arc<str>>,
    events: Option<EventNames>,
    filters: Option<Option<GivenFilters>>,
    endpoint: GivenEndpoint,
    enabled: Option<Option<bool>>,
}

/// Reads the body of a new webhook.
pub(super) fn whole(call: &mut Call) -> Result<Given, Rejection> {
    given(call, true)
}

/// Reads the body of a change.
pub(super) fn change(call: &mut Call) -> Result<Given, Rejection> {
    given(call, false)
}

fn given(call: &mut Call, whole: bool) -> Result<Given, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    for field in ["name", "url", "secret", "events"].into_iter().filter(|field| whole && !fields.has(field)) {
        faults.field(field, "is required");
    }
    let given = Given {
        name: name(&mut fields, MAX_NAME, &mut faults),
        events: events(&mut fields, "events", &mut faults),
        filters: filters(&mut fields, &mut faults),
        endpoint: GivenEndpoint::read(&mut fields, call.app.engine.trust(), whole, &mut faults),
        enabled: fields.boolean("enabled", &mut faults),
    };
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(given)
}

impl Given {
    /// A webhook that says just this, and what it signs with.
    pub(super) fn alone(self) -> Result<(Edited, EndpointSecrets), Stop> {
        let required = |field: &str| Rejection::field(field, "is required");
        let signing = self.endpoint.signing;
        let (secret, _) = signing.secret.ok_or_else(|| required("secret"))?;
        let secrets = EndpointSecrets::new(secret, signing.ed25519.unwrap_or(false))?;
        let content = Content {
            name: self.name.ok_or_else(|| required("name"))?,
            events: self.events.ok_or_else(|| required("events"))?,
            filters: self.filters.flatten().map(|given| given.over(&EventFilter::default())).unwrap_or_default(),
            endpoint: Endpoint {
                url: self.endpoint.url.ok_or_else(|| required("url"))?,
                format: self.endpoint.format.flatten().unwrap_or_default(),
                public_key: None,
                ca_pem: self.endpoint.ca_pem.flatten(),
                previous_secret_expires_at: None,
            },
        };
        Ok((Edited { content, is_enabled: self.enabled.flatten().unwrap_or(true) }, secrets))
    }

    /// What is said of signing.
    pub(super) fn signing(&self) -> &Signing {
        &self.endpoint.signing
    }

    /// What was said before, with what is given in its place.
    pub(super) fn over(&self, before: &Webhook) -> Edited {
        let said = &before.content;
        let content = Content {
            name: self.name.clone().unwrap_or_else(|| said.name.clone()),
            events: self.events.clone().unwrap_or_else(|| said.events.clone()),
            filters: match &self.filters {
                None => said.filters.clone(),
                Some(None) => EventFilter::default(),
                Some(Some(given)) => given.over(&said.filters),
            },
            endpoint: self.endpoint.over(&said.endpoint),
        };
        let is_enabled = self.enabled.map_or(before.is_enabled(), |given| given.unwrap_or(true));
        Edited { content, is_enabled }
    }
}
