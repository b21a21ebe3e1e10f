//! Fields of those who get events, read from a body: which events, about what, and where to.

use std::sync::Arc;

use scaivault_commands::endpoint::{Secret, Signing};
use scaivault_commands::fetch::check_url;
use scaivault_commands::issuer::Trust;
use scaivault_domain::DurationText;
use scaivault_domain::endpoint::{Endpoint, Format};
use scaivault_domain::publication::{EventFilter, EventNames};
use scaivault_domain::secret::SecretType;
use zeroize::Zeroizing;

use crate::fields::{Faults, Fields, not_null};

/// Longest `ca_pem`, in bytes.
const MAX_ROOTS: usize = 64 * 1024;
/// How long a replaced secret counts, too, unless said otherwise; and the most that may be said, in seconds.
const PREVIOUS_TTL: i64 = 24 * 3_600;
const MAX_PREVIOUS_TTL: i64 = 7 * 24 * 3_600;

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
