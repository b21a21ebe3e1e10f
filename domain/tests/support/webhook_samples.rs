//! Samples of what happens to webhooks and on the way to them.

use scaivault_domain::delivery::{Asked, Attempt, DeliveryEvent, Outcome, Recipient, Series, Slot};
use scaivault_domain::endpoint::{DisabledReason, Endpoint, Format};
use scaivault_domain::home::Home;
use scaivault_domain::id::{DeliveryId, SubscriptionId, WebhookId};
use scaivault_domain::publication::{EventFilter, EventKey, EventNames};
use scaivault_domain::secret::SecretType;
use scaivault_domain::webhook::{Content, WebhookEvent};
use scaivault_domain::{Event, PartnerId, TenantId, Timestamp};

fn id() -> WebhookId {
    WebhookId::parse("wh_01JX5T0Q7M3C9V2R8K4N6P1ABD").unwrap()
}

fn home() -> Home {
    Home { tenant_id: TenantId::parse("tnt_platform"), partner_id: PartnerId::parse("ptn_scailabs") }
}

fn names(names: &[&str]) -> EventNames {
    EventNames::parse(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), "events").unwrap()
}

fn full(at: Timestamp) -> Content {
    Content {
        name: "rotation-handler".into(),
        events: names(&["secret.rotated", "rotation.*"]),
        filters: EventFilter {
            path_prefix: Some("environments/production/".into()),
            secret_type: Some(SecretType::Json),
            tags: vec!["pci".into(), "prod".into()],
        },
        endpoint: Endpoint {
            url: "https://hooks.acme.example/scaivault".into(),
            format: Format::Cloudevents,
            public_key: Some("whpk_MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg==".into()),
            ca_pem: Some("-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n".into()),
            previous_secret_expires_at: Some(at),
        },
    }
}

fn bare() -> Content {
    Content {
        name: "all".into(),
        events: names(&["*"]),
        filters: EventFilter::default(),
        endpoint: Endpoint {
            url: "https://hooks.acme.example".into(),
            format: Format::Scaivault,
            public_key: None,
            ca_pem: None,
            previous_secret_expires_at: None,
        },
    }
}

/// Samples with the names of their files.
pub(crate) fn all(at: Timestamp) -> Vec<(&'static str, Event)> {
    let webhooks = [
        ("webhook.created", WebhookEvent::Created { id: id(), content: full(at), home: Some(home()), disabled: true }),
        ("webhook.created.bare", WebhookEvent::Created { id: id(), content: bare(), home: None, disabled: false }),
        (
            "webhook.updated",
            WebhookEvent::Updated { id: id(), content: full(at), disabled: Some(DisabledReason::Requested) },
        ),
        ("webhook.updated.bare", WebhookEvent::Updated { id: id(), content: bare(), disabled: None }),
        (
            "webhook.disabled",
            WebhookEvent::Disabled {
                id: id(),
                name: "rotation-handler".into(),
                reason: DisabledReason::Gone,
                last_error: Some("status_410".into()),
            },
        ),
        (
            "webhook.disabled.bare",
            WebhookEvent::Disabled {
                id: id(),
                name: "rotation-handler".into(),
                reason: DisabledReason::Failing,
                last_error: None,
            },
        ),
        ("webhook.deleted", WebhookEvent::Deleted { id: id() }),
    ];
    let webhooks = webhooks.into_iter().map(|(name, event)| (name, Event::Webhook(event)));
    webhooks.chain(deliveries(at).into_iter().map(|(name, event)| (name, Event::Delivery(event)))).collect()
}

fn deliveries(at: Timestamp) -> Vec<(&'static str, DeliveryEvent)> {
    let to = Recipient::Webhook(id());
    let key = EventKey { position: 4711, index: 2 };
    let series = Series(ulid::Ulid::from_string("01JX5X2B4D6F8H0K2M4P6R8T0V").unwrap());
    let failed = Attempt {
        id: DeliveryId::parse("del_01JX5X2B4D6F8H0K2M4P6R8T0V").unwrap(),
        slot: Some(Slot { series, key }),
        event_id: "evt_01JX5T3ZJ8Q4W6E2R9T1Y5V7BC".into(),
        event_type: "secret.rotated".into(),
        number: 2,
        at,
        duration_ms: Some(41),
        response_code: Some(503),
        response_body: Some("try later".into()),
        error: Some("status_503".into()),
        outcome: Outcome::Pending { next_attempt_at: at.plus_seconds(36) },
    };
    let given_up = Attempt {
        slot: Some(Slot::live(key)),
        number: 10,
        duration_ms: None,
        response_code: None,
        response_body: None,
        error: Some("timeout".into()),
        outcome: Outcome::Failed {},
        ..failed.clone()
    };
    let test = Attempt {
        slot: None,
        event_type: "webhook.test".into(),
        number: 1,
        response_code: Some(204),
        response_body: None,
        error: None,
        outcome: Outcome::Success {},
        ..failed.clone()
    };
    let asked = vec![Asked { key, lane: u64::MAX }, Asked { key: EventKey::of(4712), lane: 1 }];
    let subscription = Recipient::Subscription(SubscriptionId::parse("sub_01JX5XK1M3P5R7T9V1X3Z5B7D9").unwrap());
    vec![
        ("delivery.attempted", DeliveryEvent::Attempted { to: to.clone(), attempts: vec![failed, given_up] }),
        ("delivery.attempted.test", DeliveryEvent::Attempted { to: to.clone(), attempts: vec![test] }),
        ("delivery.requested", DeliveryEvent::Requested { to: to.clone(), series, replay: true, events: asked }),
        (
            "delivery.requested.again",
            DeliveryEvent::Requested { to, series, replay: false, events: vec![Asked { key, lane: 0 }] },
        ),
        (
            "delivery.acknowledged",
            DeliveryEvent::Acknowledged { to: subscription, events: vec![key, EventKey::of(4712)], by_owner: true },
        ),
    ]
}
