//! Stored events as they lie in logs: each must be read as the same event, and written as the same
//! JSON, for ever.
//!
//! A changed file is a changed history. A new type, or a new shape of one, is a new file; its text
//! is in the message of the failing test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/samples.rs"]
mod samples;

use std::collections::BTreeSet;
use std::path::Path;

use scaivault_domain::delivery::DeliveryEvent;
use scaivault_domain::directory::IdentityEvent;
use scaivault_domain::event::SCHEMA_VERSION;
use scaivault_domain::export::ExportEvent;
use scaivault_domain::issuer::IssuerEvent;
use scaivault_domain::policy::PolicyEvent;
use scaivault_domain::policy::replay::ReplayEvent;
use scaivault_domain::rotation::RotationPolicyEvent;
use scaivault_domain::secret::SecretEvent;
use scaivault_domain::secret_policy::SecretPolicyEvent;
use scaivault_domain::subscription::SubscriptionEvent;
use scaivault_domain::webhook::WebhookEvent;
use scaivault_domain::{Event, EventBody};
use serde_json::{Value, json};

fn directory() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden"))
}

fn stored(body: &EventBody) -> Value {
    let json: Value = serde_json::from_slice(&body.encode().unwrap()).unwrap();
    json!({"type": body.event.kind(), "schema_version": SCHEMA_VERSION, "body": json})
}

#[test]
fn each_file_is_read_as_its_event_and_written_as_it_is() {
    for (name, body) in samples::all() {
        let file = directory().join(format!("{name}.json"));
        let wanted = format!("{:#}\n", stored(&body));
        let Ok(text) = std::fs::read_to_string(&file) else {
            panic!("{} is missing; it holds\n{wanted}", file.display());
        };
        let golden: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(golden, stored(&body), "{name} is written otherwise");
        let version = u16::try_from(golden["schema_version"].as_u64().unwrap()).unwrap();
        let json = golden["body"].to_string();
        let decoded = EventBody::decode(golden["type"].as_str().unwrap(), version, json.as_bytes()).unwrap();
        assert_eq!(decoded, body, "{name} is read otherwise");
    }
}

#[test]
fn each_type_has_a_file_and_each_file_a_type() {
    let files: BTreeSet<String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let samples: BTreeSet<String> = samples::all().iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, samples);
    for kind in Event::kinds() {
        assert!(files.contains(kind), "{kind} has no golden file");
    }
    for (name, body) in samples::all() {
        assert!(name == body.event.kind() || name.starts_with(&format!("{}.", body.event.kind())), "{name}");
        // A new variant does not compile here until it is listed as a type, and so has a file.
        assert!(listed(&body.event), "{name}");
    }
}

fn listed(event: &Event) -> bool {
    match event {
        Event::Secret(_, event) => SecretEvent::KINDS.contains(&event.kind()),
        Event::Policy(event) => PolicyEvent::KINDS.contains(&event.kind()),
        Event::Replay(event) => ReplayEvent::KINDS.contains(&event.kind()),
        Event::Identity(event) => IdentityEvent::KINDS.contains(&event.kind()),
        Event::Issuer(event) => IssuerEvent::KINDS.contains(&event.kind()),
        Event::Export(event) => ExportEvent::KINDS.contains(&event.kind()),
        Event::RotationPolicy(event) => RotationPolicyEvent::KINDS.contains(&event.kind()),
        Event::SecretPolicy(event) => SecretPolicyEvent::KINDS.contains(&event.kind()),
        Event::Webhook(event) => WebhookEvent::KINDS.contains(&event.kind()),
        Event::Subscription(event) => SubscriptionEvent::KINDS.contains(&event.kind()),
        Event::Delivery(event) => DeliveryEvent::KINDS.contains(&event.kind()),
        Event::TokenCreated(_)
        | Event::TokenRevoked(_)
        | Event::JwtRevoked(_)
        | Event::PartnerCreated(_)
        | Event::TenantCreated(_)
        | Event::UserCreated(_)
        | Event::ClockMoved(_)
        | Event::OutcomeKept(_)
        | Event::AuditErased(_) => Event::OTHER_KINDS.contains(&event.kind()),
    }
}

#[test]
fn fields_of_later_builds_are_passed_over() {
    for (name, body) in samples::all() {
        let mut later = stored(&body)["body"].clone();
        later["added_later"] = json!({"a": 1});
        let data = &mut later["data"];
        match data.get_mut(body.event.kind()) {
            Some(inner) => inner["added_later"] = json!(true),
            None => data["added_later"] = json!(true),
        }
        let decoded = EventBody::decode(body.event.kind(), SCHEMA_VERSION, later.to_string().as_bytes());
        assert_eq!(decoded.unwrap(), body, "{name}");
    }
}
