//! Samples of what happens to secret policies: one with every generator, and one that says as little as it can.

use scaivault_domain::Event;
use scaivault_domain::secret_policy::field::{self, GivenField};
use scaivault_domain::secret_policy::{
    Content, Field, PolicyType, PolicyUid, SecretPolicyEvent, SecretPolicyId, SecretPolicyReference,
};
use serde_json::{Value, json};

fn id() -> SecretPolicyId {
    SecretPolicyId::parse("sp_database_passwords").unwrap()
}

fn uid() -> PolicyUid {
    PolicyUid(ulid::Ulid::from_string("01JX5T3ZHVB2D4F6H8K0M2P4R6").unwrap())
}

pub(crate) fn reference() -> SecretPolicyReference {
    SecretPolicyReference { id: id(), uid: uid() }
}

fn fields(given: Value) -> Vec<Field> {
    let given: Vec<GivenField> = given
        .as_array()
        .unwrap()
        .iter()
        .map(|field| GivenField {
            name: field["name"].as_str().map(str::to_owned),
            generator: field["generator"].as_str().map(str::to_owned),
            config: field["config"].as_object().cloned().unwrap_or_default(),
        })
        .collect();
    let mut faults = Vec::new();
    let fields = field::read(&given, &mut faults);
    assert_eq!(faults, []);
    fields
}

fn full() -> Content {
    Content {
        name: "Database Passwords".into(),
        description: "For people and machines".into(),
        policy_type: PolicyType::Password,
        fields: fields(json!([
            {"name": "password", "generator": "random", "config": {"length": 24, "charset": "safe", "require_upper": true, "require_symbol": true}},
            {"name": "pin", "generator": "random", "config": {"length": 6, "charset": "custom", "characters": "0123456789äß"}},
            {"name": "salt", "generator": "hex", "config": {"length": 7}},
            {"name": "client_id", "generator": "uuid", "config": {"version": 7}},
            {"name": "api_key", "generator": "template", "config": {"template": "sk_{{random:24}}_{{timestamp}}", "charset": "alpha"}},
            {"name": "private_key", "generator": "rsa_keypair", "config": {"bits": 4096}},
            {"name": "signing", "generator": "ec_keypair", "config": {"curve": "P-384", "public_name": "verifying"}},
            {"name": "ssh", "generator": "ssh_keypair", "config": {"key_type": "rsa", "comment": "deploy@acme"}},
            {"name": "login", "generator": "ssh_keypair"},
            {"name": "admin", "generator": "bcrypt_hash", "config": {"rounds": 10, "require_digit": true}},
            {"name": "user", "generator": "static", "config": {"value": "app"}},
        ])),
        is_active: true,
    }
}

fn bare() -> Content {
    Content {
        name: "database passwords".into(),
        description: "".into(),
        policy_type: PolicyType::Custom,
        fields: fields(json!([{"name": "value", "generator": "hex"}])),
        is_active: false,
    }
}

pub(crate) fn all() -> Vec<(&'static str, Event)> {
    let events = [
        ("secret_policy.created", SecretPolicyEvent::Created { id: id(), uid: uid(), content: full() }),
        ("secret_policy.created.bare", SecretPolicyEvent::Created { id: id(), uid: uid(), content: bare() }),
        ("secret_policy.updated", SecretPolicyEvent::Updated { id: id(), content: full() }),
        ("secret_policy.deleted", SecretPolicyEvent::Deleted { id: id() }),
    ];
    events.into_iter().map(|(name, event)| (name, Event::SecretPolicy(event))).collect()
}
