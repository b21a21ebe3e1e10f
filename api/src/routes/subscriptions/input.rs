//! What a subscription says, read from a body.

use std::sync::Arc;

use scaivault_commands::Failure;
use scaivault_commands::endpoint::{EndpointSecrets, Secret, Signing};
use scaivault_commands::issuer::Trust;
use scaivault_commands::subscription::Edited;
use scaivault_domain::endpoint::Endpoint;
use scaivault_domain::publication::{EventFilter, EventNames};
use scaivault_domain::subscription::{BUFFER, Content, Delivery, MAX_BUFFER, MAX_NAME, MAX_PATHS, Subscription};
use scaivault_domain::{ErrorCode, Pattern, Rejection};

use crate::call::Call;
use crate::fields::{Faults, Fields, not_null};
use crate::routes::endpoint::{GivenEndpoint, GivenFilters, events, filters};
use crate::routes::issuers::input::name;

/// Keys of `delivery` that go with one type alone.
const OF_WEBHOOK: [&str; 6] = ["url", "secret", "previous_secret_ttl", "format", "ed25519", "ca_pem"];
const OF_POLLING: [&str; 1] = ["buffer_size"];

/// Fields of a subscription, each as far as it was given; inner `None` is `null`, which restores the default.
pub(super) struct Given {
    name: Option<Arc<str>>,
    paths: Option<Vec<Pattern>>,
    events: Option<EventNames>,
    filters: Option<Option<GivenFilters>>,
    delivery: Option<GivenDelivery>,
}

/// How events get to the owner, as far as it was given.
struct GivenDelivery {
    kind: Option<Kind>,
    buffer_size: Option<Option<u32>>,
    endpoint: GivenEndpoint,
    /// Keys that were given and go with one type alone.
    named: Vec<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Polling,
    Webhook,
}

/// What a new pushed subscription is signed with, as far as it was given.
pub(super) struct Pushed(Signing);

/// Reads the body; with `whole`, what has no default must be in it.
pub(super) fn given(call: &mut Call, whole: bool) -> Result<Given, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    for field in ["name", "paths", "events", "delivery"].into_iter().filter(|field| whole && !fields.has(field)) {
        faults.field(field, "is required");
    }
    let given = Given {
        name: name(&mut fields, MAX_NAME, &mut faults),
        paths: paths(&mut fields, &mut faults),
        events: events(&mut fields, "events", &mut faults),
        filters: filters(&mut fields, &mut faults),
        delivery: delivery(&mut fields, call.app.engine.trust(), whole, &mut faults),
    };
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(given)
}

fn paths(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Vec<Pattern>> {
    let texts = fields.texts("paths", faults);
    let texts = not_null(texts, "paths", faults)?;
    if !(1..=MAX_PATHS).contains(&texts.len()) {
        let reason = if texts.is_empty() { "empty" } else { "too_many" };
        let sentence = format!("A subscription has 1 to {MAX_PATHS} path patterns");
        faults.special(Rejection::new(ErrorCode::InvalidGlob, sentence).detail("reason", reason));
    }
    let parsed = texts.iter().enumerate().map(|(index, text)| {
        let parsed = Pattern::parse(text).map_err(|rejection| rejection.detail("field", format!("paths[{index}]")));
        faults.take(parsed)
    });
    Some(parsed.flatten().collect())
}

fn delivery(fields: &mut Fields<'_>, trust: &Trust, whole: bool, faults: &mut Faults) -> Option<GivenDelivery> {
    let given = fields.object("delivery", faults);
    let mut given = not_null(given, "delivery", faults)?;
    if whole && !given.has("type") {
        faults.field("delivery.type", "is required");
    }
    let all = OF_WEBHOOK.into_iter().chain(OF_POLLING);
    let named: Vec<_> = all.filter(|key| given.has(key)).collect();
    let text = given.text("type", faults);
    let text = not_null(text, "delivery.type", faults);
    let kind = text.as_deref().and_then(Kind::parse);
    if text.is_some() && kind.is_none() {
        faults.field("delivery.type", "must be webhook or polling");
    }
    let buffer_size = given.integer("buffer_size", (1, i64::from(MAX_BUFFER)), faults);
    let buffer_size = buffer_size.map(|size| size.and_then(|size| u32::try_from(size).ok()));
    let endpoint = GivenEndpoint::read(&mut given, trust, whole, faults);
    given.finish(faults);
    let delivery = GivenDelivery { kind, buffer_size, endpoint, named };
    if let Some(kind) = kind {
        delivery.misfits(kind).into_iter().for_each(|(field, rule)| faults.field(field, rule));
        if whole && kind == Kind::Webhook && !delivery.named.contains(&"url") {
            faults.field("delivery.url", "is required with type webhook");
        }
    }
    Some(delivery)
}

impl Kind {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "polling" => Some(Self::Polling),
            "webhook" => Some(Self::Webhook),
            _ => None,
        }
    }

    fn of(delivery: &Delivery) -> Self {
        match delivery {
            Delivery::Polling { .. } => Self::Polling,
            Delivery::Webhook(_) => Self::Webhook,
        }
    }
}

impl GivenDelivery {
    /// Keys that do not go with a type.
    fn misfits(&self, kind: Kind) -> Vec<(String, String)> {
        let (others, rule): (&[&str], _) = match kind {
            Kind::Polling => (&OF_WEBHOOK, "goes with type webhook alone"),
            Kind::Webhook => (&OF_POLLING, "goes with type polling alone"),
        };
        let named = self.named.iter().filter(|key| others.contains(key));
        named.map(|key| (format!("delivery.{key}"), rule.to_owned())).collect()
    }

    fn over(&self, before: &Delivery) -> Result<Delivery, Rejection> {
        let kind = Kind::of(before);
        if self.kind.is_some_and(|given| given != kind) {
            return Err(Rejection::field("delivery.type", "cannot be changed; make another subscription"));
        }
        let misfits = self.misfits(kind);
        if !misfits.is_empty() {
            return Err(Rejection::fields(misfits));
        }
        Ok(match before {
            Delivery::Polling { buffer_size } => Delivery::Polling {
                buffer_size: self.buffer_size.map_or(*buffer_size, |given| given.unwrap_or(BUFFER)),
            },
            Delivery::Webhook(endpoint) => Delivery::Webhook(self.endpoint.over(endpoint)),
        })
    }
}

impl Pushed {
    /// The secrets, and the one to be shown if it was made here.
    pub(super) fn secrets(self) -> Result<(EndpointSecrets, Option<Secret>), Failure> {
        let (secret, made) = match self.0.secret {
            Some((secret, _)) => (secret, None),
            None => {
                let made = Secret::make()?;
                (made.clone(), Some(made))
            }
        };
        Ok((EndpointSecrets::new(secret, self.0.ed25519.unwrap_or(false))?, made))
    }
}

impl Given {
    /// A subscription that says just this, and what it is signed with if it is pushed.
    pub(super) fn alone(self) -> Result<(Content, Option<Pushed>), Rejection> {
        let required = |field: &str| Rejection::field(field, "is required");
        let given = self.delivery.ok_or_else(|| required("delivery"))?;
        let (delivery, pushed) = match given.kind.ok_or_else(|| required("delivery.type"))? {
            Kind::Polling => (Delivery::Polling { buffer_size: given.buffer_size.flatten().unwrap_or(BUFFER) }, None),
            Kind::Webhook => {
                let endpoint = Endpoint {
                    url: given.endpoint.url.ok_or_else(|| required("delivery.url"))?,
                    format: given.endpoint.format.flatten().unwrap_or_default(),
                    public_key: None,
                    ca_pem: given.endpoint.ca_pem.flatten(),
                    previous_secret_expires_at: None,
                };
                (Delivery::Webhook(endpoint), Some(Pushed(given.endpoint.signing)))
            }
        };
        let content = Content {
            name: self.name.ok_or_else(|| required("name"))?,
            paths: self.paths.ok_or_else(|| required("paths"))?,
            events: self.events.ok_or_else(|| required("events"))?,
            filters: self.filters.flatten().map(|given| given.over(&EventFilter::default())).unwrap_or_default(),
            delivery,
        };
        Ok((content, pushed))
    }

    /// What is said of signing.
    pub(super) fn signing(&self) -> Option<&Signing> {
        self.delivery.as_ref().map(|delivery| &delivery.endpoint.signing)
    }

    /// What was said before, with what is given in its place.
    pub(super) fn over(&self, before: &Subscription) -> Result<Edited, Rejection> {
        let said = &before.content;
        let content = Content {
            name: self.name.clone().unwrap_or_else(|| said.name.clone()),
            paths: self.paths.clone().unwrap_or_else(|| said.paths.clone()),
            events: self.events.clone().unwrap_or_else(|| said.events.clone()),
            filters: match &self.filters {
                None => said.filters.clone(),
                Some(None) => EventFilter::default(),
                Some(Some(given)) => given.over(&said.filters),
            },
            delivery: match &self.delivery {
                None => said.delivery.clone(),
                Some(given) => given.over(&said.delivery)?,
            },
        };
        Ok(Edited { content, re_enables: self.delivery.is_some() })
    }
}
