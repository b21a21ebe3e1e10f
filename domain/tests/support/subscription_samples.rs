//! Samples of what happens to subscriptions.

use scaivault_domain::endpoint::{DisabledReason, Endpoint, Format};
use scaivault_domain::id::SubscriptionId;
use scaivault_domain::publication::{EventFilter, EventNames};
use scaivault_domain::secret::SecretType;
use scaivault_domain::subscription::{Content, Delivery, Home, SubscriptionEvent};
use scaivault_domain::{Event, IdentityId, PartnerId, Pattern, TenantId, Timestamp};

fn id() -> SubscriptionId {
    SubscriptionId::parse("sub_01JX5XK1M3P5R7T9V1X3Z5B7D9").unwrap()
}

fn names(names: &[&str]) -> EventNames {
    EventNames::parse(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), "events").unwrap()
}

fn pushed(at: Timestamp) -> Content {
    Content {
        name: "Slack rotation alerts".into(),
        paths: vec![Pattern::parse("environments/production/**").unwrap(), Pattern::parse("shared/*").unwrap()],
        events: names(&["secret.rotated", "rotation.due"]),
        filters: EventFilter {
            path_prefix: Some("environments/".into()),
            secret_type: Some(SecretType::Json),
            tags: vec!["prod".into()],
        },
        delivery: Delivery::Webhook(Endpoint {
            url: "https://hooks.acme.example/alerts".into(),
            format: Format::Cloudevents,
            public_key: Some("whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=".into()),
            ca_pem: Some("-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n".into()),
            previous_secret_expires_at: Some(at),
        }),
    }
}

fn polled() -> Content {
    Content {
        name: "feed".into(),
        paths: vec![Pattern::parse("**").unwrap()],
        events: names(&["*"]),
        filters: EventFilter::default(),
        delivery: Delivery::Polling { buffer_size: 1_000 },
    }
}

/// Samples with the names of their files.
pub(crate) fn all(at: Timestamp, owner: &IdentityId) -> Vec<(&'static str, Event)> {
    let home = Home {
        tenant_id: Some(TenantId::parse("tnt_acme_ops").unwrap()),
        partner_id: Some(PartnerId::parse("ptn_acme").unwrap()),
    };
    let created = |content, home| SubscriptionEvent::Created { id: id(), owner: owner.clone(), home, content };
    let events = [
        ("subscription.created", created(pushed(at), Some(home))),
        ("subscription.created.bare", created(polled(), None)),
        (
            "subscription.updated",
            SubscriptionEvent::Updated { id: id(), content: pushed(at), disabled: Some(DisabledReason::Failing) },
        ),
        ("subscription.updated.bare", SubscriptionEvent::Updated { id: id(), content: polled(), disabled: None }),
        ("subscription.disabled", SubscriptionEvent::Disabled { id: id(), reason: DisabledReason::Gone }),
        ("subscription.deleted", SubscriptionEvent::Deleted { id: id() }),
    ];
    events.into_iter().map(|(name, event)| (name, Event::Subscription(event))).collect()
}
