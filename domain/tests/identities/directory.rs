//! What is recorded of partners, tenants, users and groups, and how identities are written.

use scaivault_domain::directory::{Provenance, Source, Status, Tenant, slug};
use scaivault_domain::{IdentityId, IdentityType, Timestamp};

use super::sample::{moment, now, partner, tenant};

#[test]
fn a_slug_has_lower_case_letters_digits_and_single_dashes_between() {
    for (name, expected) in [
        ("sre", Some("sre")),
        ("CI Pipeline", Some("ci-pipeline")),
        ("  On -- Call!  ", Some("on-call")),
        ("7 of 9", Some("7-of-9")),
        ("Zürich", Some("z-rich")),
        ("a", Some("a")),
        ("-", None),
        ("日本", None),
        ("", None),
    ] {
        assert_eq!(slug(name).as_deref(), expected, "{name}");
    }
}

#[test]
fn a_status_has_one_of_three_names() {
    for (status, name) in [(Status::Active, "ACTIVE"), (Status::Suspended, "SUSPENDED"), (Status::Deleted, "DELETED")] {
        assert_eq!((status.as_str(), Status::parse(name)), (name, Some(status)));
        assert_eq!(serde_json::to_value(status).unwrap(), name);
    }
    assert_eq!((Status::parse("active"), Status::parse("")), (None, None));
    assert_eq!(Status::ALL.len(), 3);
}

#[test]
fn a_change_older_than_the_last_one_comes_too_late() {
    let mirrored = Provenance::mirrored(moment("2026-04-23T13:00:00Z"), now());
    assert_eq!((mirrored.source, mirrored.synced_at), (Source::Scaikey, Some(now())));
    for (at, expected) in
        [("2026-04-23T12:59:59Z", true), ("2026-04-23T13:00:00Z", false), ("2026-04-23T13:00:01Z", false)]
    {
        assert_eq!(mirrored.is_newer_than(moment(at)), expected, "{at}");
    }
    assert_eq!(Provenance::local(), Provenance { source: Source::Local, synced_at: None, changed_at: None });
    assert!(!Provenance::local().is_newer_than(Timestamp::default()));
}

#[test]
fn a_tenant_is_doomed_once_its_destruction_is_ordered() {
    let tenant = Tenant {
        id: tenant("tnt_acme"),
        partner_id: partner("ptn_acme"),
        name: "Acme".into(),
        slug: "acme".into(),
        region: None,
        status: Status::Suspended,
        provenance: Provenance::local(),
        doomed_at: None,
        shredded_at: None,
    };
    assert!(!tenant.is_doomed(), "a suspended one may come back");
    assert!(Tenant { doomed_at: Some(now()), ..tenant }.is_doomed());
}

#[test]
fn the_prefix_of_an_identity_says_its_kind() {
    use IdentityType::{Group, ServiceAccount, System, User};
    for (text, kind) in [
        ("user:alice@acme.example", User),
        ("user:00uA7", User),
        ("sa:Billing-Prod", ServiceAccount),
        ("group:sre", Group),
        ("system:rotation-scheduler", System),
        ("dynamic:postgres", System),
    ] {
        let identity = IdentityId::parse(text).unwrap();
        assert_eq!((identity.as_str(), identity.kind()), (text, kind));
        assert_eq!(
            (identity.to_string(), format!("{identity:?}"), &*identity.shared()),
            (text.into(), text.into(), text)
        );
        assert_eq!(IdentityType::parse(kind.as_str()), Some(kind));
    }
    assert_eq!(IdentityId::parse("user:Alice@Acme.example"), Some(IdentityId::user("alice@acme.example")));
    assert_eq!(IdentityId::parse("sa:billing"), Some(IdentityId::service_account("billing")));
    assert_eq!(IdentityId::parse("group:sre"), Some(IdentityId::group("sre")));
    assert_eq!(IdentityId::system(IdentityId::IDENTITY_SYNC).kind(), System);
    let longest = format!("sa:{}", "a".repeat(509));
    assert!(IdentityId::parse(&longest).is_some() && IdentityId::parse(&format!("{longest}a")).is_none());
    for text in ["alice", "user:", ":alice", "robot:alice", "User:alice", ""] {
        assert_eq!(IdentityId::parse(text), None, "{text}");
    }
    assert_eq!(IdentityType::parse("robot"), None);
}
