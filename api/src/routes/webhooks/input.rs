//! What a webhook says, read from a body.

use std::sync::Arc;

use scaivault_commands::Failure;
use scaivault_commands::endpoint::{EndpointSecrets, Secret};
use scaivault_commands::fetch::check_url;
use scaivault_commands::issuer::Trust;
use scaivault_commands::webhook::{Edited, Signing};
use scaivault_domain::endpoint::{Endpoint, Format};
use scaivault_domain::publication::{EventFilter, EventNames};
use scaivault_domain::secret::SecretType;
use scaivault_domain::webhook::{Content, MAX_NAME, Webhook};
use scaivault_domain::{DurationText, Rejection};
use zeroize::Zeroizing;

use crate::call::{Call, Stop};
use crate::fields::{Faults, Fields, not_null};
use crate::routes::issuers::input::name;

/// Longest `ca_pem`, in bytes.
const MAX_ROOTS: usize = 64 * 1024;
/// How long a replaced secret counts, too, unless said otherwise; and the most that may be said, in seconds.
const PREVIOUS_TTL: i64 = 24 * 3_600;
const MAX_PREVIOUS_TTL: i64 = 7 * 24 * 3_600;

/// Fields of a webhook, each as far as it was given; inner `None` is `null`, which restores the default.
pub(super) struct Given {
    name: Option<Arc<str>>,
    events: Option<EventNames>,
    filters: Option<Option<GivenFilters>>,
    endpoint: GivenEndpoint,
    enabled: Option<Option<bool>>,
}

/// Keys of filters, each as far as it was given.
pub(crate) struct GivenFilters {
    path_prefix: Option<Option<Arc<str>>>,
    secret_type: Option<Option<SecretType>>,
    tags: Option<Option<Vec<Arc<str>>>>,
}

/// Where to and how, each as far as it was given.
pub(crate) struct GivenEndpoint {
    pub(crate) url: Option<Arc<str>>,
    pub(crate) format: Option<Option<Format>>,
    pub(crate) ca_pem: Option<Option<Arc<str>>>,
    /// What to sign with.
    pub(crate) signing: Signing,
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

/// Names of events.
pub(crate) fn events(fields: &mut Fields<'_>, field: &str, faults: &mut Faults) -> Option<EventNames> {
    let names = fields.texts(field, faults);
    let names = not_null(names, &fields.name(field), faults)?;
    faults.take(EventNames::parse(&names, field))
}

/// About which secrets events are wanted.
#[allow(clippy::option_option, reason = "absent and null are different things in a patch")]
pub(crate) fn filters(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Option<GivenFilters>> {
    let Some(mut given) = fields.object("filters", faults)? else { return Some(None) };
    let secret_type = given.text("secret_type", faults);
    let filters = GivenFilters {
        path_prefix: given.text("path_prefix", faults).map(|prefix| prefix.map(Arc::from)),
        secret_type: secret_type.map(|text| text.and_then(|text| faults.take(SecretType::parse(&text)))),
        tags: given.texts("tags", faults).map(|tags| tags.map(|tags| tags.into_iter().map(Arc::from).collect())),
    };
    given.finish(faults);
    // What is said before it was checked when it was written.
    faults.take(filters.over(&EventFilter::default()).check("filters"));
    Some(Some(filters))
}

impl GivenFilters {
    /// Laid over what was said before, key by key.
    pub(crate) fn over(&self, before: &EventFilter) -> EventFilter {
        EventFilter {
            path_prefix: self.path_prefix.clone().unwrap_or_else(|| before.path_prefix.clone()),
            secret_type: self.secret_type.unwrap_or(before.secret_type),
            tags: self.tags.clone().map_or_else(|| before.tags.clone(), Option::unwrap_or_default),
        }
    }
}

impl GivenEndpoint {
    /// Reads where to and how. Only a change replaces a secret.
    pub(crate) fn read(fields: &mut Fields<'_>, trust: &Trust, whole: bool, faults: &mut Faults) -> Self {
        let url = fields.text("url", faults);
        let url = not_null(url, &fields.name("url"), faults);
        if let Some(Err(fault)) = url.as_ref().map(|url| check_url(url, trust.addresses(), true)) {
            faults.field(fields.name("url"), fault);
        }
        let format = fields.text("format", faults).map(|text| {
            let format = Format::parse(&text?);
            if format.is_none() {
                faults.field(fields.name("format"), "must be scaivault or cloudevents");
            }
            format
        });
        let ca_pem = fields.text("ca_pem", faults);
        if let Some(pem) = ca_pem.iter().flatten().next() {
            if pem.len() > MAX_ROOTS {
                faults.field(fields.name("ca_pem"), "must have at most 64 KiB");
            } else if trust.check_roots(pem).is_err() {
                faults.field(fields.name("ca_pem"), "must hold certificates in PEM form");
            }
        }
        Self {
            url: url.map(Arc::from),
            format,
            ca_pem: ca_pem.map(|pem| pem.map(Arc::from)),
            signing: signing(fields, whole, faults),
        }
    }

    /// Laid over what was said before.
    pub(crate) fn over(&self, before: &Endpoint) -> Endpoint {
        Endpoint {
            url: self.url.clone().unwrap_or_else(|| before.url.clone()),
            format: self.format.map_or(before.format, Option::unwrap_or_default),
            ca_pem: self.ca_pem.clone().unwrap_or_else(|| before.ca_pem.clone()),
            ..before.clone()
        }
    }
}

fn signing(fields: &mut Fields<'_>, whole: bool, faults: &mut Faults) -> Signing {
    let given = fields.text("secret", faults);
    let is_given = given.is_some();
    let secret = not_null(given, &fields.name("secret"), faults).map(Zeroizing::new);
    let secret = secret.and_then(|text| faults.take(Secret::parse(&text, &fields.name("secret"))));
    let ed25519 = fields.boolean("ed25519", faults).map(Option::unwrap_or_default);
    let seconds = if whole { 0 } else { previous_ttl(fields, is_given, faults) };
    Signing { secret: secret.map(|secret| (secret, seconds)), ed25519 }
}

/// For how long the secret before counts, too.
fn previous_ttl(fields: &mut Fields<'_>, with_secret: bool, faults: &mut Faults) -> i64 {
    let field = fields.name("previous_secret_ttl");
    let ttl = fields.duration("previous_secret_ttl", faults).flatten();
    if ttl.is_some() && !with_secret {
        faults.field(&field, "goes with a new secret alone");
    }
    let seconds = ttl.as_ref().map_or(PREVIOUS_TTL, DurationText::seconds);
    if seconds > MAX_PREVIOUS_TTL {
        faults.field(&field, "must be at most 7d");
    }
    seconds
}

impl Given {
    /// A webhook that says just this, and what it signs with.
    pub(super) fn alone(self) -> Result<(Edited, EndpointSecrets), Stop> {
        let required = |field: &str| Rejection::field(field, "is required");
        let signing = self.endpoint.signing;
        let (secret, _) = signing.secret.ok_or_else(|| required("secret"))?;
        let secrets = EndpointSecrets::new(secret, signing.ed25519.unwrap_or(false)).map_err(Failure::from)?;
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
